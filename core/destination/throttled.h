// A destination in front of another that holds back what is written and read, so that no more bytes go by
// than a limit allows. Every byte of an object counts, and those of files that are filled in its staging
// folder; listings and questions for a size do not.
//
// A run waits, on the thread that calls, and no longer than it goes on (StopScope). Whoever is no run,
// somebody who lists a folder for instance, is not held back: runs make up for it. A limit that is changed
// holds at once, also for those who wait.
#pragma once

#include <memory>
#include <mutex>
#include <string>

#include "base/rate_limiter.h"
#include "destination/destination.h"

namespace garner::destination {

// What all who use one destination share. Any thread.
struct Limits {
  explicit Limits(const Clock& clock) : upload(clock), download(clock) {}
  // Bytes that are about to be written, that were or are about to be read. A run waits here.
  void pay_upload(std::uint64_t bytes);
  void pay_download(std::uint64_t bytes);

  RateLimiter upload;
  RateLimiter download;
};

class ThrottledDestination final : public Destination {
 public:
  ThrottledDestination(std::shared_ptr<Destination> inner, std::shared_ptr<Limits> limits);

  std::string describe() const override { return inner_->describe(); }
  void put(const std::string& key, ByteView data) override;
  bool put_exclusive(const std::string& key, ByteView data) override;
  // What was written into the staging folder was paid for by staged().
  void put_file(const std::string& key, const std::string& path) override;
  bool can_go_on(const std::string& key, const std::string& path) override {
    return inner_->can_go_on(key, path);
  }
  std::optional<std::string> staging_folder() override;
  void staged(std::uint64_t bytes) override;
  Bytes get(const std::string& key, std::uint64_t offset, std::uint64_t length) override;
  void get_into(const std::string& key, std::uint64_t offset, MutableByteView memory) override;
  Bytes get_all(const std::string& key, std::uint64_t limit) override;
  std::uint64_t read_gap() const override { return inner_->read_gap(); }
  std::optional<std::uint64_t> size(const std::string& key) override { return inner_->size(key); }
  std::vector<ObjectInfo> list(const std::string& prefix, const std::string& start_after = {}) override {
    return inner_->list(prefix, start_after);
  }
  bool is_empty() override { return inner_->is_empty(); }
  void make_durable(const std::string& key) override { inner_->make_durable(key); }
  void remove(const std::string& key) override { inner_->remove(key); }
  void remove_all(const std::vector<std::string>& keys) override { inner_->remove_all(keys); }
  std::optional<Space> space() override { return inner_->space(); }

 private:
  const std::shared_ptr<Destination> inner_;
  const std::shared_ptr<Limits> limits_;
};

}  // namespace garner::destination
