#include "snapshot/closure.h"

#include <cstring>
#include <optional>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/error.h"
#include "snapshot/content_list.h"
#include "snapshot/node.h"
#include "snapshot/parse.h"
#include "snapshot/tree.h"

namespace garner::snapshot {
namespace {

// Pages kept in memory while those below them are walked. Those further up are read again when the walk comes
// back to them, so that memory is bounded however deep folders are nested.
constexpr std::size_t kPagesKept = 16;

class Walk {
 public:
  Walk(store::BlobSource& source, const ClosureVisitor& visitor) : source_(source), visitor_(visitor) {}

  void walk(const v1::Source& root) {
    path_ = root.path();
    enter_node(root.root());
    while (!levels_.empty()) step();
  }

 private:
  // A tree page on the way from the source's root to where the walk is.
  struct Level {
    crypto::BlobId id;
    std::optional<v1::TreePage> page;
    int next = 0;
    std::size_t path_size = 0;   // of the path of the folder that the page is of
    std::size_t page_depth = 1;  // within the folder
  };

  void step() {
    Level& level = levels_.back();
    path_.resize(level.path_size);
    if (!level.page && !read_again(level)) return;
    if (level.next < level.page->nodes_size()) {
      // Taken out of the page: it is not looked at again, unless the page is read again.
      const v1::Node node = std::move(*level.page->mutable_nodes(level.next++));
      if (path_ != "/") path_ += '/';
      path_ += node.name();
      enter_node(node);
    } else if (level.next < level.page->pages_size()) {
      const v1::PageReference reference = level.page->pages(level.next++);
      enter_page(crypto::BlobId::from_bytes(as_bytes(reference.id())), &reference, nullptr,
                 level.page_depth + 1);
    } else {
      levels_.pop_back();
    }
  }

  void enter_node(const v1::Node& node) {
    if (node.type() == v1::NODE_TYPE_FOLDER) {
      enter_page(crypto::BlobId::from_bytes(as_bytes(node.tree())), nullptr, &node.totals(), 1);
    } else if (node.type() == v1::NODE_TYPE_FILE) {
      walk_file(node);
    }
  }

  void enter_page(const crypto::BlobId& id, const v1::PageReference* reference, const v1::Totals* totals,
                  std::size_t page_depth) {
    if (!visitor_.visit(crypto::BlobKind::kTree, id, path_)) return;
    Level level{id, std::nullopt, 0, path_.size(), page_depth};
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
    if (levels_.size() > kPagesKept) levels_[levels_.size() - 1 - kPagesKept].page.reset();
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

  void walk_file(const v1::Node& node) {
    ContentVisitor content;
    content.entry = [&](std::uint64_t, const v1::ContentEntry& entry) {
      if (entry.type() == v1::ENTRY_TYPE_DIFFERENCE && visitor_.difference) visitor_.difference();
      for_each_blob_of(
          entry, [&](crypto::BlobKind kind, const crypto::BlobId& id) { visitor_.visit(kind, id, path_); });
      return true;
    };
    content.list = [&](const v1::ContentEntry& list) {
      return visitor_.visit(crypto::BlobKind::kList, crypto::BlobId::from_bytes(as_bytes(list.id())), path_);
    };
    content.unreadable = [&](const v1::ContentEntry& list, const Error& error) {
      visitor_.unreadable(crypto::BlobKind::kList, crypto::BlobId::from_bytes(as_bytes(list.id())), path_,
                          error.what());
    };
    walk_content(node, source_, content);
  }

  store::BlobSource& source_;
  const ClosureVisitor& visitor_;
  std::string path_;
  std::vector<Level> levels_;
};

}  // namespace

void walk_closure(const v1::Snapshot& snapshot, store::BlobSource& source, const ClosureVisitor& visitor) {
  for (const v1::Source& root : snapshot.sources()) Walk(source, visitor).walk(root);
}

Completeness::Completeness(store::BlobSource& source, IsStored is_stored, std::stop_token stop)
    : source_(source), is_stored_(std::move(is_stored)), stop_(std::move(stop)) {}

Completeness::Completeness(store::Repository& repository, std::stop_token stop)
    : Completeness(
          repository,
          [&repository](crypto::BlobKind, const crypto::BlobId& id) {
            return repository.index().find_pack(id).has_value();
          },
          std::move(stop)) {}

Completeness::Half Completeness::half_of(const crypto::BlobId& id) {
  Half half;
  std::memcpy(&half.first, id.value.data(), sizeof half.first);
  std::memcpy(&half.second, id.value.data() + sizeof half.first, sizeof half.second);
  return half;
}

std::optional<std::string> Completeness::first_missing(const v1::Snapshot& snapshot) {
  std::optional<std::string> missing;
  ClosureVisitor visitor;
  visitor.visit = [&](crypto::BlobKind kind, const crypto::BlobId& id, const std::string& path) {
    if (stop_.stop_requested()) throw Error(ErrorKind::kCancelled, "the run was stopped");
    if (missing) return false;
    if (kind != crypto::BlobKind::kData) {
      const Half half = half_of(id);
      if (complete_.contains(half) || !visited_.insert(half).second) return false;
    }
    if (!is_stored_(kind, id)) {
      missing = (kind == crypto::BlobKind::kTree ? "the list of what is in " : "content of ") +
                printable(path) + " is in no pack";
    }
    return !missing;
  };
  visitor.unreadable = [&](crypto::BlobKind, const crypto::BlobId&, const std::string& path,
                           const std::string& error) {
    if (!missing) missing = printable(path) + ": " + error;
  };
  visitor.difference = [&] { found_differences_ = true; };
  visited_.clear();
  walk_closure(snapshot, source_, visitor);
  // What a complete snapshot holds is complete.
  if (!missing) complete_.merge(visited_);
  return missing;
}

}  // namespace garner::snapshot
