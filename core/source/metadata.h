// Capturing a file's metadata. All functions work relative to a folder's descriptor and never follow links;
// none opens anything but regular files and folders for reading. Any thread may call them. Their messages say
// what was done to the file or its name; which path that is the caller knows.
#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "garner/v1/store.pb.h"

namespace garner::source {

namespace v1 = store::v1;

// One statx(2).
struct FileStatus {
  v1::NodeType type = v1::NODE_TYPE_UNSPECIFIED;
  std::uint32_t mode = 0;  // permission bits
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  std::uint64_t size = 0;
  std::uint64_t blocks = 0;  // of 512 bytes
  std::uint64_t inode = 0;
  std::uint64_t device = 0;  // makedev of the file system
  std::uint32_t links = 0;
  std::uint32_t device_major = 0;  // of a device node
  std::uint32_t device_minor = 0;
  TimePoint mtime;
  TimePoint ctime;
  TimePoint birth_time;
  bool has_birth_time = false;
  bool foreign_clock = false;  // the times may be those of another machine's clock
};

// `name` empty: the descriptor itself. Error(kReadFailed); Error(kNotFound) when it has vanished.
FileStatus read_status(int folder_fd, const std::string& name);

// A node with everything but content, tree, totals and mount: status, symlink target, xattrs, inode flags.
// What cannot be read of xattrs and flags for lack of permission is reported to `warn` and left out. Of the
// inode flags only those that a user can set are kept. Error(kReadFailed), also when it is not what `status`
// was read of any more, or when its xattrs are too large for a node; Error(kNotFound) when it has vanished.
// `content_fd`: the file or folder opened for reading, or -1; it saves opening it again for flags and xattrs.
// `name` empty (with or without it): the node gets no name, and `folder_fd` is the thing itself.
v1::Node capture(int folder_fd, const std::string& name, const FileStatus& status, int content_fd,
                 const std::function<void(const std::string&)>& warn);

struct FolderEntry {
  std::string name;
  unsigned char type = 0;  // d_type, DT_UNKNOWN where the file system does not tell
};
// All entries but "." and "..", ascending by bytes, each once. Names may be longer than a node's. `path` is
// for messages. Error(kReadFailed); Error(kNotFound) when the folder has been removed.
std::vector<FolderEntry> list_folder(int folder_fd, const std::string& path);

// The folder holds a CACHEDIR.TAG with the signature of https://bford.info/cachedir/.
bool is_cache_folder(int folder_fd);

// Whether the file system stores what it shows. Those in which the kernel makes files up as they are read
// have no room at all, and what they say of a file's size need not be so (4096 in sysfs, whatever the file
// holds).
bool stores_files(int fd);

// Names of owners (getpwuid_r, getgrgid_r); what was looked up is kept for a minute. Empty for none, and for
// a name that is not printable UTF-8. Thread-safe.
std::string user_name(std::uint32_t uid);
std::string group_name(std::uint32_t gid);

// Runs of allocated data in a file, ascending; all else up to its size are holes. Only asked where a file has
// fewer blocks than its size needs. Moves the descriptor's position. Error(kReadFailed).
struct DataRange {
  std::uint64_t offset = 0;
  std::uint64_t length = 0;
};
std::vector<DataRange> data_ranges(int fd, std::uint64_t size, const std::string& path);

}  // namespace garner::source
