// A destination in front of another that can be changed for a third while it is used: a place whose options
// were edited. What is under way goes on with the one that it began with.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "destination/destination.h"

namespace garner::destination {

class ReplaceableDestination final : public Destination {
 public:
  explicit ReplaceableDestination(std::shared_ptr<Destination> inner) : inner_(std::move(inner)) {}

  void replace(std::shared_ptr<Destination> inner);

  std::string describe() const override { return now()->describe(); }
  void put(const std::string& key, ByteView data) override { now()->put(key, data); }
  bool put_exclusive(const std::string& key, ByteView data) override {
    return now()->put_exclusive(key, data);
  }
  void put_file(const std::string& key, const std::string& path) override { now()->put_file(key, path); }
  bool can_go_on(const std::string& key, const std::string& path) override {
    return now()->can_go_on(key, path);
  }
  std::optional<std::string> staging_folder() override { return now()->staging_folder(); }
  void staged(std::uint64_t bytes) override { now()->staged(bytes); }
  Bytes get(const std::string& key, std::uint64_t offset, std::uint64_t length) override {
    return now()->get(key, offset, length);
  }
  void get_into(const std::string& key, std::uint64_t offset, MutableByteView memory) override {
    now()->get_into(key, offset, memory);
  }
  Bytes get_all(const std::string& key, std::uint64_t limit) override { return now()->get_all(key, limit); }
  std::uint64_t read_gap() const override { return now()->read_gap(); }
  std::optional<std::uint64_t> size(const std::string& key) override { return now()->size(key); }
  std::vector<ObjectInfo> list(const std::string& prefix, const std::string& start_after = {}) override {
    return now()->list(prefix, start_after);
  }
  bool is_empty() override { return now()->is_empty(); }
  void make_durable(const std::string& key) override { now()->make_durable(key); }
  void remove(const std::string& key) override { now()->remove(key); }
  void remove_all(const std::vector<std::string>& keys) override { now()->remove_all(keys); }
  std::optional<Space> space() override { return now()->space(); }

 private:
  std::shared_ptr<Destination> now() const;

  mutable std::mutex mutex_;
  std::shared_ptr<Destination> inner_;
};

}  // namespace garner::destination
