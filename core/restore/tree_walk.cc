#include "restore/tree_walk.h"

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "crypto/blob_id.h"
#include "snapshot/parse.h"
#include "snapshot/tree.h"

namespace garner::restore {
namespace {

// Folders above each other whose pages (at most 512 KiB each, serialized) are kept. One further up is read
// again, up to where it was left.
constexpr std::size_t kOpenReaders = 16;

struct Level {
  v1::Node folder;
  std::unique_ptr<snapshot::TreeReader> reader;
  std::string last_name;
  bool ended = false;
};

std::optional<snapshot::NamedNode> next_in(Level& level, store::BlobSource& source) {
  if (level.reader == nullptr) {
    level.reader = std::make_unique<snapshot::TreeReader>(
        source, crypto::BlobId::from_bytes(as_bytes(level.folder.tree())));
    if (!level.last_name.empty()) {
      while (auto passed = level.reader->next()) {
        if (passed->node.name() == level.last_name) break;
      }
    }
  }
  return level.reader->next();
}

void throw_if_stopped(const std::stop_token& stop) {
  if (stop.stop_requested()) throw Error(ErrorKind::kCancelled, "the restore was stopped");
}

}  // namespace

void walk_tree(const v1::Node& root, store::BlobSource& source, TreeVisitor& visitor,
               const std::stop_token& stop) {
  throw_if_stopped(stop);
  if (root.type() != v1::NODE_TYPE_FOLDER) {
    visitor.visit(root);
    return;
  }
  if (!visitor.enter(root)) return;
  std::vector<Level> levels;
  levels.emplace_back().folder = root;
  while (!levels.empty()) {
    throw_if_stopped(stop);
    Level& level = levels.back();
    std::optional<snapshot::NamedNode> next;
    if (!level.ended) {
      try {
        next = next_in(level, source);
      } catch (const Error& error) {
        if (!snapshot::concerns_blob(error)) throw;
        level.ended = true;
        visitor.unreadable(error);
      }
    }
    if (!next) {
      level.reader.reset();
      visitor.leave(level.folder);
      levels.pop_back();
      continue;
    }
    v1::Node& node = next->node;
    level.last_name = node.name();
    if (node.type() != v1::NODE_TYPE_FOLDER) {
      visitor.visit(node);
    } else if (visitor.enter(node)) {
      if (levels.size() >= kOpenReaders) levels[levels.size() - kOpenReaders].reader.reset();
      levels.emplace_back().folder = std::move(node);
    }
  }
}

}  // namespace garner::restore
