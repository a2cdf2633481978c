#include "history_walk.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "base/file.h"
#include "path_relation.h"

namespace garner::daemon {

namespace {

constexpr std::size_t kNamesInPage = 256;
constexpr std::size_t kKeptFolders = 16;

// The name in `folder` by which it leads to `path`.
std::string step_to(std::string_view path, std::string_view folder) {
  const std::size_t begin = folder == "/" ? 1 : folder.size() + 1;
  return std::string(path.substr(begin, path.find('/', begin) - begin));
}

}  // namespace

HistoryWalk::HistoryWalk(catalog::History& history, std::string below)
    : history_(history), below_(std::move(below)) {
  Items all = sources();
  const auto within =
      std::partition(all.begin(), all.end(), [](const Found& one) { return one.item.name == "/"; });
  const Items root(all.begin(), within);
  enter("/", root, Items(within, all.end()));
}

HistoryWalk::Items HistoryWalk::sources() {
  Items all;
  for (;;) {
    std::vector<catalog::Item> page =
        history_.items(0, all.empty() ? std::string() : all.back().item.name, kNamesInPage);
    for (catalog::Item& item : page) all.push_back({0, std::move(item)});
    if (page.size() < kNamesInPage) return all;
  }
}

const HistoryWalk::Place* HistoryWalk::next() {
  while (!folders_.empty()) {
    Folder& folder = folders_.back();
    std::optional<Entry> entry = folder.only ? take_only(folder) : take(folder);
    if (!entry) {
      folders_.pop_back();
      continue;
    }
    place_.path = path_in(folder.path, entry->name);
    Items within;
    for (Found& source : entry->sources)
      (source.item.name == place_.path ? entry->items : within).push_back(std::move(source));
    place_.items.clear();
    bool is_folder = !within.empty();
    for (const Found& one : entry->items) {
      place_.items.push_back({one.folder, one.item.name});
      is_folder = is_folder || one.item.is_folder;
    }
    if (is_folder) enter(place_.path, entry->items, std::move(within));
    if (!place_.items.empty() && (below_.empty() || is_same_or_inside(place_.path, below_))) return &place_;
  }
  return nullptr;
}

void HistoryWalk::enter(const std::string& path, const Items& here, Items within) {
  Folder folder;
  folder.path = path;
  for (const Found& one : here) {
    if (one.item.is_folder) folder.names.emplace_back().folder = one.item.number;
  }
  for (Found& source : within) folder.sources[step_to(source.item.name, path)].push_back(std::move(source));
  if (!below_.empty() && path != below_ && is_same_or_inside(below_, path))
    folder.only = step_to(below_, path);
  folders_.push_back(std::move(folder));
  if (folders_.size() > kKeptFolders) drop(folders_[folders_.size() - 1 - kKeptFolders]);
}

std::optional<HistoryWalk::Entry> HistoryWalk::take(Folder& folder) {
  std::optional<std::string> least;
  if (!folder.sources.empty()) least = folder.sources.begin()->first;
  for (Names& names : folder.names) {
    const catalog::Item* const item = peek(names);
    if (item != nullptr && (!least || item->name < *least)) least = item->name;
  }
  if (!least) return std::nullopt;
  Entry entry{*std::move(least), {}, {}};
  for (Names& names : folder.names) {
    const catalog::Item* const item = peek(names);
    if (item == nullptr || item->name != entry.name) continue;
    entry.items.push_back({names.folder, std::move(names.page[names.taken++])});
    names.last = entry.name;
  }
  if (const auto found = folder.sources.find(entry.name); found != folder.sources.end()) {
    entry.sources = std::move(found->second);
    folder.sources.erase(found);
  }
  return entry;
}

std::optional<HistoryWalk::Entry> HistoryWalk::take_only(Folder& folder) {
  Entry entry{*folder.only, {}, {}};
  for (const Names& names : folder.names) {
    if (auto item = history_.item(names.folder, entry.name))
      entry.items.push_back({names.folder, *std::move(item)});
  }
  if (const auto found = folder.sources.find(entry.name); found != folder.sources.end())
    entry.sources = std::move(found->second);
  const bool is_there = !entry.items.empty() || !entry.sources.empty();
  // It was all that is looked for.
  folder.names.clear();
  folder.sources.clear();
  if (!is_there) return std::nullopt;
  return entry;
}

const catalog::Item* HistoryWalk::peek(Names& names) {
  if (names.taken == names.page.size()) {
    if (names.is_last) return nullptr;
    names.page = history_.items(names.folder, names.last, kNamesInPage);
    names.taken = 0;
    names.is_last = names.page.size() < kNamesInPage;
    if (names.page.empty()) return nullptr;
  }
  return &names.page[names.taken];
}

// Its names are read again when the walk comes back to it.
void HistoryWalk::drop(Folder& folder) {
  for (Names& names : folder.names) {
    if (names.taken == names.page.size() && names.is_last) continue;
    names.page.clear();
    names.taken = 0;
    names.is_last = false;
  }
}

}  // namespace garner::daemon
