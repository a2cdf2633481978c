#include "destination/local.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <set>

#include "base/bounded_calls.h"
#include "base/disk_space.h"
#include "base/file.h"
#include "destination/folder_listing.h"
#include "destination/key.h"

namespace garner::destination {

namespace {

constexpr std::size_t kCopyStep = 1u << 20;

// What a file system answers whose device or server is gone.
bool means_away(int error_number) {
  switch (error_number) {
    case ENODEV:
    case ENXIO:
    case ESTALE:
    case ENOTCONN:
    case ESHUTDOWN:
    case ECONNRESET:
    case ECONNABORTED:
    case ETIMEDOUT:
    case ENETDOWN:
    case ENETUNREACH:
    case EHOSTDOWN:
    case EHOSTUNREACH:
    case EREMOTEIO:
      return true;
    default:
      return false;
  }
}

Error already_exists(const std::string& path) {
  return Error(ErrorKind::kAlreadyExists, printable(path) + " already exists");
}

struct OpenObject {
  Fd fd;
  std::uint64_t size = 0;
};

std::uint64_t size_of_open(int file, const std::string& path) {
  struct stat status {};
  if (fstat(file, &status) != 0) {
    throw system_error(errno, "reading " + printable(path), ErrorKind::kReadFailed);
  }
  if (!S_ISREG(status.st_mode)) throw Error(ErrorKind::kDamaged, printable(path) + " is not a file");
  return static_cast<std::uint64_t>(status.st_size);
}

// O_NONBLOCK: should a fifo have been put in an object's place, opening it must not wait for a writer.
OpenObject open_object(const std::string& path) {
  OpenObject object{open_file(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK)};
  object.size = size_of_open(object.fd.get(), path);
  return object;
}

void fill(const StagedFile& file, ByteView data) {
  write_at(file.fd(), data, 0, file.path());
  sync_file(file.fd(), file.path());
}

// A name that was given and could not be made durable is in doubt for good: a sync that has failed is not
// made good by a later one, which tells nothing of it. So it is taken back; nobody else knows it yet.
template <typename Publish>
bool publish_or_take_back(const std::string& from, const std::string& to, const Publish& publish) {
  try {
    return publish();
  } catch (const Error&) {
    if (is_same_file(from, to)) unlink(to.c_str());
    throw;
  }
}

void check_range(const OpenObject& object, std::uint64_t offset, std::uint64_t length,
                 const std::string& path) {
  if (offset > object.size || length > object.size - offset) {
    throw Error(ErrorKind::kDamaged, printable(path) + " has " + std::to_string(object.size) +
                                         " bytes, too few for " + std::to_string(length) + " at " +
                                         std::to_string(offset));
  }
}

void fill_from(int file, std::uint64_t offset, MutableByteView memory, const std::string& path) {
  for (std::size_t done = 0; done < memory.size();) {
    const MutableByteView step = memory.subspan(done, std::min(kCopyStep, memory.size() - done));
    if (read_at(file, step, offset + done, path) != step.size())
      throw Error(ErrorKind::kDamaged, printable(path) + " became shorter while it was read");
    BoundedCalls::get_on();
    done += step.size();
  }
}

void read_object(const OpenObject& object, std::uint64_t offset, MutableByteView memory,
                 const std::string& path) {
  check_range(object, offset, memory.size(), path);
  fill_from(object.fd.get(), offset, memory, path);
}

Bytes read_object(const OpenObject& object, std::uint64_t offset, std::uint64_t length,
                  const std::string& path) {
  check_range(object, offset, length, path);  // before memory is taken
  Bytes data(length);
  read_object(object, offset, data, path);
  return data;
}

}  // namespace

LocalDestination::LocalDestination(const std::string& root) : root_(normal_path(root)), staging_(root_) {}

void LocalDestination::create_folder() {
  where_full_means(ErrorKind::kDestinationFull, [&] { make_folders_durably(root_); });
}

void LocalDestination::remove_empty_folders(const std::string& folder) {
  check_key(folder);
  for (std::string name = folder; rmdir(path_of(name).c_str()) == 0; name.resize(name.rfind('/'))) {
    if (name.find('/') == std::string::npos) break;
  }
}

std::string LocalDestination::describe() const { return printable(root_); }

// ---- Failures ----

template <typename Operation>
auto LocalDestination::attempt(ErrorKind failure, const Operation& operation) const {
  check_root();
  try {
    return where_full_means(ErrorKind::kDestinationFull, operation);
  } catch (const Error& error) {
    check_failure(error, failure);
    throw;
  }
}

void LocalDestination::check_root() const {
  struct stat status {};
  if (stat(root_.c_str(), &status) != 0) {
    // EACCES and its like are told as they are: waiting for the disk would not help.
    const bool away = errno == ENOENT || errno == ENOTDIR || errno == EIO || means_away(errno);
    throw system_error(errno, "the folder " + describe(),
                       away ? ErrorKind::kDestinationAway : ErrorKind::kReadFailed);
  }
  if (!S_ISDIR(status.st_mode)) {
    throw Error(ErrorKind::kDestinationAway, describe() + " is not a folder");
  }
  staging_.check();
}

// Throws what `error` means, where that is not what it says.
void LocalDestination::check_failure(const Error& error, ErrorKind failure) const {
  if (error.kind() != failure && error.kind() != ErrorKind::kNotFound) return;
  check_root();  // the root may have vanished since the operation began
  if (error.kind() != failure) return;
  const int error_number = error.error_number();
  // A device that was pulled out fails with EIO, while what is cached, the root above all, can still be read.
  // For a read it may as well be a bad place on the disk, which only the objects there suffer from.
  if (means_away(error_number) || (error_number == EIO && failure == ErrorKind::kWriteFailed)) {
    throw Error(ErrorKind::kDestinationAway, error.what(), error_number);
  }
  if (error_number == ENOSPC || error_number == EDQUOT) {
    throw Error(ErrorKind::kDestinationFull, error.what(), error_number);
  }
}

// ---- Writing ----

// Another writer may have given the name and not yet made it durable, or have been killed before it could:
// who is told that the object exists must be able to rely on it.
bool LocalDestination::exists_durably(const std::string& key) const {
  const std::string path = path_of(key);
  struct stat status {};
  if (lstat(path.c_str(), &status) != 0) {
    if (errno == ENOENT || errno == ENOTDIR) return false;
    throw system_error(errno, "looking for " + printable(path));
  }
  sync_folder(parent_path(path));
  return true;
}

// The folders of `key` below the root, which itself is never made here: it may be a mount point. A folder
// that is there already may be another writer's that has not made it durable yet, so its parent is fsynced
// all the same.
void LocalDestination::make_folders_of(const std::string& key) {
  for (std::size_t slash = key.find('/'); slash != std::string::npos; slash = key.find('/', slash + 1)) {
    const std::string folder = key.substr(0, slash);
    {
      const std::lock_guard lock(mutex_);
      if (known_folders_.contains(folder)) continue;
    }
    make_folder_durably(path_of(folder));
    const std::lock_guard lock(mutex_);
    known_folders_.insert(folder);
  }
}

// Calls `give_name`, a publish_file() of something to the path it is given; false when the key exists.
bool LocalDestination::publish(const std::string& key,
                               const std::function<bool(const std::string&)>& give_name) {
  make_folders_of(key);
  const std::string path = path_of(key);
  const auto publish_once = [&] {
    if (give_name(path)) return true;
    sync_folder(parent_path(path));  // as in exists_durably()
    return false;
  };
  try {
    return publish_once();
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::kNotFound) throw;
  }
  // One of its folders was removed since it became known, or the whole disk was.
  check_root();
  {
    const std::lock_guard lock(mutex_);
    known_folders_.clear();
  }
  make_folders_of(key);
  return publish_once();
}

