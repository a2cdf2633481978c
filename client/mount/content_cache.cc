#include "mount/content_cache.h"

#include <utility>

namespace garner::client::mount {

ContentCache::Content ContentCache::get(const Key& key, const Fetch& fetch, std::stop_token stop) {
  std::unique_lock lock(mutex_);
  for (;;) {
    const auto found = blocks_.find(key);
    if (found == blocks_.end()) return fetch_here(lock, key, fetch);
    if (found->second.content) {
      used_.splice(used_.begin(), used_, found->second.position);
      return found->second.content;
    }
    const auto is_over = [&] {
      const auto waited = blocks_.find(key);
      return waited == blocks_.end() || waited->second.content;
    };
    if (!fetched_.wait(lock, stop, is_over)) return nullptr;
  }
}

void ContentCache::fetch_ahead(const Key& key, const Fetch& fetch) {
  std::unique_lock lock(mutex_);
  if (!blocks_.contains(key)) fetch_here(lock, key, fetch);
}

ContentCache::Content ContentCache::fetch_here(std::unique_lock<std::mutex>& lock, const Key& key,
                                               const Fetch& fetch) {
  std::list<Key> use{key};  // what takes memory comes first: nothing may fail once there is content
  const auto place = blocks_.try_emplace(key).first;
  lock.unlock();
  Content content;
  try {
    content = std::make_shared<const std::string>(fetch());
  } catch (...) {
    lock.lock();
    blocks_.erase(place);
    fetched_.notify_all();
    throw;
  }
  lock.lock();
  place->second.content = content;
  place->second.position = use.begin();
  used_.splice(used_.begin(), use);
  if (used_.size() > capacity_) {
    blocks_.erase(used_.back());
    used_.pop_back();
  }
  fetched_.notify_all();
  return content;
}

}  // namespace garner::client::mount
