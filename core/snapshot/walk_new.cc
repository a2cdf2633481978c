#include "snapshot/walk_new.h"

#include <algorithm>
#include <functional>
#include <iterator>
#include <map>
#include <memory>
#include <optional>
#include <ranges>
#include <string>
#include <utility>

#include "base/bytes.h"
#include "base/error.h"
#include "crypto/id_set.h"
#include "snapshot/content_list.h"
#include "snapshot/node.h"
#include "snapshot/owned_tree.h"
#include "snapshot/parse.h"
#include "snapshot/tree.h"

namespace garner::snapshot {
namespace {

// Pages kept in memory while those below them are walked. Those further up are read again when the walk comes
// back to them, so that memory is bounded however deep folders are nested.
constexpr std::size_t kPagesKept = 16;
// Lists of one file that may wait to be looked at, its own and those of the other versions each.
constexpr std::size_t kMostLists = 50'000;

using Nodes = std::vector<v1::Node>;  // of one path, in the snapshots that are owned

bool has_same_content(const v1::Node& a, const v1::Node& b) {
  return std::ranges::equal(a.content(), b.content(), [](const auto& one, const auto& other) {
    return serialize(one) == serialize(other);
  });
}

// The content of a file of which other versions are owned. A list is longer than each of those in it, and
// equal lists are of equal length: so the longest lists of both are looked at first, and when those of one
// length come up, all of them are known.
class ContentBeside {
 public:
  ContentBeside(store::BlobSource& source, const ContentVisitor& visitor)
      : source_(source), visitor_(visitor) {}

  void walk(const v1::Node& file, const Nodes& owned) {
    leaves_.resize(owned.size(), kMaximumListDepth + 1);
    for (std::size_t version = 0; version < owned.size(); ++version)
      add_owned(owned[version].content(), 1, version);
    add(file.content(), 1);
    while (!lists_.empty()) {
      const std::uint64_t length = lists_.begin()->first;
      open_longer_than(length);
      crypto::IdSet known;
      const auto [first, last] = owned_.equal_range(length);
      for (const auto& one : std::ranges::subrange(first, last)) known.insert(id_from(one.second.entry.id()));
      crypto::IdSet met;
      while (!lists_.empty() && lists_.begin()->first == length) {
        const List list = std::move(lists_.extract(lists_.begin()).mapped());
        const crypto::BlobId id = id_from(list.entry.id());
        if (known.contains(id)) {
          met.insert(id);
        } else {
          enter(list);
        }
      }
      // What is in those was passed over: nobody asks for it.
      for (auto one = first; one != last;)
        one = met.contains(id_from(one->second.entry.id())) ? owned_.erase(one) : std::next(one);
    }
  }

 private:
  struct List {
    v1::ContentEntry entry;
    std::size_t levels_above = 1;
    std::size_t version = 0;  // of those that are owned
  };
  using Lists = std::multimap<std::uint64_t, List, std::greater<>>;  // by length
  using Entries = google::protobuf::RepeatedPtrField<v1::ContentEntry>;

  void add(const Entries& entries, std::size_t levels_above) {
    for (const v1::ContentEntry& entry : entries) {
      if (entry.type() != v1::ENTRY_TYPE_LIST) {
        visitor_.entry(0, entry);
      } else if (lists_.size() < kMostLists) {
        lists_.emplace(entry.length(), List{entry, levels_above, 0});
      } else {
        // So many differ: one after the other, then, as if nothing were owned.
        v1::Node alone;
        *alone.add_content() = entry;
        walk_content(alone, source_, visitor_);
      }
    }
  }

  void add_owned(const Entries& entries, std::size_t levels_above, std::size_t version) {
    bool any = false;
    for (const v1::ContentEntry& entry : entries) {
      if (entry.type() != v1::ENTRY_TYPE_LIST) continue;
      any = true;
      if (owned_.size() < kMostLists) owned_.emplace(entry.length(), List{entry, levels_above, version});
    }
    // All lists of blobs are at one depth, but for a last one that has moved up, and is short.
    if (!any && levels_above > 1) leaves_[version] = std::min(leaves_[version], levels_above - 1);
  }

