// faulty_fs SOURCE MOUNT FAULTS: shows SOURCE read-only at MOUNT (FUSE), with the faults that the file FAULTS
// lists at that moment, a line each:
//
//   CALL ERROR PATH    CALL: status, list, open, read, close; ERROR: EIO, ESTALE, EACCES, or hang;
//                      PATH: below MOUNT, with a slash in front, "/" for the root
//
// A call that hangs goes on when its line is gone. What it was given is read every time, so nothing is
// cached. Stays in the foreground; ends when it is unmounted.
//
// What is called "long" in SOURCE has a name of 300 times "n" instead, which no local file system would take.
#include <cstdio>
#include <fstream>
#include <string_view>

#include "shown_folder.h"

namespace {

using namespace shown_folder;

const std::string kLongName(300, 'n');

std::string faults;

// As SOURCE has it.
std::string inner(std::string path) {
  for (std::size_t at; (at = path.find(kLongName)) != std::string::npos;)
    path.replace(at, kLongName.size(), "long");
  return path;
}

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

int get_status_or_fail(const char* path, struct stat* status, fuse_file_info* info) {
  if (const int error = fault("status", path)) return error;
  return get_status(inner(path).c_str(), status, info);
}

struct List {
  void* buffer;
  fuse_fill_dir_t fill;
};

int fill_list(void* list, const char* name, const struct stat* status, off_t offset,
              fuse_fill_dir_flags flags) {
  const auto* to = static_cast<const List*>(list);
  const bool is_long = std::string_view(name) == "long";
  return to->fill(to->buffer, is_long ? kLongName.c_str() : name, status, offset, flags);
}

int list_or_fail(const char* path, void* buffer, fuse_fill_dir_t fill, off_t offset, fuse_file_info* info,
                 fuse_readdir_flags flags) {
  if (const int error = fault("list", path)) return error;
  List to{buffer, fill};
  return list(inner(path).c_str(), &to, fill_list, offset, info, flags);
}

int open_or_fail(const char* path, fuse_file_info* info) {
  if (const int error = fault("open", path)) return error;
  return open_content(inner(path).c_str(), info);
}

int read_or_fail(const char* path, char* buffer, std::size_t size, off_t offset, fuse_file_info* info) {
  if (const int error = fault("read", path)) return error;
  return read_content(path, buffer, size, offset, info);
}

int flush(const char* path, fuse_file_info*) { return fault("close", path); }

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
  operations.getattr = get_status_or_fail;
  operations.readlink = read_link;
  operations.readdir = list_or_fail;
  operations.open = open_or_fail;
  operations.read = read_or_fail;
  operations.flush = flush;
  operations.release = release;
  char foreground[] = "-f";
  char options[] = "-oro,allow_other";
  char* fuse_arguments[] = {arguments[0], arguments[2], foreground, options, nullptr};
  return fuse_main(4, fuse_arguments, &operations, nullptr);
}
