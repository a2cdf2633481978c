// A destination in front of another that counts what is asked of it, by the first part of the key, and that a
// test may send away, fill, or hold up.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "base/error.h"
#include "destination/destination.h"

namespace garner::testing {

// Any thread.
class WatchedDestination final : public destination::Destination {
 public:
  explicit WatchedDestination(std::shared_ptr<destination::Destination> inner) : inner_(std::move(inner)) {}

  std::atomic<bool> away = false;  // everything is Error(kDestinationAway)
  // Goes away with so many more reads; 0: does not.
  std::atomic<int> reads_until_away = 0;
  std::atomic<bool> full = false;  // whatever would be stored is Error(kDestinationFull)
  // Called before a file is published, with its key. Set before the destination is used.
  std::function<void(const std::string&)> before_put_file;

  // How often objects below this first part of their keys ("packs", "log", …) were read, listed, stored.
  std::uint64_t reads(const std::string& part) const { return count(reads_, part); }
  std::uint64_t lists(const std::string& part) const { return count(lists_, part); }
  std::uint64_t puts(const std::string& part) const { return count(puts_, part); }
  // Bytes of files that were published.
  std::uint64_t published_bytes() const { return published_bytes_; }
  void forget_counts() {
    std::lock_guard lock(mutex_);
    reads_.clear();
    lists_.clear();
    puts_.clear();
    published_bytes_ = 0;
  }

  std::string describe() const override { return inner_->describe(); }
  void put(const std::string& key, ByteView data) override {
    store(key);
    inner_->put(key, data);
  }
  bool put_exclusive(const std::string& key, ByteView data) override {
    store(key);
    return inner_->put_exclusive(key, data);
  }
  void put_file(const std::string& key, const std::string& path) override {
    if (before_put_file) before_put_file(key);
    store(key);
    inner_->put_file(key, path);
    published_bytes_ += inner_->size(key).value_or(0);
  }
  std::optional<std::string> staging_folder() override { return inner_->staging_folder(); }
  Bytes get(const std::string& key, std::uint64_t offset, std::uint64_t length) override {
    note_read(key);
    return inner_->get(key, offset, length);
  }
  Bytes get_all(const std::string& key, std::uint64_t limit) override {
    note_read(key);
    return inner_->get_all(key, limit);
  }
  std::optional<std::uint64_t> size(const std::string& key) override {
    be_there();
    return inner_->size(key);
  }
  std::vector<destination::ObjectInfo> list(const std::string& prefix,
                                            const std::string& start_after) override {
    note(lists_, prefix);
    return inner_->list(prefix, start_after);
  }
  void remove(const std::string& key) override {
    be_there();
    inner_->remove(key);
  }
  std::optional<destination::Space> space() override {
    be_there();
    return inner_->space();
  }

 private:
  using Counts = std::map<std::string, std::uint64_t>;

  void be_there() const {
    if (away) throw Error(ErrorKind::kDestinationAway, inner_->describe() + " was unplugged by the test");
  }
  void note_read(const std::string& key) {
    if (reads_until_away > 0 && --reads_until_away == 0) away = true;
    note(reads_, key);
  }
  void note(Counts& counts, const std::string& key) {
    be_there();
    std::lock_guard lock(mutex_);
    ++counts[key.substr(0, key.find('/'))];
  }
  void store(const std::string& key) {
    note(puts_, key);
    if (full) throw Error(ErrorKind::kDestinationFull, inner_->describe() + " was filled by the test");
  }
  std::uint64_t count(const Counts& counts, const std::string& part) const {
    std::lock_guard lock(mutex_);
    const auto found = counts.find(part);
    return found == counts.end() ? 0 : found->second;
  }

  const std::shared_ptr<destination::Destination> inner_;
  mutable std::mutex mutex_;
  Counts reads_, lists_, puts_;
  std::atomic<std::uint64_t> published_bytes_ = 0;
};

}  // namespace garner::testing
