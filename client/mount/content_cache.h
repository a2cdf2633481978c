// Blocks of files' contents, as they were asked for or will be: what several want is asked for once, and what
// was not used for longest goes when there is no room. Any thread.
#pragma once

#include <compare>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>

namespace garner::client::mount {

class ContentCache {
 public:
  struct Key {
    std::uint64_t file = 0;   // a node's id
    std::uint64_t block = 0;  // its number
    auto operator<=>(const Key&) const = default;
  };
  using Content = std::shared_ptr<const std::string>;
  using Fetch = std::function<std::string()>;

  // `capacity`: in blocks; one that is being fetched counts for nothing yet.
  explicit ContentCache(std::size_t capacity) : capacity_(capacity) {}

  // The block: from here, or as this or another caller fetches it. Throws what this caller's `fetch` throws;
  // when another's has failed, this caller's is tried. Null where `stop` ended the wait for another's.
  Content get(const Key& key, const Fetch& fetch, std::stop_token stop);
  // Unless it is here, or somebody fetches it. Throws what `fetch` throws.
  void fetch_ahead(const Key& key, const Fetch& fetch);

 private:
  struct Block {
    Content content;                    // null while it is being fetched
    std::list<Key>::iterator position;  // in used_, once it has content
  };

  // Called with the lock, which it lets go meanwhile; the key is not in blocks_.
  Content fetch_here(std::unique_lock<std::mutex>& lock, const Key& key, const Fetch& fetch);

  const std::size_t capacity_;
  std::mutex mutex_;  // of what follows
  std::map<Key, Block> blocks_;
  std::list<Key> used_;  // those with content, the last used first
  std::condition_variable_any fetched_;
};

}  // namespace garner::client::mount
