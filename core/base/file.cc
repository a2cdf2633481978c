#include "base/file.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <limits>
#include <memory>
#include <vector>

#include "base/error.h"
#include "base/uuid.h"

namespace garner {

namespace {

constexpr std::size_t kReadStep = 64 << 10;

Error file_error(int error_number, std::string_view doing, const std::string& path, ErrorKind other,
                 std::optional<ErrorKind> full = std::nullopt) {
  const ErrorKind kind = error_number == ENOENT   ? ErrorKind::kNotFound
                         : error_number == EEXIST ? ErrorKind::kAlreadyExists
                                                  : other;
  return system_error(error_number, std::string(doing) + " " + printable(path), kind, full);
}

off_t checked_offset(std::uint64_t offset, std::size_t length, const std::string& path) {
  constexpr auto kLargest = static_cast<std::uint64_t>(std::numeric_limits<off_t>::max());
  if (offset > kLargest || length > kLargest - offset) {
    throw Error(ErrorKind::kInvalidInput, "an offset too large for a file: " + printable(path));
  }
  return static_cast<off_t>(offset);
}

void write_all(int fd, ByteView data, std::uint64_t offset, const std::string& path, ErrorKind full) {
  while (!data.empty()) {
    const ssize_t written = pwrite(fd, data.data(), data.size(), checked_offset(offset, data.size(), path));
    if (written < 0) {
      if (errno == EINTR) continue;
      throw file_error(errno, "writing", path, ErrorKind::kWriteFailed, full);
    }
    offset += static_cast<std::uint64_t>(written);
    data = data.subspan(static_cast<std::size_t>(written));
  }
}

bool is_folder(const std::string& path) {
  struct stat status {};
  return stat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode);
}

// Whether link(2)'s error means that the file system has no hard links (exFAT, FAT, CIFS, many FUSE file
// systems), or no more for this file, so that renaming may still do.
bool has_no_links(int error_number) {
  return error_number == EPERM || error_number == EOPNOTSUPP || error_number == ENOSYS ||
         error_number == EMLINK;
}

}  // namespace

Fd& Fd::operator=(Fd&& other) noexcept {
  if (this != &other) {
    reset();
    fd_ = std::exchange(other.fd_, -1);
  }
  return *this;
}

Fd::~Fd() { reset(); }

void Fd::reset() {
  if (fd_ >= 0) close(std::exchange(fd_, -1));
}

Fd open_file(const std::string& path, int flags, mode_t mode) {
  for (;;) {
    const int fd = open(path.c_str(), flags | O_CLOEXEC, mode);
    if (fd >= 0) return Fd(fd);
    if (errno == EINTR) continue;
    const bool reading = (flags & O_ACCMODE) == O_RDONLY;
    if (reading) throw file_error(errno, "opening", path, ErrorKind::kReadFailed);
    throw file_error(errno, "opening", path, ErrorKind::kWriteFailed, ErrorKind::kStateFull);
  }
}

void write_at(int fd, ByteView data, std::uint64_t offset, const std::string& path) {
  write_all(fd, data, offset, path, ErrorKind::kStateFull);
}

std::size_t read_at(int fd, MutableByteView data, std::uint64_t offset, const std::string& path) {
  std::size_t done = 0;
  while (done < data.size()) {
    const std::size_t missing = data.size() - done;
    const ssize_t got = pread(fd, data.data() + done, missing, checked_offset(offset + done, missing, path));
    if (got < 0) {
      if (errno == EINTR) continue;
      throw file_error(errno, "reading", path, ErrorKind::kReadFailed);
    }
    if (got == 0) break;
    done += static_cast<std::size_t>(got);
  }
  return done;
}

