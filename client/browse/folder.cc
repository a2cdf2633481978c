#include "browse/folder.h"

#include <sys/stat.h>

#include <algorithm>
#include <utility>

#include "browse/words.h"

namespace garner::client::browse {

bool Folder::Row::is_folder() const { return S_ISDIR(node->mode()); }
bool Folder::Row::is_file() const { return S_ISREG(node->mode()); }

void Folder::set_nodes(std::vector<v1::FileNode> nodes) {
  nodes_ = std::move(nodes);
  changes_ = FolderChanges();
  lay_out();
}

void Folder::set_changes(FolderChanges changes) {
  changes_ = std::move(changes);
  lay_out();
}

void Folder::filter(const std::string& words) {
  filter_ = words;
  lay_out();
}

std::optional<std::size_t> Folder::find(const std::string& name) const {
  for (std::size_t row = 0; row < rows_.size(); ++row) {
    if (rows_[row].node->name() == name) return row;
  }
  return std::nullopt;
}

void Folder::lay_out() {
  const std::vector<std::string> words = words_of(filter_);
  const auto passes = [&](const std::string& name) {
    if (words.empty()) return true;
    const std::string searched = lower(name);
    return std::all_of(words.begin(), words.end(),
                       [&](const std::string& word) { return searched.find(word) != std::string::npos; });
  };
  rows_.clear();
  for (const v1::FileNode& node : nodes_) {
    if (passes(node.name())) rows_.push_back({&node, changes_.mark(node.name())});
  }
  const auto kept = static_cast<std::ptrdiff_t>(rows_.size());
  removed_.clear();
  for (const auto& [name, removed] : changes_.removed()) {
    // Something else may have its name.
    if (changes_.mark(name) != Mark::kRemoved || !passes(name)) continue;
    v1::FileNode& node = removed_.emplace_back();
    node.set_name(name);
    node.set_mode(removed.type);
    node.set_size(removed.size);
    rows_.push_back({&node, Mark::kRemoved});
  }
  std::inplace_merge(rows_.begin(), rows_.begin() + kept, rows_.end(),
                     [](const Row& a, const Row& b) { return a.node->name() < b.node->name(); });
}

std::string mode_text(std::uint32_t mode) {
  std::string text = "?rwxrwxrwx";
  switch (mode & S_IFMT) {
    case S_IFREG:
      text[0] = '-';
      break;
    case S_IFDIR:
      text[0] = 'd';
      break;
    case S_IFLNK:
      text[0] = 'l';
      break;
    case S_IFBLK:
      text[0] = 'b';
      break;
    case S_IFCHR:
      text[0] = 'c';
      break;
    case S_IFIFO:
      text[0] = 'p';
      break;
    case S_IFSOCK:
      text[0] = 's';
      break;
    default:
      break;
  }
  for (unsigned bit = 0; bit < 9; ++bit) {
    if ((mode & (0400u >> bit)) == 0) text[1 + bit] = '-';
  }
  const auto special = [&](std::uint32_t bit, std::size_t place, char with, char without) {
    if ((mode & bit) != 0) text[place] = text[place] == 'x' ? with : without;
  };
  special(S_ISUID, 3, 's', 'S');
  special(S_ISGID, 6, 's', 'S');
  special(S_ISVTX, 9, 't', 'T');
  return text;
}

}  // namespace garner::client::browse
