// What a history keeps of a node.
#include "base/bytes.h"
#include "catalog/history/history.h"
#include "crypto/hash.h"
#include "snapshot/node.h"

namespace garner::catalog {
namespace {

namespace v1 = store::v1;

// Of a file that has more than one entry, or none that names a blob. That a blob is stored as a difference is
// left out: the bytes are the same.
BlobPrefix content_of_entries(const google::protobuf::RepeatedPtrField<v1::ContentEntry>& entries) {
  ByteWriter writer;
  for (const v1::ContentEntry& entry : entries) {
    writer.u64(entry.length());
    writer.u8(entry.type() == v1::ENTRY_TYPE_HOLE ? 0 : entry.type() == v1::ENTRY_TYPE_LIST ? 2 : 1);
    writer.bytes(as_bytes(entry.id()));
  }
  return prefix_of(crypto::hash(writer.data()));
}

}  // namespace

BlobPrefix prefix_of(ByteView id) { return static_cast<BlobPrefix>(ByteReader(id).u64()); }

BlobPrefix content_of(const v1::Node& node) {
  switch (node.type()) {
    case v1::NODE_TYPE_FILE:
      if (node.content().empty()) return 0;
      if (node.content_size() == 1 && !node.content(0).id().empty()) {
        return prefix_of(as_bytes(node.content(0).id()));
      }
      return content_of_entries(node.content());
    case v1::NODE_TYPE_FOLDER:
      return prefix_of(as_bytes(node.tree()));
    case v1::NODE_TYPE_SYMLINK:
      return prefix_of(crypto::hash(as_bytes(node.target())));
    default:
      // The numbers themselves; of what is no device, 0.
      return static_cast<BlobPrefix>((std::uint64_t{node.device_major()} << 32) | node.device_minor());
  }
}

NodeFacts facts_of(const v1::Node& node, const std::string& user, const std::string& group) {
  NodeFacts facts;
  facts.type = node.type();
  facts.mode = node.mode();
  facts.uid = node.uid();
  facts.gid = node.gid();
  facts.user = user;
  facts.group = group;
  facts.stale = node.stale();
  facts.inconsistent = node.inconsistent();
  facts.size = node.type() == v1::NODE_TYPE_FOLDER ? node.totals().bytes() : node.size();
  facts.files = node.totals().files();
  facts.mtime = snapshot::from_proto(node.mtime());
  facts.content = content_of(node);
  return facts;
}

}  // namespace garner::catalog
