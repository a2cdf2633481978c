// A destination in front of another, where a test may step in before and after an operation.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <utility>

#include "base/error.h"
#include "destination/destination.h"

namespace garner::testing {

class HookedDestination final : public destination::Destination {
 public:
  explicit HookedDestination(std::shared_ptr<destination::Destination> inner) : inner_(std::move(inner)) {}

  // Called once each, with the key; taken away before they run, so that they may use the destination.
  std::function<void(const std::string&)> before_put_exclusive;
  // What put_exclusive answers instead of its result, which it is given.
  std::function<bool(bool)> answer_put_exclusive;
  // Called every time, from any thread.
  std::function<void()> before_staging_folder;
  std::function<bool(const std::string& key, const std::string& path)> answer_can_go_on;
  std::function<void(const std::string& key)> before_put_file;
  std::function<void(const std::string& key)> before_get;
  std::function<void(const std::string& key)> before_make_durable;
  // As one on a server, for which packs are made in a spool.
  bool has_staging_folder = true;
  // Nothing can be had of it. Any thread.
  std::atomic<bool> is_away = false;

  std::string describe() const override { return inner_->describe(); }
  void put(const std::string& key, ByteView data) override {
    check();
    inner_->put(key, data);
  }
  bool put_exclusive(const std::string& key, ByteView data) override {
    check();
    if (auto hook = std::exchange(before_put_exclusive, nullptr)) hook(key);
    const bool created = inner_->put_exclusive(key, data);
    if (auto hook = std::exchange(answer_put_exclusive, nullptr)) return hook(created);
    return created;
  }
  void put_file(const std::string& key, const std::string& path) override {
    check();
    if (before_put_file) before_put_file(key);
    check();
    inner_->put_file(key, path);
  }
  bool can_go_on(const std::string& key, const std::string& path) override {
    return answer_can_go_on ? answer_can_go_on(key, path) : inner_->can_go_on(key, path);
  }
  std::optional<std::string> staging_folder() override {
    check();
    if (before_staging_folder) before_staging_folder();
    return has_staging_folder ? inner_->staging_folder() : std::nullopt;
  }
  Bytes get(const std::string& key, std::uint64_t offset, std::uint64_t length) override {
    check();
    if (before_get) before_get(key);
    return inner_->get(key, offset, length);
  }
  Bytes get_all(const std::string& key, std::uint64_t limit) override {
    check();
    note(gets, key);
    return inner_->get_all(key, limit);
  }
  std::optional<std::uint64_t> size(const std::string& key) override {
    check();
    return inner_->size(key);
  }
  std::vector<destination::ObjectInfo> list(const std::string& prefix,
                                            const std::string& start_after) override {
    check();
    note(lists, prefix);
    return inner_->list(prefix, start_after);
  }
  void make_durable(const std::string& key) override {
    if (before_make_durable) before_make_durable(key);
    inner_->make_durable(key);
  }
  void remove(const std::string& key) override { inner_->remove(key); }
  std::optional<destination::Space> space() override { return inner_->space(); }

  // What was asked for. To be looked at while nobody asks.
  std::vector<std::string> gets;   // whole objects
  std::vector<std::string> lists;  // prefixes

 private:
  void check() const {
    if (is_away) throw Error(ErrorKind::kDestinationAway, "it is not there");
  }

  void note(std::vector<std::string>& notes, const std::string& what) {
    std::lock_guard lock(mutex_);
    notes.push_back(what);
  }

  std::shared_ptr<destination::Destination> inner_;
  std::mutex mutex_;
};

}  // namespace garner::testing
