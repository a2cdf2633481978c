// A destination in front of another that notes what is read, and can fail from some change on, as one does
// whose machine loses power.
#pragma once

#include <functional>
#include <limits>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "destination/destination.h"

namespace garner::testing {

// Any thread.
class RecordingDestination final : public destination::Destination {
 public:
  explicit RecordingDestination(std::shared_ptr<destination::Destination> inner) : inner_(std::move(inner)) {}

  // So many changes succeed from now on; then every one fails.
  void fail_after(std::size_t changes) {
    std::lock_guard lock(mutex_);
    left_ = changes;
  }
  void never_fail() { fail_after(std::numeric_limits<std::size_t>::max()); }
  std::set<std::string> read_keys() const {
    std::lock_guard lock(mutex_);
    return read_;
  }
  void forget_reads() {
    std::lock_guard lock(mutex_);
    read_.clear();
  }

  // Called once, before a listing of that prefix, with nothing held.
  void before_list(const std::string& prefix, std::function<void()> hook) {
    hooked_prefix_ = prefix;
    hook_ = std::move(hook);
  }

  std::string describe() const override { return inner_->describe(); }
  void put(const std::string& key, ByteView data) override {
    count();
    inner_->put(key, data);
  }
  bool put_exclusive(const std::string& key, ByteView data) override {
    count();
    return inner_->put_exclusive(key, data);
  }
  void put_file(const std::string& key, const std::string& path) override {
    count();
    inner_->put_file(key, path);
  }
  std::optional<std::string> staging_folder() override { return inner_->staging_folder(); }
  Bytes get(const std::string& key, std::uint64_t offset, std::uint64_t length) override {
    note(key);
    return inner_->get(key, offset, length);
  }
  Bytes get_all(const std::string& key, std::uint64_t limit) override {
    note(key);
    return inner_->get_all(key, limit);
  }
  std::optional<std::uint64_t> size(const std::string& key) override { return inner_->size(key); }
  std::vector<destination::ObjectInfo> list(const std::string& prefix,
                                            const std::string& start_after) override {
    if (hook_ && prefix == hooked_prefix_) std::exchange(hook_, nullptr)();
    return inner_->list(prefix, start_after);
  }
  void make_durable(const std::string& key) override { inner_->make_durable(key); }
  void remove(const std::string& key) override {
    count();
    inner_->remove(key);
  }
  // One by one, so that a failure may come between any two.
  void remove_all(const std::vector<std::string>& keys) override {
    for (const std::string& key : keys) remove(key);
  }
  std::optional<destination::Space> space() override { return inner_->space(); }

 private:
  void note(const std::string& key) {
    std::lock_guard lock(mutex_);
    read_.insert(key);
  }
  void count() {
    std::lock_guard lock(mutex_);
    if (left_ == 0) throw Error(ErrorKind::kWriteFailed, "the machine lost its power");
    --left_;
  }

  std::shared_ptr<destination::Destination> inner_;
  mutable std::mutex mutex_;
  std::size_t left_ = std::numeric_limits<std::size_t>::max();
  std::set<std::string> read_;
  std::string hooked_prefix_;
  std::function<void()> hook_;
};

}  // namespace garner::testing
