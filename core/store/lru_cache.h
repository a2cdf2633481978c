// A cache bounded by the summed cost of its values: what was not used for longest goes first. Thread-safe.
// Values are handed out as shared pointers, so what is thrown out lives on with whoever holds it.
#pragma once

#include <cstddef>
#include <list>
#include <memory>
#include <mutex>
#include <unordered_map>

namespace garner::store {

template <typename Key, typename Value, typename Hash>
class LruCache {
 public:
  explicit LruCache(std::size_t capacity) : capacity_(capacity) {}

  // Nothing when the key is not there.
  std::shared_ptr<const Value> find(const Key& key) {
    std::lock_guard lock(mutex_);
    const auto found = by_key_.find(key);
    if (found == by_key_.end()) return nullptr;
    entries_.splice(entries_.begin(), entries_, found->second);
    return found->second->value;
  }

  // A key that is there already keeps its value. A value that costs more than the capacity is not kept.
  void add(const Key& key, std::shared_ptr<const Value> value, std::size_t cost) {
    std::lock_guard lock(mutex_);
    if (cost > capacity_ || by_key_.contains(key)) return;
    while (used_ + cost > capacity_) {
      used_ -= entries_.back().cost;
      by_key_.erase(entries_.back().key);
      entries_.pop_back();
    }
    entries_.push_front({key, std::move(value), cost});
    by_key_[key] = entries_.begin();
    used_ += cost;
  }

  void clear() {
    std::lock_guard lock(mutex_);
    by_key_.clear();
    entries_.clear();
    used_ = 0;
  }

 private:
  struct Entry {
    Key key;
    std::shared_ptr<const Value> value;
    std::size_t cost = 0;
  };
  const std::size_t capacity_;
  std::mutex mutex_;
  std::list<Entry> entries_;  // most recently used first
  std::unordered_map<Key, typename std::list<Entry>::iterator, Hash> by_key_;
  std::size_t used_ = 0;
};

}  // namespace garner::store
