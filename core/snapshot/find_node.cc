#include <algorithm>

#include "base/bytes.h"
#include "base/error.h"
#include "base/file.h"
#include "snapshot/near_names.h"
#include "snapshot/snapshot.h"

namespace garner::snapshot {
namespace {

// True if `path` is `folder` itself or below it.
bool is_within(const std::string& path, const std::string& folder) {
  if (folder == "/") return true;
  return path.starts_with(folder) && (path.size() == folder.size() || path[folder.size()] == '/');
}

std::string list_sources(const v1::Snapshot& snapshot) {
  std::string list;
  for (const v1::Source& source : snapshot.sources())
    list += (list.empty() ? "" : ", ") + printable(source.path());
  return list;
}

std::string absolute_path(const v1::Snapshot& snapshot, const std::string& path) {
  if (path.starts_with('/')) return normal_path(path);
  // What a command wrote is found by its name alone, and does not make it a snapshot of several sources.
  const v1::Source* only = nullptr;
  int others = 0;
  for (const v1::Source& source : snapshot.sources()) {
    if (source.command() && source.root().name() == path) return source.path();
    if (only == nullptr || !source.command()) only = &source;
    if (!source.command()) ++others;
  }
  if (snapshot.sources_size() != 1 && others != 1) {
    throw Error(ErrorKind::kInvalidInput, "the snapshot has several sources (" + list_sources(snapshot) +
                                              "): give an absolute path below one of them");
  }
  return normal_path(only->path() + "/" + path);
}

const v1::Source& source_of(const v1::Snapshot& snapshot, const std::string& path) {
  if (const v1::Source* found = find_source(snapshot, path)) return *found;
  const bool above = std::any_of(snapshot.sources().begin(), snapshot.sources().end(),
                                 [&](const v1::Source& source) { return is_within(source.path(), path); });
  throw Error(ErrorKind::kNotFound,
              printable(path) +
                  (above ? " lies above the snapshot's sources" : " is in no source of the snapshot") +
                  "; they are: " + list_sources(snapshot));
}

[[noreturn]] void throw_missing(const std::string& folder, const crypto::BlobId& tree,
                                const std::string& name, store::BlobSource& source) {
  NearNames near(name);
  TreeReader reader(source, tree);
  while (const std::optional<NamedNode> other = reader.next()) near.offer(other->node.name());
  throw Error(ErrorKind::kNotFound,
              printable(folder) + " has no \"" + printable(name) + "\"" + near.suggestion());
}

}  // namespace

const v1::Source* find_source(const v1::Snapshot& snapshot, const std::string& path) {
  const v1::Source* found = nullptr;
  for (const v1::Source& source : snapshot.sources()) {
    if (!is_within(path, source.path())) continue;
    if (found == nullptr || source.path().size() > found->path().size()) found = &source;
  }
  return found;
}

FoundNode find_node(const v1::Snapshot& snapshot, const std::string& path, store::BlobSource& source) {
  const std::string wanted = absolute_path(snapshot, path);
  const v1::Source& root = source_of(snapshot, wanted);
  FoundNode found{{root.root(), root.user(), root.group()}, root.path(), true};

  std::size_t begin = root.path() == "/" ? 1 : root.path().size() + 1;
  while (begin < wanted.size()) {
    const std::size_t end = std::min(wanted.find('/', begin), wanted.size());
    const std::string name = wanted.substr(begin, end - begin);
    if (found.named.node.type() != v1::NODE_TYPE_FOLDER) {
      throw Error(ErrorKind::kNotFound,
                  printable(found.path) + " is no folder: there is no " + printable(wanted));
    }
    const crypto::BlobId tree = crypto::BlobId::from_bytes(as_bytes(found.named.node.tree()));
    std::optional<NamedNode> child = find_in_tree(source, tree, name);
    if (!child) throw_missing(found.path, tree, name, source);
    found.named = std::move(*child);
    found.path = wanted.substr(0, end);
    found.is_source_root = false;
    begin = end + 1;
  }
  return found;
}

}  // namespace garner::snapshot
