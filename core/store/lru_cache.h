// A cache bounded by the summed cost of its values: what was not used for longest goes first. Thread-safe.
// Values are handed out as shared pointers, so what is thrown out lives on with whoever holds it.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <list>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <unordered_set>
#include <utility>

namespace garner::store {

template <typename Key, typename Value, typename Hash>
class LruCache {
 public:
  using Shared = std::shared_ptr<const Value>;

  explicit LruCache(std::size_t capacity) : capacity_(capacity) {}

  // Nothing when the key is not there.
  Shared find(const Key& key) {
    std::lock_guard lock(mutex_);
    return find_locked(key);
  }

  // A key that is there already keeps its value. A value that costs more than the capacity is not kept.
  void add(const Key& key, Shared value, std::size_t cost) {
    std::lock_guard lock(mutex_);
    add_locked(key, std::move(value), cost);
  }

  // What is there, or what `make` returns: a value and its cost. Whoever asks for the same key meanwhile
  // waits for it; those for whom nothing is there then, for it threw or was not kept, make it for themselves.
  // `make` does not ask this cache.
  template <typename Make>
  Shared get(const Key& key, const Make& make) {
    std::unique_lock lock(mutex_);
    if (Shared value = find_locked(key)) return value;
    if (!being_made_.insert(key).second) {
      made_.wait(lock, [&] { return !being_made_.contains(key); });
      if (Shared value = find_locked(key)) return value;
      lock.unlock();
      return make().first;
    }
    const Making making{*this, lock, key};
    lock.unlock();
    std::pair<Shared, std::size_t> value = make();
    lock.lock();
    add_locked(key, value.first, value.second);
    return std::move(value.first);
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
    Shared value;
    std::size_t cost = 0;
  };
  struct Making {
    ~Making() {
      if (!lock.owns_lock()) lock.lock();
      cache.being_made_.erase(key);
      cache.made_.notify_all();
    }
    LruCache& cache;
    std::unique_lock<std::mutex>& lock;
    const Key& key;
  };

  Shared find_locked(const Key& key) {
    const auto found = by_key_.find(key);
    if (found == by_key_.end()) return nullptr;
    entries_.splice(entries_.begin(), entries_, found->second);
    return found->second->value;
  }

  void add_locked(const Key& key, Shared value, std::size_t cost) {
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

  const std::size_t capacity_;
  std::mutex mutex_;          // of what follows
  std::list<Entry> entries_;  // most recently used first
  std::unordered_map<Key, typename std::list<Entry>::iterator, Hash> by_key_;
  std::size_t used_ = 0;
  std::unordered_set<Key, Hash> being_made_;
  std::condition_variable made_;
};

}  // namespace garner::store
