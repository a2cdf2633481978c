// Files of this machine: owning descriptors, whole reads and writes, and the durable operations that
// everything that must survive a crash is made of. Paths are bytes as the kernel takes them. Functions throw
// Error(kWriteFailed) or Error(kReadFailed) (ENOENT: kNotFound, EEXIST: kAlreadyExists) naming the path,
// unless they say otherwise.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.h"

namespace garner {

// Owns a descriptor. Closing errors are ignored: whatever must be durable is fsynced first.
class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept;
  ~Fd();
  int get() const { return fd_; }
  bool valid() const { return fd_ >= 0; }
  int release() { return std::exchange(fd_, -1); }
  void reset();

 private:
  int fd_ = -1;
};

// open(2) with O_CLOEXEC; retries EINTR. No room for a new file: Error(kStateFull).
Fd open_file(const std::string& path, int flags, mode_t mode = 0600);

// Writes all of `data` at `offset`. ENOSPC and EDQUOT: Error(kStateFull).
void write_at(int fd, ByteView data, std::uint64_t offset, const std::string& path);
// Reads up to data.size() bytes at `offset`; fewer only at the end of the file.
std::size_t read_at(int fd, MutableByteView data, std::uint64_t offset, const std::string& path);
// The whole file. Throws Error(kInvalidInput) when it is longer than `limit` bytes.
Bytes read_file(const std::string& path, std::size_t limit);

void sync_file(int fd, const std::string& path);  // fdatasync
void sync_folder(const std::string& path);        // makes names created, linked or removed in it durable
// Replaces `path` by `data` so that a crash leaves the old or the new content: temporary file in the same
// folder, fsync, rename, fsync of the folder. For local configuration only: nothing at a destination is ever
// replaced.
void replace_file_durably(const std::string& path, ByteView data, mode_t mode = 0600);
// Gives the durable file `from` the name `to` on the same file system unless that exists, removes `from`
// where the way taken leaves it, and fsyncs `to`'s folder. link(2) where the file system has it, otherwise
// renameat2(RENAME_NOREPLACE). False, with `from` untouched, when `to` exists. Both paths are whole. A full
// file system: Error(kStateFull); one that can do neither: Error(kUnavailable).
bool publish_file(const std::string& from, const std::string& to);
// The second of the two ways by itself.
bool publish_file_by_rename(const std::string& from, const std::string& to);
// Whether a file system of this type (statfs(2)'s f_type) does not replace what another machine gave the name
// meanwhile when it is asked by RENAME_NOREPLACE. Linux's client of SMB looks whether the name is free, and
// then asks the server to rename and replace.
bool renames_exclusively(std::uint32_t file_system_type);
// Whether both are names of one file. Not, where one of them is none.
bool is_same_file(const std::string& one, const std::string& other);
// Creates the folder, if it is not there, and fsyncs its parent: the folder may be somebody else's who has
// not come to that yet. One that was created and cannot be made durable is removed again: a sync that has
// failed is not made good by a later one, which tells nothing of it. A full file system:
// Error(kStateFull).
void make_folder_durably(const std::string& path, mode_t mode = 0700);
// Creates the folder and what is missing above it, as that does.
void make_folders_durably(const std::string& path, mode_t mode = 0700);
// The names in a folder, without "." and "..", in no order; none where the folder does not exist.
std::vector<std::string> list_names(const std::string& folder);
// unlink(2) without the folder's fsync; a missing file is no error.
void remove_file(const std::string& path);

// The part before the last slash ("." if there is none, "/" for the root), and the part after it.
std::string parent_path(const std::string& path);
std::string base_name(const std::string& path);
// Of what is called `name`, or has that relative path, in the folder.
std::string path_in(const std::string& folder, std::string_view name);
// Removes empty and "." components and trailing slashes from an absolute path, and resolves ".." by its
// letters alone. Throws Error(kInvalidInput) for a path that is not absolute, is empty or holds a NUL byte.
std::string normal_path(std::string_view path);

}  // namespace garner
