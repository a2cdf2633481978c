// A destination in front of another that counts what it is asked for, by kind of call and the folder that it
// is about, as a store that is paid for each request would. It tells sums of objects like one, if it is to.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "destination/destination.h"

namespace garner::testing {

// Any thread.
class CountingDestination final : public destination::Destination {
 public:
  enum class Sums { kNone, kTold, kOther };  // kOther: of the objects as the place has encrypted them, say

  explicit CountingDestination(std::shared_ptr<destination::Destination> inner, Sums sums = Sums::kTold)
      : inner_(std::move(inner)), sums_(sums) {}

  // What was asked for since the last call: "list log 1, put log 1"; empty for nothing. Folders without their
  // slash, "garner.repo" for the header.
  std::string taken() {
    std::lock_guard lock(mutex_);
    std::string text;
    for (const auto& [what, count] : counts_)
      text += (text.empty() ? "" : ", ") + what + " " + std::to_string(count);
    counts_.clear();
    return text;
  }

  // False for a folder of this machine, where a question takes no time.
  bool asking_costs = true;

  std::string describe() const override { return inner_->describe(); }
  std::uint64_t read_gap() const override { return asking_costs ? 64u << 10 : 0; }
  void put(const std::string& key, ByteView data) override {
    count("put", key);
    inner_->put(key, data);
  }
  bool put_exclusive(const std::string& key, ByteView data) override {
    count("put", key);
    return inner_->put_exclusive(key, data);
  }
  void put_file(const std::string& key, const std::string& path) override {
    count("put", key);
    inner_->put_file(key, path);
  }
  std::optional<std::string> staging_folder() override {
    return asking_costs ? std::nullopt : inner_->staging_folder();
  }
  Bytes get(const std::string& key, std::uint64_t offset, std::uint64_t length) override {
    count("get", key);
    return inner_->get(key, offset, length);
  }
  Bytes get_all(const std::string& key, std::uint64_t limit) override {
    count("get", key);
    return inner_->get_all(key, limit);
  }
  // As in an S3 store: what is asked for is one byte.
  std::optional<std::uint64_t> size(const std::string& key) override {
    count("get", key);
    return inner_->size(key);
  }
  std::vector<destination::ObjectInfo> list(const std::string& prefix,
                                            const std::string& start_after) override {
    count("list", prefix);
    std::vector<destination::ObjectInfo> objects = inner_->list(prefix, start_after);
    if (sums_ == Sums::kNone) return objects;
    for (destination::ObjectInfo& object : objects) {
      object.md5 = destination::md5(inner_->get_all(object.key, object.size));
      if (sums_ == Sums::kOther) ++object.md5->front();
    }
    return objects;
  }
  void remove(const std::string& key) override {
    count("remove", key);
    inner_->remove(key);
  }
  std::optional<destination::Space> space() override { return inner_->space(); }

 private:
  void count(const std::string& call, const std::string& key) {
    std::lock_guard lock(mutex_);
    ++counts_[call + " " + key.substr(0, key.find('/'))];
  }

  const std::shared_ptr<destination::Destination> inner_;
  const Sums sums_;
  std::mutex mutex_;
  std::map<std::string, std::uint64_t> counts_;
};

}  // namespace garner::testing
