// What FUSE programs that show a folder as it is, but for one thing, have in common: the calls passed on to
// the folder. A program takes those that it does not change. For one source file each.
#pragma once

#ifndef FUSE_USE_VERSION
#define FUSE_USE_VERSION 35
#endif
#include <dirent.h>
#include <fcntl.h>
#include <fuse3/fuse.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <string>

namespace shown_folder {

inline std::string source;  // set before anything is called

inline std::string real(const char* path) { return source + path; }
inline int result(long value) { return value < 0 ? -errno : static_cast<int>(value); }

inline int get_status(const char* path, struct stat* status, fuse_file_info*) {
  return result(lstat(real(path).c_str(), status));
}

inline int read_link(const char* path, char* buffer, std::size_t size) {
  const ssize_t length = readlink(real(path).c_str(), buffer, size - 1);
  if (length < 0) return -errno;
  buffer[length] = '\0';
  return 0;
}

inline int list(const char* path, void* buffer, fuse_fill_dir_t fill, off_t, fuse_file_info*,
                fuse_readdir_flags) {
  DIR* folder = opendir(real(path).c_str());
  if (!folder) return -errno;
  while (const dirent* entry = readdir(folder)) {
    struct stat status {};
    status.st_ino = entry->d_ino;
    status.st_mode = static_cast<mode_t>(DTTOIF(entry->d_type));
    fill(buffer, entry->d_name, &status, 0, static_cast<fuse_fill_dir_flags>(0));
  }
  closedir(folder);
  return 0;
}

inline int open_content(const char* path, fuse_file_info* info) {
  const int fd = open(real(path).c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return -errno;
  info->fh = static_cast<std::uint64_t>(fd);
  return 0;
}

inline int read_content(const char*, char* buffer, std::size_t size, off_t offset, fuse_file_info* info) {
  return result(pread(static_cast<int>(info->fh), buffer, size, offset));
}

inline int release(const char*, fuse_file_info* info) { return result(close(static_cast<int>(info->fh))); }

}  // namespace shown_folder
