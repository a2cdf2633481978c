// counting_fs SOURCE MOUNT COUNTER: shows SOURCE read-only at MOUNT (FUSE) and keeps the number of content
// bytes that were read through it in the first 8 bytes (little-endian) of the file COUNTER. Reads bypass the
// page cache, so that every byte a program reads is counted. Times of a file's last change (ctime) are two
// minutes behind: on such a file system garner trusts none that is not a minute old. Stays in the foreground;
// ends when it is unmounted.
#include <sys/mman.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>

#include <atomic>
#include <cstdio>

#include "shown_folder.h"

namespace {

using namespace shown_folder;

std::uint64_t* counter = nullptr;

void* start(fuse_conn_info*, fuse_config* config) {
  config->use_ino = 1;
  config->direct_io = 1;
  config->entry_timeout = 60;
  config->attr_timeout = 0;
  return nullptr;
}

int get_status_behind(const char* path, struct stat* status, fuse_file_info* info) {
  const int failed = get_status(path, status, info);
  status->st_ctim.tv_sec -= 120;
  return failed;
}

int read_counted(const char* path, char* buffer, std::size_t size, off_t offset, fuse_file_info* info) {
  const int length = read_content(path, buffer, size, offset, info);
  if (length > 0) std::atomic_ref(*counter).fetch_add(static_cast<std::uint64_t>(length));
  return length;
}

off_t seek(const char*, off_t offset, int whence, fuse_file_info* info) {
  const off_t found = lseek(static_cast<int>(info->fh), offset, whence);
  return found < 0 ? -errno : found;
}

int list_xattrs(const char* path, char* buffer, std::size_t size) {
  return result(llistxattr(real(path).c_str(), buffer, size));
}

int get_xattr(const char* path, const char* name, char* buffer, std::size_t size) {
  return result(lgetxattr(real(path).c_str(), name, buffer, size));
}

int get_space(const char* path, struct statvfs* space) { return result(statvfs(real(path).c_str(), space)); }

}  // namespace

int main(int count, char** arguments) {
  if (count != 4) {
    std::fprintf(stderr, "usage: counting_fs SOURCE MOUNT COUNTER\n");
    return 2;
  }
  source = arguments[1];
  const int fd = open(arguments[3], O_RDWR | O_CREAT | O_TRUNC, 0644);
  if (fd < 0 || ftruncate(fd, sizeof *counter) != 0) {
    std::perror(arguments[3]);
    return 1;
  }
  counter =
      static_cast<std::uint64_t*>(mmap(nullptr, sizeof *counter, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
  if (counter == MAP_FAILED) {
    std::perror(arguments[3]);
    return 1;
  }
  fuse_operations operations{};
  operations.init = start;
  operations.getattr = get_status_behind;
  operations.readlink = read_link;
  operations.readdir = list;
  operations.open = open_content;
  operations.read = read_counted;
  operations.lseek = seek;
  operations.release = release;
  operations.listxattr = list_xattrs;
  operations.getxattr = get_xattr;
  operations.statfs = get_space;
  char foreground[] = "-f";
  char options[] = "-oro,default_permissions,allow_other";
  char* fuse_arguments[] = {arguments[0], arguments[2], foreground, options, nullptr};
  return fuse_main(4, fuse_arguments, &operations, nullptr);
}
