// faulty_fs SOURCE MOUNT FAULTS: shows SOURCE read-only at MOUNT (FUSE), with the faults that the file FAULTS
// lists at that moment, a line each:
//
//   CALL ERROR PATH    CALL: status, list, open, read, close; ERROR: EIO, ESTALE, EACCES, or hang; PATH:
//   below
//                      MOUNT, with a slash in front, "/" for the root
//
// A call that hangs goes on when its line is gone. What it was given is read every time, so nothing is
// cached. Stays in the foreground; ends when it is unmounted.
#define FUSE_USE_VERSION 35
#include <dirent.h>
#include <fcntl.h>
#include <fuse3/fuse.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <string>

namespace {

std::string source;
std::string faults;

std::string real(const char* path) { return source + path; }
int result(long value) { return value < 0 ? -errno : static_cast<int>(value); }

std::string fault_of(const char* call, const char* path) {
  std::ifstream file(faults);
  std::string wanted, error, where;
  while (file >> wanted >> error && std::getline(file >> std::ws, where)) {
    if (wanted == call && where == path) return error;
  }
  return {};
}

// 0, or what the call is to fail with.
int fault(const char* call, const char* path) {
  for (;;) {
    const std::string error = fault_of(call, path);
    if (error == "EIO") return -EIO;
    if (error == "ESTALE") return -ESTALE;
    if (error == "EACCES") return -EACCES;
    if (error != "hang") return 0;
    usleep(20'000);
  }
}

void* start(fuse_conn_info*, fuse_config* config) {
  config->use_ino = 1;
  config->direct_io = 1;
  config->entry_timeout = 0;
  config->attr_timeout = 0;
  config->negative_timeout = 0;
  config->nullpath_ok = 0;
  return nullptr;
}

int get_status(const char* path, struct stat* status, fuse_file_info*) {
  if (const int error = fault("status", path)) return error;
  return result(lstat(real(path).c_str(), status));
}

int read_link(const char* path, char* buffer, std::size_t size) {
  const ssize_t length = readlink(real(path).c_str(), buffer, size - 1);
  if (length < 0) return -errno;
  buffer[length] = '\0';
  return 0;
}

int list(const char* path, void* buffer, fuse_fill_dir_t fill, off_t, fuse_file_info*, fuse_readdir_flags) {
  if (const int error = fault("list", path)) return error;
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

int open_content(const char* path, fuse_file_info* info) {
  if (const int error = fault("open", path)) return error;
  const int fd = open(real(path).c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return -errno;
  info->fh = static_cast<std::uint64_t>(fd);
  return 0;
}

int read_content(const char* path, char* buffer, std::size_t size, off_t offset, fuse_file_info* info) {
  if (const int error = fault("read", path)) return error;
  const ssize_t length = pread(static_cast<int>(info->fh), buffer, size, offset);
  return length < 0 ? -errno : static_cast<int>(length);
}

int flush(const char* path, fuse_file_info*) { return fault("close", path); }
int release(const char*, fuse_file_info* info) { return result(close(static_cast<int>(info->fh))); }

}  // namespace

int main(int count, char** arguments) {
  if (count != 4) {
    std::fprintf(stderr, "usage: faulty_fs SOURCE MOUNT FAULTS\n");
    return 2;
  }
  source = arguments[1];
  faults = arguments[3];
  fuse_operations operations{};
  operations.init = start;
  operations.getattr = get_status;
  operations.readlink = read_link;
  operations.readdir = list;
  operations.open = open_content;
  operations.read = read_content;
  operations.flush = flush;
  operations.release = release;
  char foreground[] = "-f";
  char options[] = "-oro,allow_other";
  char* fuse_arguments[] = {arguments[0], arguments[2], foreground, options, nullptr};
  return fuse_main(4, fuse_arguments, &operations, nullptr);
}