Bytes read_file(const std::string& path, std::size_t limit) {
  const Fd file = open_file(path, O_RDONLY);
  struct stat status {};
  if (fstat(file.get(), &status) != 0) throw file_error(errno, "reading", path, ErrorKind::kReadFailed);
  // The size is a hint alone: the file may grow, and files of /proc say 0.
  const auto expected = static_cast<std::uint64_t>(std::max<off_t>(status.st_size, 0));
  Bytes content;
  std::size_t step = static_cast<std::size_t>(std::min<std::uint64_t>(expected, limit)) + 1;
  for (;;) {
    const std::size_t before = content.size();
    content.resize(before + step);
    const std::size_t got = read_at(file.get(), MutableByteView(content).subspan(before), before, path);
    content.resize(before + got);
    if (content.size() > limit) {
      throw Error(ErrorKind::kInvalidInput,
                  printable(path) + " is longer than " + std::to_string(limit) + " bytes");
    }
    if (got < step) return content;
    step = std::min(kReadStep, limit - content.size() + 1);
  }
}

void sync_file(int fd, const std::string& path) {
  while (fdatasync(fd) != 0) {
    if (errno != EINTR) {
      throw file_error(errno, "making durable", path, ErrorKind::kWriteFailed, ErrorKind::kStateFull);
    }
  }
}

void sync_folder(const std::string& path) {
  const Fd folder = open_file(path, O_RDONLY | O_DIRECTORY);
  while (fsync(folder.get()) != 0) {
    if (errno == EINTR) continue;
    // The file system cannot sync folders at all (some network and FUSE file systems); it orders names by
    // itself.
    if (errno == EINVAL || errno == EOPNOTSUPP || errno == ENOSYS) return;
    throw file_error(errno, "making durable", path, ErrorKind::kWriteFailed, ErrorKind::kStateFull);
  }
}

void replace_file_durably(const std::string& path, ByteView data, mode_t mode) {
  const std::string temporary = path + "." + to_hex(Uuid::random().view().first(6)) + ".tmp";
  const Fd file = open_file(temporary, O_WRONLY | O_CREAT | O_EXCL, mode);
  try {
    // The mode is what was asked for, whatever the umask.
    if (fchmod(file.get(), mode) != 0) {
      throw file_error(errno, "setting the mode of", temporary, ErrorKind::kWriteFailed);
    }
    write_all(file.get(), data, 0, temporary, ErrorKind::kWriteFailed);
    // fsync, not fdatasync: the mode has to be durable too.
    while (fsync(file.get()) != 0) {
      if (errno != EINTR) throw file_error(errno, "making durable", temporary, ErrorKind::kWriteFailed);
    }
    if (rename(temporary.c_str(), path.c_str()) != 0) {
      throw file_error(errno, "replacing", path, ErrorKind::kWriteFailed);
    }
  } catch (...) {
    unlink(temporary.c_str());
    throw;
  }
  sync_folder(parent_path(path));
}

bool is_same_file(const std::string& one, const std::string& other) {
  struct stat first {};
  struct stat second {};
  return lstat(one.c_str(), &first) == 0 && lstat(other.c_str(), &second) == 0 &&
         first.st_dev == second.st_dev && first.st_ino == second.st_ino;
}

bool publish_file(const std::string& from, const std::string& to) {
  if (link(from.c_str(), to.c_str()) != 0) {
    if (has_no_links(errno)) return publish_file_by_rename(from, to);
    if (errno != EEXIST) {
      throw file_error(errno, "publishing", to, ErrorKind::kWriteFailed, ErrorKind::kStateFull);
    }
    // NFS says "exists" when the reply to our own link was lost and the call was sent again.
    if (!is_same_file(from, to)) return false;
  }
  // First the new name is made durable, then the old one goes: the other way round a crash could lose both.
  // Should the old name stay, it is garbage and nothing else.
  sync_folder(parent_path(to));
  unlink(from.c_str());
  return true;
}

bool renames_exclusively(std::uint32_t type) {
  return type != CIFS_SUPER_MAGIC && type != SMB2_SUPER_MAGIC && type != SMB_SUPER_MAGIC;
}