// A name that others may give as well, and have seen and built upon by now, is not taken back when it cannot
// be made durable. It is given anew, to a file of the same bytes.
bool LocalDestination::store(const std::string& key, ByteView data, Name name) {
  check_key(key);
  return attempt(ErrorKind::kWriteFailed, [&] {
    if (exists_durably(key)) return false;
    StagedFile file = staging_.create();
    fill(file, data);
    return publish(key, [&](const std::string& to) {
      if (name == Name::kOwn) return publish_or_take_back(file.path(), to, [&] { return file.publish(to); });
      try {
        return file.publish(to);
      } catch (const Error&) {
        if (!is_same_file(file.path(), to)) throw;
      }
      const StagedFile again = staging_.create();
      fill(again, data);
      if (rename(again.path().c_str(), to.c_str()) != 0)
        throw system_error(errno, "replacing " + printable(to));
      sync_folder(parent_path(to));
      return true;
    });
  });
}

void LocalDestination::put(const std::string& key, ByteView data) {
  if (!store(key, data, Name::kOwn)) throw already_exists(path_of(key));
}

bool LocalDestination::put_exclusive(const std::string& key, ByteView data) {
  return store(key, data, Name::kShared);
}

void LocalDestination::put_file(const std::string& key, const std::string& path) {
  check_key(key);
  const bool stored = attempt(ErrorKind::kWriteFailed, [&] {
    staging_.ensure();
    try {
      return publish(key, [&](const std::string& to) {
        return publish_or_take_back(path, to, [&] { return publish_file(path, to); });
      });
    } catch (const Error& error) {
      if (error.error_number() != EXDEV) throw;
    }
    // Removed only when the copy has its name for good.
    if (!store_copy(key, open_object(path).fd.get(), path)) return false;
    remove_file(path);
    return true;
  });
  if (!stored) throw already_exists(path_of(key));
}

void LocalDestination::put_copy(const std::string& key, int file, const std::string& path) {
  check_key(key);
  const bool stored = attempt(ErrorKind::kWriteFailed, [&] { return store_copy(key, file, path); });
  if (!stored) throw already_exists(path_of(key));
}

