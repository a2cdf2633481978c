#include "restore/hard_links.h"

namespace garner::restore {
namespace {

// The finalizer of SplitMix64 (Steele, Lea, Flood, "Fast splittable pseudorandom number generators", 2014).
std::uint64_t mix(std::uint64_t bits) {
  bits = (bits ^ (bits >> 30)) * 0xbf58476d1ce4e5b9u;
  bits = (bits ^ (bits >> 27)) * 0x94d049bb133111ebu;
  return bits ^ (bits >> 31);
}

}  // namespace

HardLinks::Key HardLinks::key_of(std::uint32_t source, const v1::Node& node) {
  std::uint64_t state = mix(static_cast<std::uint64_t>(node.type()));
  state = mix(state ^ node.size());
  state = mix(state ^ static_cast<std::uint64_t>(node.mtime().seconds()));
  state = mix(state ^ static_cast<std::uint64_t>(node.mtime().nanos()));
  return {source, node.mount(), node.inode(), state};
}

std::size_t HardLinks::KeyHash::operator()(const Key& key) const noexcept {
  return static_cast<std::size_t>(
      mix(key.inode ^ (std::uint64_t{key.source} << 48) ^ (std::uint64_t{key.mount} << 32) ^ key.state));
}

void HardLinks::remember(std::uint32_t source, const v1::Node& node,
                         const std::shared_ptr<TargetFolder>& folder, const struct stat& status) {
  std::lock_guard lock(mutex_);
  if (folders_.empty() || folders_.back() != folder) folders_.push_back(folder);
  Entry entry;
  entry.device = status.st_dev;
  entry.inode = status.st_ino;
  entry.name = names_.size();
  entry.folder = static_cast<std::uint32_t>(folders_.size() - 1);
  entry.remaining = node.links() - 1;
  names_ += node.name();
  names_ += '\0';
  entries_.insert_or_assign(key_of(source, node), entry);
}

std::optional<FirstName> HardLinks::find(std::uint32_t source, const v1::Node& node) {
  std::lock_guard lock(mutex_);
  const auto found = entries_.find(key_of(source, node));
  if (found == entries_.end()) return std::nullopt;
  Entry& entry = found->second;
  FirstName first{folders_[entry.folder], names_.c_str() + entry.name, entry.device, entry.inode,
                  entry.failed};
  if (--entry.remaining == 0) entries_.erase(found);
  if (entries_.empty()) {
    // Names and folders are given back as soon as no file waits for more of its names.
    names_.clear();
    folders_.clear();
  }
  return first;
}

void HardLinks::fail(std::uint32_t source, const v1::Node& node) {
  std::lock_guard lock(mutex_);
  const auto found = entries_.find(key_of(source, node));
  if (found != entries_.end()) found->second.failed = true;
}

}  // namespace garner::restore
