#include "destination/folder_listing.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <optional>
#include <utility>

#include "base/bounded_calls.h"
#include "base/error.h"
#include "destination/key.h"

namespace garner::destination {

namespace {

using OpenFolder = std::unique_ptr<DIR, int (*)(DIR*)>;

// Nothing if the path is no folder.
OpenFolder open_folder(const std::string& path) {
  const int fd = open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0) {
    if (errno == ENOENT || errno == ENOTDIR || errno == ELOOP) return {nullptr, closedir};
    throw system_error(errno, "listing " + printable(path), ErrorKind::kReadFailed);
  }
  OpenFolder folder(fdopendir(fd), closedir);
  if (folder == nullptr) {
    const int error_number = errno;
    close(fd);
    throw system_error(error_number, "listing " + printable(path), ErrorKind::kReadFailed);
  }
  return folder;
}

// A folder's key ends with a slash: sorted so, whole folders fall into the order of the keys in them ("a-b",
// "a/b", "a0").
struct Entry {
  std::string key;
  std::uint64_t size = 0;
  TimePoint modified = {};
  bool is_folder() const { return key.back() == '/'; }
};

class FolderListing {
 public:
  FolderListing(const std::string& root, const std::string& start_after)
      : root_(root), start_after_(start_after) {}

  // `prefix` is empty or ends with a slash.
  void add(const std::string& prefix) {
    if (!can_hold_more(prefix)) return;
    for (Entry& entry : read(prefix)) {
      if (entry.is_folder()) {
        add(entry.key);
      } else {
        found_.push_back({std::move(entry.key), entry.size, entry.modified});
      }
    }
  }

  std::vector<ObjectInfo> take() { return std::move(found_); }

 private:
  // Whether a key that begins with `prefix` can be above start_after.
  bool can_hold_more(const std::string& prefix) const {
    return prefix > start_after_ || start_after_.starts_with(prefix);
  }

  // Whether what is called so in a folder that can hold more is not above it. Of a long log nearly all is
  // passed: no key is made to find that out.
  bool is_passed(const std::string& prefix, std::string_view name) const {
    return start_after_.starts_with(prefix) && name <= std::string_view(start_after_).substr(prefix.size());
  }

  // The folder is closed before the ones in it are opened: its depth is bounded by a key's length, not by how
  // many files may be open.
  std::vector<Entry> read(const std::string& prefix) const {
    // A link is followed with a slash at its end: the root may be one, what is below it may not.
    std::string path = root_ + "/" + prefix;
    if (!prefix.empty()) path.pop_back();
    std::vector<Entry> entries;
    const OpenFolder folder = open_folder(path);
    if (folder == nullptr) return entries;
    for (;;) {
      errno = 0;
      const dirent* found = readdir(folder.get());
      if (found == nullptr) {
        if (errno != 0) throw system_error(errno, "listing " + printable(path), ErrorKind::kReadFailed);
        break;
      }
      BoundedCalls::get_on();
      if (std::optional<Entry> entry = examine(dirfd(folder.get()), prefix, *found)) {
        entries.push_back(std::move(*entry));
      }
    }
    std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) { return a.key < b.key; });
    return entries;
  }

  std::optional<Entry> examine(int folder, const std::string& prefix, const dirent& found) const {
    // Not known to be a file, it may be a folder that does hold keys above start_after.
    if (found.d_type == DT_REG && is_passed(prefix, found.d_name)) return std::nullopt;
    if (!is_key_component(found.d_name)) return std::nullopt;
    std::string key = prefix + found.d_name;
    if (key.size() > kMaximumKeyLength) return std::nullopt;
    if (found.d_type == DT_DIR) return Entry{key + "/"};
    if (found.d_type != DT_REG && found.d_type != DT_UNKNOWN) return std::nullopt;

    struct stat status {};
    if (fstatat(folder, found.d_name, &status, AT_SYMLINK_NOFOLLOW) != 0) {
      if (errno == ENOENT) return std::nullopt;
      throw system_error(errno, "listing " + printable(root_ + "/" + key), ErrorKind::kReadFailed);
    }
    if (S_ISDIR(status.st_mode)) return Entry{key + "/"};
    if (!S_ISREG(status.st_mode) || key <= start_after_) return std::nullopt;
    return Entry{std::move(key), static_cast<std::uint64_t>(status.st_size),
                 TimePoint{status.st_mtim.tv_sec, static_cast<std::uint32_t>(status.st_mtim.tv_nsec)}};
  }

  const std::string& root_;
  const std::string& start_after_;
  std::vector<ObjectInfo> found_;
};

}  // namespace

std::vector<ObjectInfo> list_folder(const std::string& root, const std::string& prefix,
                                    const std::string& start_after) {
  FolderListing listing(root, start_after);
  listing.add(prefix);
  return listing.take();
}

}  // namespace garner::destination