// For a file of another file system.
bool LocalDestination::store_copy(const std::string& key, int file, const std::string& path) {
  if (exists_durably(key)) return false;
  StagedFile copy = staging_.create();
  const std::uint64_t size = size_of_open(file, path);
  Bytes buffer(std::min<std::uint64_t>(kCopyStep, size));
  for (std::uint64_t done = 0; done < size; done += buffer.size()) {
    buffer.resize(std::min<std::uint64_t>(kCopyStep, size - done));
    fill_from(file, done, buffer, path);
    write_at(copy.fd(), buffer, done, copy.path());
  }
  sync_file(copy.fd(), copy.path());
  return publish(key, [&](const std::string& to) {
    return publish_or_take_back(copy.path(), to, [&] { return copy.publish(to); });
  });
}

std::optional<std::string> LocalDestination::staging_folder() {
  return attempt(ErrorKind::kWriteFailed, [&] {
    staging_.ensure();
    return std::optional(staging_.path());
  });
}

// Its content was, before it was given its name.
void LocalDestination::make_durable(const std::string& key) {
  check_key(key);
  attempt(ErrorKind::kWriteFailed, [&] {
    for (std::size_t slash = key.rfind('/'); slash != std::string::npos; slash = key.rfind('/', slash - 1))
      sync_folder(path_of(key.substr(0, slash)));
    sync_folder(root_);
  });
}

void LocalDestination::remove(const std::string& key) {
  check_key(key);
  attempt(ErrorKind::kWriteFailed, [&] {
    const std::string path = path_of(key);
    remove_file(path);
    try {
      // Also when the object was missing: whoever removed it may have been killed before this.
      sync_folder(parent_path(path));
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::kNotFound) throw;
      check_root();  // what is missing may be all of it
    }
  });
}

// Every folder is synced once, after all that went from it.
void LocalDestination::remove_all(const std::vector<std::string>& keys) {
  for (const std::string& key : keys) check_key(key);
  attempt(ErrorKind::kWriteFailed, [&] {
    std::set<std::string> folders;
    for (const std::string& key : keys) {
      const std::string path = path_of(key);
      remove_file(path);
      folders.insert(parent_path(path));
    }
    for (const std::string& folder : folders) {
      try {
        sync_folder(folder);
      } catch (const Error& error) {
        if (error.kind() != ErrorKind::kNotFound) throw;
        check_root();
      }
    }
  });
}

// ---- Reading ----

Bytes LocalDestination::get(const std::string& key, std::uint64_t offset, std::uint64_t length) {
  check_key(key);
  return attempt(ErrorKind::kReadFailed, [&] {
    const std::string path = path_of(key);
    return read_object(open_object(path), offset, length, path);
  });
}

void LocalDestination::get_into(const std::string& key, std::uint64_t offset, MutableByteView memory) {
  check_key(key);
  attempt(ErrorKind::kReadFailed, [&] {
    const std::string path = path_of(key);
    read_object(open_object(path), offset, memory, path);
  });
}

Bytes LocalDestination::get_all(const std::string& key, std::uint64_t limit) {
  check_key(key);
  return attempt(ErrorKind::kReadFailed, [&] {
    const std::string path = path_of(key);
    const OpenObject object = open_object(path);
    if (object.size > limit) {
      throw Error(ErrorKind::kDamaged, printable(path) + " has " + std::to_string(object.size) +
                                           " bytes, more than the " + std::to_string(limit) + " it may have");
    }
    return read_object(object, 0, object.size, path);
  });
}

std::optional<std::uint64_t> LocalDestination::size(const std::string& key) {
  check_key(key);
  return attempt(ErrorKind::kReadFailed, [&]() -> std::optional<std::uint64_t> {
    struct stat status {};
    if (lstat(path_of(key).c_str(), &status) != 0) {
      if (errno != ENOENT && errno != ENOTDIR) {
        throw system_error(errno, "reading " + printable(path_of(key)), ErrorKind::kReadFailed);
      }
      check_root();
      return std::nullopt;
    }
    if (!S_ISREG(status.st_mode)) return std::nullopt;
    return static_cast<std::uint64_t>(status.st_size);
  });
}

std::vector<ObjectInfo> LocalDestination::list(const std::string& prefix, const std::string& start_after) {
  check_prefix(prefix);
  return attempt(ErrorKind::kReadFailed, [&] {
    std::vector<ObjectInfo> objects = list_folder(root_, prefix, start_after);
    check_root();  // folders that vanished because the root did were passed over
    return objects;
  });
}

std::optional<Space> LocalDestination::space() {
  return attempt(ErrorKind::kReadFailed, [&]() -> std::optional<Space> {
    const std::optional<Space> space = disk_space(root_);
    if (!space) throw system_error(errno, "asking for the space of " + describe(), ErrorKind::kReadFailed);
    return space->total == 0 ? std::nullopt : space;
  });
}

std::unique_ptr<LocalDestination> open_local(const std::string& url) {
  const std::size_t colon = url.find(':');
  if (!url.empty() && url.front() != '/' && colon != std::string::npos && colon < url.find('/')) {
    throw Error(ErrorKind::kInvalidInput, "destinations of the kind '" + printable(url.substr(0, colon)) +
                                              "' are not known to this version: '" + printable(url) + "'");
  }
  return std::make_unique<LocalDestination>(url);
}

}  // namespace garner::destination
