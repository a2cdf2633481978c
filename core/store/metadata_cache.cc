#include "store/metadata_cache.h"

#include <fcntl.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <optional>
#include <tuple>
#include <utility>
#include <vector>

#include "base/error.h"
#include "store/pack.h"

namespace garner::store {

namespace {

// What is in memory of a pack that is fetched, and how many are at a time.
constexpr std::uint64_t kPiece = 4u << 20;
constexpr std::size_t kMostFetched = 4;
constexpr const char* kUnfinished = "/unfinished-";

// Nobody is to do without metadata because a cache cannot be tidied up.
void forget_file(const std::string& path) { static_cast<void>(unlink(path.c_str())); }

}  // namespace

MetadataCache::MetadataCache(std::string folder, std::uint64_t limit)
    : folder_(std::move(folder)), limit_(limit) {
  // In the order in which they were opened last, as far as the file system tells.
  std::vector<std::tuple<std::int64_t, ObjectName, std::uint64_t>> found;
  for (const std::string& file : list_names(folder_)) {
    struct stat status {};
    const std::string path = folder_ + "/" + file;
    if (lstat(path.c_str(), &status) != 0) continue;
    const std::optional<ObjectName> name = object_name_in(file);
    if (!name || !S_ISREG(status.st_mode)) {
      if (!S_ISDIR(status.st_mode)) forget_file(path);
      continue;
    }
    found.emplace_back(status.st_mtim.tv_sec, *name, static_cast<std::uint64_t>(status.st_size));
  }
  std::sort(found.begin(), found.end());
  for (const auto& [time, name, size] : found) add(name, size, false);
}

// With mutex_ held, or by the constructor.
void MetadataCache::add(const ObjectName& name, std::uint64_t size, bool is_new) {
  drop_locked(name);
  entries_[name] = {size, ++turn_, is_new};
  sum_ += size;
  while (sum_ > limit_ && !entries_.empty()) {
    const auto oldest = std::min_element(entries_.begin(), entries_.end(), [](const auto& a, const auto& b) {
      return a.second.used < b.second.used;
    });
    const ObjectName dropped = oldest->first;
    drop_locked(dropped);
    forget_file(path_of(dropped));
  }
}

// What is known of it, not the file.
void MetadataCache::drop_locked(const ObjectName& name) {
  const auto found = entries_.find(name);
  if (found == entries_.end()) return;
  sum_ -= found->second.size;
  entries_.erase(found);
}

void MetadataCache::drop(const ObjectName& name) {
  const std::lock_guard lock(mutex_);
  drop_locked(name);
  forget_file(path_of(name));
}

void MetadataCache::drop_unless(const std::function<bool(const ObjectName&)>& is_wanted) {
  const std::lock_guard lock(mutex_);
  std::vector<ObjectName> unwanted;
  for (auto& [name, entry] : entries_) {
    if (is_wanted(name)) {
      entry.is_new = false;
    } else if (!entry.is_new) {
      unwanted.push_back(name);
    }
  }
  for (const ObjectName& name : unwanted) {
    drop_locked(name);
    forget_file(path_of(name));
  }
}

std::shared_ptr<const KeptPack> MetadataCache::open(const ObjectName& name) {
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(name);
  if (found == entries_.end()) return nullptr;
  try {
    auto pack = std::make_shared<KeptPack>(KeptPack{open_file(path_of(name), O_RDONLY), found->second.size});
    found->second.used = ++turn_;
    // For the next process. That it is not told is no harm.
    static_cast<void>(futimens(pack->file.get(), nullptr));
    return pack;
  } catch (const Error&) {
    drop_locked(name);  // somebody has removed it
    return nullptr;
  }
}

std::shared_ptr<const KeptPack> MetadataCache::fetch(destination::Destination& place, const ObjectName& name,
                                                     std::uint64_t size) {
  if (size > limit_) return nullptr;
  {
    std::unique_lock lock(mutex_);
    fetched_.wait(lock, [&] { return !fetching_.contains(name) && fetching_.size() < kMostFetched; });
    fetching_.insert(name);
  }
  struct Ending {
    MetadataCache& cache;
    const ObjectName& name;
    ~Ending() {
      {
        const std::lock_guard lock(cache.mutex_);
        cache.fetching_.erase(name);
      }
      cache.fetched_.notify_all();
    }
  } const ending{*this, name};
  if (auto kept = open(name)) return kept;  // somebody else was first
  const std::string path = folder_ + kUnfinished + name.hex();
  try {
    if (!read_from(place, name, size, path)) {
      forget_file(path);
      return nullptr;
    }
  } catch (...) {
    forget_file(path);
    throw;
  }
  if (std::rename(path.c_str(), path_of(name).c_str()) != 0) {
    forget_file(path);
    return nullptr;
  }
  {
    const std::lock_guard lock(mutex_);
    add(name, size, false);
  }
  return open(name);
}

// False where it cannot be kept.
bool MetadataCache::read_from(destination::Destination& place, const ObjectName& name, std::uint64_t size,
                              const std::string& path) {
  try {
    make_folders_durably(folder_);
    const Fd file = open_file(path, O_WRONLY | O_CREAT | O_TRUNC);
    for (std::uint64_t done = 0; done < size;) {
      const Bytes piece = place.get(pack_key(name), done, std::min(kPiece, size - done));
      write_at(file.get(), piece, done, path);
      done += piece.size();
    }
    return true;
  } catch (const Error& error) {
    switch (error.kind()) {
      case ErrorKind::kWriteFailed:
      case ErrorKind::kStateFull:
        spdlog::warn("metadata of {} is not kept here: {}", place.describe(), error.what());
        return false;
      case ErrorKind::kDamaged:
      case ErrorKind::kNotFound:
        return false;
      default:
        throw;
    }
  }
}

bool MetadataCache::keep(const ObjectName& name, const std::string& path) {
  struct stat status {};
  if (limit_ == 0) return false;
  try {
    make_folders_durably(folder_);
  } catch (const Error& error) {
    spdlog::warn("metadata is not kept here: {}", error.what());
    return false;
  }
  const std::lock_guard lock(mutex_);
  // Not the same file system, say: it is fetched when it is read.
  if (link(path.c_str(), path_of(name).c_str()) != 0 || stat(path_of(name).c_str(), &status) != 0)
    return false;
  add(name, static_cast<std::uint64_t>(status.st_size), true);
  return entries_.contains(name);
}

}  // namespace garner::store
