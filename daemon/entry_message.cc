#include "entry_message.h"

#include "snapshot/node.h"
#include "timestamp.h"

namespace garner::daemon {

namespace {

struct TypeText {
  char letter;
  const char* name;
};

TypeText text_of(store::v1::NodeType type) {
  switch (type) {
    case store::v1::NODE_TYPE_FILE:
      return {'-', "file"};
    case store::v1::NODE_TYPE_FOLDER:
      return {'d', "folder"};
    case store::v1::NODE_TYPE_SYMLINK:
      return {'l', "symlink"};
    case store::v1::NODE_TYPE_BLOCK_DEVICE:
      return {'b', "block device"};
    case store::v1::NODE_TYPE_CHARACTER_DEVICE:
      return {'c', "character device"};
    case store::v1::NODE_TYPE_FIFO:
      return {'p', "fifo"};
    case store::v1::NODE_TYPE_SOCKET:
      return {'s', "socket"};
    default:
      return {'?', "unknown"};
  }
}

}  // namespace

std::string mode_text(store::v1::NodeType type, std::uint32_t mode) {
  std::string text = "?rwxrwxrwx";
  text[0] = text_of(type).letter;
  for (std::size_t i = 0; i < 9; ++i) {
    if ((mode & (0400u >> i)) == 0) text[i + 1] = '-';
  }
  // Set-user, set-group and sticky bit stand where x is: in capitals where x is not set.
  const auto special = [&](std::uint32_t bit, std::size_t place, char with_x, char without_x) {
    if ((mode & bit) != 0) text[place] = text[place] == 'x' ? with_x : without_x;
  };
  special(04000, 3, 's', 'S');
  special(02000, 6, 's', 'S');
  special(01000, 9, 't', 'T');
  return text;
}

std::string type_text(store::v1::NodeType type) { return text_of(type).name; }

v1::Entry to_entry(const snapshot::NamedNode& named) {
  const store::v1::Node& node = named.node;
  v1::Entry entry;
  entry.set_name(printable(node.name()));
  entry.set_name_bytes(node.name());
  entry.set_type(type_text(node.type()));
  entry.set_mode(mode_text(node.type(), node.mode()));
  entry.set_uid(node.uid());
  entry.set_gid(node.gid());
  entry.set_user(printable(named.user));
  entry.set_group(printable(named.group));
  *entry.mutable_mtime() = to_timestamp(snapshot::from_proto(node.mtime()));
  entry.set_stale(node.stale());
  entry.set_inconsistent(node.inconsistent());
  if (node.type() == store::v1::NODE_TYPE_FOLDER) {
    entry.set_size(node.totals().bytes());
    entry.set_files(node.totals().files());
  } else {
    entry.set_size(node.size());
  }
  if (node.type() == store::v1::NODE_TYPE_SYMLINK) entry.set_target(printable(node.target()));
  return entry;
}

}  // namespace garner::daemon
