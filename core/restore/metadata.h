// Giving a restored file its metadata. What cannot be set is told and left; nothing here throws for it.
// Everything works on descriptors, so that a name that is exchanged meanwhile is never touched. What is right
// already stays untouched.
#pragma once

#include <sys/stat.h>

#include <functional>
#include <string>

#include "garner/v1/store.pb.h"

namespace garner::restore {

namespace v1 = store::v1;

// One line for people, for example "owner 0:0 could not be set: Operation not permitted".
using Complain = std::function<void(const std::string& message)>;

// `kOpen`: a file or folder that was opened. `kPath`: opened with O_PATH, for types that opening would act
// on.
enum class HandleType { kOpen, kPath };

// Storage flags (no copy on write, compression) that a file takes only while it is empty. Errors show in
// apply_metadata.
void apply_storage_flags(int fd, const v1::Node& node);
// Owner, inode flags but those that protect, the time of the last change, extended attributes (access control
// lists and capabilities among them: changing the owner drops those), and permission bits. Where the
// owner cannot be set, set-user-id and set-group-id bits are left out, for they would lend the wrong
// identity. A file that cannot be given its time stays unfinished (existing.h).
void apply_metadata(int fd, HandleType type, const v1::Node& node, const Complain& complain);
// The flags immutable and append-only, after which nothing else can be set.
void protect(int fd, const v1::Node& node, const Complain& complain);
bool has_protection(const v1::Node& node);
// Takes immutable and append-only away where they are set. False if they are set and stay.
bool clear_protection(int fd);

// Whether the name already holds what the node says: the same type, and for a file size and time (and owner
// and group, where it is to lend them), for a symbolic link its target, for a device its number.
bool is_right(int folder_fd, const struct stat& existing, const v1::Node& node);
// Device, inode and type bits are the same.
bool is_same_file(const struct stat& a, const struct stat& b);
// The type bits of st_mode.
mode_t type_bits(v1::NodeType type);
struct timespec mtime_of(const v1::Node& node);

}  // namespace garner::restore