  void enter(const List& list) {
    if (!visitor_.list(list.entry)) return;
    ++entered_;
    try {
      add(load_list(list.entry, list.levels_above, source_).entries(), list.levels_above + 1);
    } catch (const Error& error) {
      if (!concerns_blob(error)) throw;
      visitor_.unreadable(list.entry, error);
    }
  }

  void open_longer_than(std::uint64_t length) {
    while (!owned_.empty() && owned_.begin()->first > length) {
      // What is owned is read in proportion to what is not: a small file that was a huge one before is read
      // by itself.
      if (opened_ > 64 + 4 * entered_) {
        owned_.clear();
        return;
      }
      const List list = std::move(owned_.extract(owned_.begin()).mapped());
      if (list.levels_above >= leaves_[list.version]) continue;
      ++opened_;
      try {
        add_owned(load_list(list.entry, list.levels_above, source_).entries(), list.levels_above + 1,
                  list.version);
      } catch (const Error& error) {
        if (!concerns_blob(error)) throw;
      }
    }
  }

  store::BlobSource& source_;
  const ContentVisitor& visitor_;
  Lists lists_;  // to be looked at
  Lists owned_;
  std::vector<std::size_t> leaves_;  // of each version: at which depth its lists hold blobs
  std::uint64_t entered_ = 0;
  std::uint64_t opened_ = 0;
};

class Walk {
 public:
  Walk(store::BlobSource& source, const ClosureVisitor& visitor) : source_(source), visitor_(visitor) {}

  void walk(const v1::Source& root, const Nodes& owned) {
    path_ = root.path();
    enter_node(root.root(), owned);
    while (!levels_.empty()) step();
  }

 private:
  // Versions of one folder that are owned, for all pages of the folder.
  using Beside = std::vector<OwnedTree>;
  // A tree page on the way from the source's root to where the walk is.
  struct Level {
    crypto::BlobId id;
    std::optional<v1::TreePage> page;
    int next = 0;
    std::size_t path_size = 0;   // of the path of the folder that the page is of
    std::size_t page_depth = 1;  // within the folder
    std::shared_ptr<Beside> beside;
  };

  void step() {
    Level& level = levels_.back();
    path_.resize(level.path_size);
    if (!level.page && !read_again(level)) return;
    if (level.next < level.page->nodes_size()) {
      // Taken out of the page: it is not looked at again, unless the page is read again.
      const v1::Node node = std::move(*level.page->mutable_nodes(level.next++));
      const Nodes owned = find_owned(*level.beside, node);
      if (path_ != "/") path_ += '/';
      path_ += node.name();
      enter_node(node, owned);
    } else if (level.next < level.page->pages_size()) {
      const v1::PageReference reference = level.page->pages(level.next++);
      const bool is_owned =
          std::ranges::any_of(*level.beside, [&](OwnedTree& tree) { return tree.has_page(reference); });
      if (is_owned) return;
      enter_page(id_from(reference.id()), &reference, nullptr, level.page_depth + 1, level.beside);
    } else {
      levels_.pop_back();
    }
  }

  // Those that can spare something.
  static Nodes find_owned(Beside& beside, const v1::Node& node) {
    Nodes owned;
    if (node.type() != v1::NODE_TYPE_FOLDER && node.content().empty()) return owned;
    for (OwnedTree& tree : beside) {
      const v1::Node* found = tree.find(node.name());
      if (found != nullptr && found->type() == node.type()) owned.push_back(*found);
    }
    return owned;
  }