bool publish_file_by_rename(const std::string& from, const std::string& to) {
  struct statfs status {};
  if (statfs(parent_path(to).c_str(), &status) != 0)
    throw file_error(errno, "publishing", to, ErrorKind::kWriteFailed);
  if (!renames_exclusively(static_cast<std::uint32_t>(status.f_type))) {
    throw Error(ErrorKind::kUnavailable,
                "publishing " + printable(to) +
                    ": this share cannot link files, and renaming there may replace what another machine "
                    "has written; use a share of a file system with hard links, or reach it by SFTP");
  }
  // By syscall(2): not every C library has the function.
  if (syscall(SYS_renameat2, AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_NOREPLACE) != 0) {
    if (errno == EEXIST) return false;
    if (errno == EINVAL || errno == ENOSYS || errno == EOPNOTSUPP) {
      throw Error(ErrorKind::kUnavailable,
                  "publishing " + printable(to) +
                      ": the file system can neither link files nor rename them without replacing");
    }
    throw file_error(errno, "publishing", to, ErrorKind::kWriteFailed, ErrorKind::kStateFull);
  }
  sync_folder(parent_path(to));
  return true;
}

void make_folder_durably(const std::string& path, mode_t mode) {
  const bool is_new = mkdir(path.c_str(), mode) == 0;
  if (!is_new && !(errno == EEXIST && is_folder(path))) {
    throw file_error(errno, "creating the folder", path, ErrorKind::kWriteFailed, ErrorKind::kStateFull);
  }
  try {
    sync_folder(parent_path(path));
  } catch (...) {
    if (is_new) rmdir(path.c_str());
    throw;
  }
}

void make_folders_durably(const std::string& path, mode_t mode) {
  // From the deepest upwards until one is there, then downwards again.
  std::vector<std::string> missing;
  for (std::string folder = path; !is_folder(folder); folder = parent_path(folder)) {
    missing.push_back(folder);
    if (parent_path(folder) == folder) break;
  }
  for (; !missing.empty(); missing.pop_back()) {
    make_folder_durably(missing.back(), mode);
  }
}

std::vector<std::string> list_names(const std::string& folder) {
  const std::unique_ptr<DIR, int (*)(DIR*)> stream(opendir(folder.c_str()), closedir);
  if (!stream) {
    if (errno == ENOENT) return {};
    throw system_error(errno, "cannot list " + printable(folder), ErrorKind::kReadFailed);
  }
  std::vector<std::string> names;
  errno = 0;
  while (const dirent* entry = readdir(stream.get())) {
    const std::string name = entry->d_name;
    if (name != "." && name != "..") names.push_back(name);
    errno = 0;
  }
  if (errno != 0) throw system_error(errno, "cannot list " + printable(folder), ErrorKind::kReadFailed);
  return names;
}

void remove_file(const std::string& path) {
  if (unlink(path.c_str()) != 0 && errno != ENOENT) {
    throw file_error(errno, "removing", path, ErrorKind::kWriteFailed);
  }
}

std::string parent_path(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  const std::size_t end = path.find_last_not_of('/', slash);
  return end == std::string::npos ? "/" : path.substr(0, end + 1);
}

std::string base_name(const std::string& path) { return path.substr(path.rfind('/') + 1); }

std::string path_in(const std::string& folder, std::string_view name) {
  std::string path = folder;
  if (!path.ends_with('/')) path += '/';
  return path.append(name);
}

std::string normal_path(std::string_view path) {
  if (path.empty() || path.front() != '/' || path.find('\0') != std::string_view::npos) {
    throw Error(ErrorKind::kInvalidInput, "not an absolute path: '" + printable(path) + "'");
  }
  std::vector<std::string_view> components;
  while (!path.empty()) {
    const std::size_t slash = path.find('/');
    const std::string_view component = path.substr(0, slash);
    path.remove_prefix(slash == std::string_view::npos ? path.size() : slash + 1);
    if (component.empty() || component == ".") continue;
    if (component != "..") {
      components.push_back(component);
    } else if (!components.empty()) {
      components.pop_back();
    }
  }
  std::string normal;
  for (const std::string_view component : components) normal.append("/").append(component);
  return normal.empty() ? "/" : normal;
}

}  // namespace garner
