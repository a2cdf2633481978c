#include <dirent.h>
#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <string_view>

#include "base/bytes.h"
#include "base/error.h"
#include "base/file.h"
#include "base/scratch.h"
#include "source/metadata.h"
#include "source/open.h"

namespace garner::source {
namespace {

constexpr std::size_t kBuffer = 64u << 10;
constexpr std::string_view kCacheSignature = "Signature: 8a477f597d28d172789f06886806bc55";

}  // namespace

std::vector<FolderEntry> list_folder(int folder_fd, const std::string& path) {
  // An open file of its own: the position in `folder_fd` is shared with everyone who uses it.
  const Fd fd = open_for_reading(folder_fd, ".", O_DIRECTORY);
  if (!fd.valid()) throw system_error(errno, "opening the folder " + printable(path), ErrorKind::kReadFailed);
  std::vector<FolderEntry> entries;
  thread_local Scratch scratch;  // large enough that glibc would tidy its heap for each
  const MutableByteView buffer = scratch.take(kBuffer);
  while (true) {
    const ssize_t size = getdents64(fd.get(), buffer.data(), buffer.size());
    if (size == 0) break;
    if (size < 0) {
      if (errno == EINTR) continue;
      // ENOENT: it was removed since it was opened.
      throw system_error(errno, "listing the folder " + printable(path),
                         errno == ENOENT ? ErrorKind::kNotFound : ErrorKind::kReadFailed);
    }
    for (std::size_t offset = 0; offset < static_cast<std::size_t>(size);) {
      const char* const record = reinterpret_cast<const char*>(buffer.data()) + offset;
      unsigned short length = 0;
      std::memcpy(&length, record + offsetof(dirent64, d_reclen), sizeof length);
      const std::string_view name = record + offsetof(dirent64, d_name);
      if (name != "." && name != "..") {
        entries.push_back(
            {std::string(name), static_cast<unsigned char>(record[offsetof(dirent64, d_type)])});
      }
      offset += length;
    }
  }
  std::sort(entries.begin(), entries.end(),
            [](const FolderEntry& a, const FolderEntry& b) { return a.name < b.name; });
  // A folder that changes while it is listed may give a name twice.
  const auto twice = std::unique(entries.begin(), entries.end(),
                                 [](const FolderEntry& a, const FolderEntry& b) { return a.name == b.name; });
  entries.erase(twice, entries.end());
  return entries;
}

bool is_cache_folder(int folder_fd) {
  constexpr const char* kName = "CACHEDIR.TAG";
  try {
    const Fd tag = open_as_path(folder_fd, kName);
    if (!tag.valid() || read_status(tag.get(), "").type != v1::NODE_TYPE_FILE) return false;
    const Fd fd = open_following(AT_FDCWD, descriptor_path(tag.get()).c_str());
    if (!fd.valid()) return false;
    Bytes start(kCacheSignature.size());
    return read_at(fd.get(), start, 0, kName) == start.size() && as_text(start) == kCacheSignature;
  } catch (const Error&) {
    return false;  // a tag that cannot be read leaves nothing out
  }
}

}  // namespace garner::source
