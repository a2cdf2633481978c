// A destination in front of another, where a test may step in before and after an operation.
#pragma once

#include <functional>
#include <memory>
#include <utility>

#include "destination/destination.h"

namespace garner::testing {

class HookedDestination final : public destination::Destination {
 public:
  explicit HookedDestination(std::shared_ptr<destination::Destination> inner) : inner_(std::move(inner)) {}

  // Called once each, with the key; taken away before they run, so that they may use the destination.
  std::function<void(const std::string&)> before_put_exclusive;
  // What put_exclusive answers instead of its result, which it is given.
  std::function<bool(bool)> answer_put_exclusive;

  std::string describe() const override { return inner_->describe(); }
  void put(const std::string& key, ByteView data) override { inner_->put(key, data); }
  bool put_exclusive(const std::string& key, ByteView data) override {
    if (auto hook = std::exchange(before_put_exclusive, nullptr)) hook(key);
    const bool created = inner_->put_exclusive(key, data);
    if (auto hook = std::exchange(answer_put_exclusive, nullptr)) return hook(created);
    return created;
  }
  void put_file(const std::string& key, const std::string& path) override { inner_->put_file(key, path); }
  std::optional<std::string> staging_folder() override { return inner_->staging_folder(); }
  Bytes get(const std::string& key, std::uint64_t offset, std::uint64_t length) override {
    return inner_->get(key, offset, length);
  }
  Bytes get_all(const std::string& key, std::uint64_t limit) override {
    gets.push_back(key);
    return inner_->get_all(key, limit);
  }
  std::optional<std::uint64_t> size(const std::string& key) override { return inner_->size(key); }
  std::vector<destination::ObjectInfo> list(const std::string& prefix,
                                            const std::string& start_after) override {
    lists.push_back(prefix);
    return inner_->list(prefix, start_after);
  }
  void remove(const std::string& key) override { inner_->remove(key); }
  std::optional<destination::Space> space() override { return inner_->space(); }

  // What was asked for. For one thread at a time.
  std::vector<std::string> gets;   // whole objects
  std::vector<std::string> lists;  // prefixes

 private:
  std::shared_ptr<destination::Destination> inner_;
};

}  // namespace garner::testing
