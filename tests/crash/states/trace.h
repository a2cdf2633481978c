// What was done to a disk, in order: the operations that a recorder saw below one folder, from a state of
// which all is durable.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "image.h"

namespace garner::crash {

enum class OperationKind : std::uint8_t {
  kCreate,      // a new node with its first name: a file, folder or symbolic link
  kLink,        // a further name
  kUnlink,      // a name goes; of a folder, too
  kRename,      // in place of whatever had the new name
  kWrite,       // `data` at `offset`
  kResize,      // to `offset` bytes
  kAttributes,  // mode and time are now those
  kSyncFile,    // fsync or fdatasync of a file
  kSyncFolder,  // fsync of a folder
  kSyncAll,     // syncfs
  kSyncFailed,  // fsync or fdatasync of a file told of an error: what it should have covered no later one
                // does
  kMark,        // nothing on the disk: from here on what `name` says is promised
};

struct Operation {
  OperationKind kind = OperationKind::kMark;
  Node node = kNoNode;
  // Where the name is (kCreate, kLink, kUnlink, kRename: the new one); of a mark what it says.
  Node folder = kNoNode;
  std::string name{};
  Node old_folder = kNoNode;  // kRename
  std::string old_name{};
  std::uint64_t offset = 0;
  Bytes data{};  // kWrite; kCreate: the target of a symbolic link
  mode_t mode = 0;
  std::optional<timespec> modified{};
  // A sync: operations before this index were over when it began. What came while it went on it may have
  // missed.
  std::size_t covers = 0;
  bool data_only = false;  // fdatasync: attributes may be lost all the same
};

struct Trace {
  Image base;                      // what was there when recording began
  std::vector<std::string> paths;  // of each node, relative, where it was first met
  std::vector<Operation> operations;

  // A line for people.
  std::string describe(const Operation& operation) const;
};

}  // namespace garner::crash