  void enter_node(const v1::Node& node, const Nodes& owned) {
    if (node.type() == v1::NODE_TYPE_FOLDER) {
      auto beside = std::make_shared<Beside>();
      for (const v1::Node& other : owned) {
        if (other.tree() == node.tree()) return;
        const bool is_known = std::ranges::any_of(
            *beside, [&](const OwnedTree& tree) { return as_text(tree.id().view()) == other.tree(); });
        if (!is_known) beside->emplace_back(source_, id_from(other.tree()));
      }
      enter_page(id_from(node.tree()), nullptr, &node.totals(), 1, std::move(beside));
    } else if (node.type() == v1::NODE_TYPE_FILE) {
      const bool is_owned =
          std::ranges::any_of(owned, [&](const v1::Node& other) { return has_same_content(node, other); });
      if (!is_owned) walk_file(node, owned);
    }
  }

  void enter_page(const crypto::BlobId& id, const v1::PageReference* reference, const v1::Totals* totals,
                  std::size_t page_depth, std::shared_ptr<Beside> beside) {
    if (!visitor_.visit(crypto::BlobKind::kTree, id, path_)) return;
    Level level{id, std::nullopt, 0, path_.size(), page_depth, std::move(beside)};
    try {
      if (page_depth > kMaximumPageDepth) throw Error(ErrorKind::kDamaged, "pages are nested too deep");
      LoadedPage loaded = load_page(source_, id, reference);
      if (totals != nullptr && !equal(*totals, loaded.totals)) {
        throw Error(ErrorKind::kDamaged, "tree " + id.hex() + ": its totals are not those of its folder");
      }
      level.page = std::move(loaded.page);
    } catch (const Error& error) {
      if (!concerns_blob(error)) throw;
      visitor_.unreadable(crypto::BlobKind::kTree, id, path_, error.what());
      return;
    }
    levels_.push_back(std::move(level));
    if (levels_.size() > kPagesKept) {
      Level& far = levels_[levels_.size() - 1 - kPagesKept];
      far.page.reset();
      for (OwnedTree& tree : *far.beside) tree.drop();
    }
  }

  // The page was checked when it was read first; the same id has the same bytes.
  bool read_again(Level& level) {
    try {
      level.page = load_page(source_, level.id, nullptr).page;
      return true;
    } catch (const Error& error) {
      if (!concerns_blob(error)) throw;
      visitor_.unreadable(crypto::BlobKind::kTree, level.id, path_, error.what());
      levels_.pop_back();
      return false;
    }
  }

  void walk_file(const v1::Node& node, const Nodes& owned) {
    ContentVisitor content;
    content.entry = [&](std::uint64_t, const v1::ContentEntry& entry) {
      if (entry.type() == v1::ENTRY_TYPE_DIFFERENCE && visitor_.difference) visitor_.difference();
      if (entry.type() == v1::ENTRY_TYPE_BLOB && visitor_.length)
        visitor_.length(id_from(entry.id()), entry.length(), path_);
      for_each_blob_of(
          entry, [&](crypto::BlobKind kind, const crypto::BlobId& id) { visitor_.visit(kind, id, path_); });
      return true;
    };
    content.list = [&](const v1::ContentEntry& list) {
      return visitor_.visit(crypto::BlobKind::kList, id_from(list.id()), path_);
    };
    content.unreadable = [&](const v1::ContentEntry& list, const Error& error) {
      visitor_.unreadable(crypto::BlobKind::kList, id_from(list.id()), path_, error.what());
    };
    if (owned.empty()) {
      walk_content(node, source_, content);
    } else {
      ContentBeside(source_, content).walk(node, owned);
    }
  }

  store::BlobSource& source_;
  const ClosureVisitor& visitor_;
  std::string path_;
  std::vector<Level> levels_;
};

}  // namespace

void walk_new(const v1::Snapshot& newer, const std::vector<const v1::Snapshot*>& owned,
              store::BlobSource& source, const ClosureVisitor& visitor) {
  for (const v1::Source& root : newer.sources()) {
    Nodes same;
    for (const v1::Snapshot* snapshot : owned) {
      for (const v1::Source& other : snapshot->sources()) {
        if (other.path() == root.path() && other.root().type() == root.root().type())
          same.push_back(other.root());
      }
    }
    Walk(source, visitor).walk(root, same);
  }
}

}  // namespace garner::snapshot
