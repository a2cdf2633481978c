#include "backup/hard_links.h"

namespace garner::backup {

namespace {

constexpr std::size_t kMostFiles = 20'000;

}  // namespace

HardLinks::Claim::~Claim() {
  if (links_ == nullptr) return;
  {
    std::lock_guard lock(links_->mutex_);
    links_->claimed_.erase(key_);
  }
  links_->read_.notify_all();
}

std::optional<v1::Node> HardLinks::find_or_claim(const Key& key, Claim& claim) {
  std::unique_lock lock(mutex_);
  read_.wait(lock, [&] { return !claimed_.contains(key); });
  if (const auto known = nodes_.find(key); known != nodes_.end()) return known->second;
  claimed_.insert(key);
  claim.links_ = this;
  claim.key_ = key;
  return std::nullopt;
}

void HardLinks::add(const Key& key, const v1::Node& node) {
  std::lock_guard lock(mutex_);
  if (nodes_.size() < kMostFiles) nodes_.emplace(key, node);
}

}  // namespace garner::backup
