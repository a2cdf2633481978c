// A destination in front of another that hands everything on: for those that step in somewhere.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "destination/destination.h"

namespace garner::testing {

class PassingDestination : public destination::Destination {
 public:
  explicit PassingDestination(std::shared_ptr<destination::Destination> inner) : inner_(std::move(inner)) {}

  std::string describe() const override { return inner_->describe(); }
  void put(const std::string& key, ByteView data) override { inner_->put(key, data); }
  bool put_exclusive(const std::string& key, ByteView data) override {
    return inner_->put_exclusive(key, data);
  }
  void put_file(const std::string& key, const std::string& path) override { inner_->put_file(key, path); }
  std::optional<std::string> staging_folder() override { return inner_->staging_folder(); }
  Bytes get(const std::string& key, std::uint64_t offset, std::uint64_t length) override {
    return inner_->get(key, offset, length);
  }
  Bytes get_all(const std::string& key, std::uint64_t limit) override { return inner_->get_all(key, limit); }
  std::optional<std::uint64_t> size(const std::string& key) override { return inner_->size(key); }
  std::vector<destination::ObjectInfo> list(const std::string& prefix,
                                            const std::string& start_after) override {
    return inner_->list(prefix, start_after);
  }
  void remove(const std::string& key) override { inner_->remove(key); }
  std::optional<destination::Space> space() override { return inner_->space(); }

 protected:
  const std::shared_ptr<destination::Destination> inner_;
};

}  // namespace garner::testing
