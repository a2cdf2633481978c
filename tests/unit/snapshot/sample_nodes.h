// Valid nodes and snapshots for tests to start from.
#pragma once

#include <cstdint>
#include <string>

#include "base/bytes.h"
#include "crypto/blob_id.h"
#include "crypto/hash.h"
#include "snapshot/node.h"
#include "snapshot/tree.h"

namespace garner::testing {

namespace v1 = store::v1;

inline crypto::BlobId numbered_id(std::uint64_t number) {
  ByteWriter writer;
  writer.u64(number);
  return {crypto::hash(writer.data())};
}

inline std::string id_bytes(std::uint64_t number) { return std::string(as_text(numbered_id(number).view())); }
inline std::string id_bytes(const crypto::BlobId& id) { return std::string(as_text(id.view())); }

inline v1::Node sample_node(const std::string& name, v1::NodeType type) {
  v1::Node node;
  node.set_name(name);
  node.set_type(type);
  node.set_mode(0644);
  node.set_uid(1000);
  node.set_gid(1000);
  *node.mutable_mtime() = snapshot::to_proto({1'700'000'000, 123'456'789});
  *node.mutable_ctime() = snapshot::to_proto({1'700'000'001, 5});
  node.set_inode(42);
  return node;
}

inline v1::ContentEntry sample_entry(v1::EntryType type, std::uint64_t length, std::uint64_t number) {
  v1::ContentEntry entry;
  entry.set_type(type);
  entry.set_length(length);
  if (type != v1::ENTRY_TYPE_HOLE) entry.set_id(id_bytes(number));
  return entry;
}

inline v1::Node sample_file(const std::string& name, std::uint64_t size = 100) {
  v1::Node node = sample_node(name, v1::NODE_TYPE_FILE);
  node.set_size(size);
  if (size > 0) *node.add_content() = sample_entry(v1::ENTRY_TYPE_BLOB, size, size);
  return node;
}

inline v1::Node sample_folder(const std::string& name, const snapshot::BuiltTree& tree) {
  v1::Node node = sample_node(name, v1::NODE_TYPE_FOLDER);
  node.set_tree(id_bytes(tree.id));
  *node.mutable_totals() = tree.totals;
  return node;
}

inline v1::Node sample_link(const std::string& name, const std::string& target) {
  v1::Node node = sample_node(name, v1::NODE_TYPE_SYMLINK);
  node.set_target(target);
  return node;
}

inline v1::Source sample_source(const std::string& path, v1::Node root) {
  v1::Source source;
  source.set_path(path);
  const std::string last = path.substr(path.rfind('/') + 1);
  root.set_name(last.empty() ? "/" : last);
  *source.mutable_root() = std::move(root);
  return source;
}

// Its totals are set by this function: of the sources it is given.
template <typename... Sources>
v1::Snapshot sample_snapshot(const std::string& set, std::int64_t finished, const Sources&... sources) {
  v1::Snapshot snapshot;
  snapshot.set_run(std::string(16, 'r'));
  snapshot.mutable_set()->set_uuid(std::string(16, 's'));
  snapshot.mutable_set()->set_name(set);
  snapshot.mutable_set()->add_sources("/home");
  snapshot.set_sequence(1);
  snapshot.set_host("host");
  *snapshot.mutable_scan_start() = snapshot::to_proto({finished - 60, 0});
  *snapshot.mutable_finished() = snapshot::to_proto({finished, 0});
  (..., (*snapshot.add_sources() = sources));
  for (const v1::Source& source : snapshot.sources())
    snapshot::add_to(*snapshot.mutable_totals(), source.root());
  return snapshot;
}

}  // namespace garner::testing
