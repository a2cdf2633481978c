// A destination in memory, whose objects a test may look at and damage. Any thread.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/file.h"
#include "destination/destination.h"

namespace garner::testing {

class MemoryDestination final : public destination::Destination {
 public:
  struct Read {
    std::string key;
    std::uint64_t offset = 0;
    std::uint64_t length = 0;
  };

  std::string describe() const override { return "memory"; }
  void put(const std::string& key, ByteView data) override {
    if (!put_exclusive(key, data)) throw Error(ErrorKind::kAlreadyExists, key + " exists");
  }
  bool put_exclusive(const std::string& key, ByteView data) override {
    std::lock_guard lock(mutex_);
    return objects_.emplace(key, Bytes(data.begin(), data.end())).second;
  }
  void put_file(const std::string& key, const std::string& path) override {
    put(key, read_file(path, 1u << 30));
    remove_file(path);
  }
  std::optional<std::string> staging_folder() override { return std::nullopt; }

  Bytes get(const std::string& key, std::uint64_t offset, std::uint64_t length) override {
    std::lock_guard lock(mutex_);
    const ByteView part = find_part(key, offset, length);
    return Bytes(part.begin(), part.end());
  }
  void get_into(const std::string& key, std::uint64_t offset, MutableByteView memory) override {
    std::lock_guard lock(mutex_);
    const ByteView part = find_part(key, offset, memory.size());
    std::copy(part.begin(), part.end(), memory.begin());
  }
  Bytes get_all(const std::string& key, std::uint64_t limit) override {
    std::lock_guard lock(mutex_);
    const Bytes& object = find(key);
    if (object.size() > limit) throw Error(ErrorKind::kDamaged, key + " is too long");
    return object;
  }
  std::optional<std::uint64_t> size(const std::string& key) override {
    std::lock_guard lock(mutex_);
    auto found = objects_.find(key);
    if (found == objects_.end()) return std::nullopt;
    return found->second.size();
  }
  std::vector<destination::ObjectInfo> list(const std::string& prefix,
                                            const std::string& start_after) override {
    std::lock_guard lock(mutex_);
    std::vector<destination::ObjectInfo> listed;
    for (const auto& [key, object] : objects_) {
      if (key.starts_with(prefix) && key > start_after) listed.push_back({key, object.size()});
    }
    return listed;
  }
  void remove(const std::string& key) override {
    std::lock_guard lock(mutex_);
    objects_.erase(key);
  }
  std::optional<destination::Space> space() override { return std::nullopt; }

  // The stored bytes themselves. For one thread at a time.
  Bytes& object(const std::string& key) { return find(key); }
  std::vector<Read> reads() const {
    std::lock_guard lock(mutex_);
    return reads_;
  }
  void forget_reads() {
    std::lock_guard lock(mutex_);
    reads_.clear();
  }

 private:
  Bytes& find(const std::string& key) {
    auto found = objects_.find(key);
    if (found == objects_.end()) throw Error(ErrorKind::kNotFound, key + " does not exist");
    return found->second;
  }

  ByteView find_part(const std::string& key, std::uint64_t offset, std::uint64_t length) {
    reads_.push_back({key, offset, length});
    const Bytes& object = find(key);
    if (offset > object.size() || length > object.size() - offset) {
      throw Error(ErrorKind::kDamaged, key + " is too short");
    }
    return ByteView(object).subspan(offset, length);
  }

  mutable std::mutex mutex_;
  std::map<std::string, Bytes> objects_;
  std::vector<Read> reads_;
};

}  // namespace garner::testing
