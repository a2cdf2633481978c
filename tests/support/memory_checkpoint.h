// A checkpoint store in memory that outlives "processes" of a test, and can cut one off at its n-th save.
// Any thread.
#pragma once

#include <algorithm>
#include <map>
#include <mutex>
#include <stdexcept>
#include <string>
#include <tuple>

#include "backup/checkpoint.h"

namespace garner::testing {

// What a test throws where a process would have died.
struct PowerCut : std::runtime_error {
  PowerCut() : std::runtime_error("the test cut the power") {}
};

class MemoryCheckpoint final : public backup::CheckpointStore {
 public:
  // Cuts off when so many more saves have been asked for: before, or after, the last of them takes effect.
  int cut_before_save = 0;
  int cut_after_save = 0;
  int saves = 0;

  std::optional<backup::CheckpointHead> load() override {
    std::lock_guard lock(mutex_);
    return head_;
  }
  void begin(TimePoint scan_start, const std::vector<backup::TargetBegin>& targets) override {
    std::lock_guard lock(mutex_);
    clear();
    head_.emplace();
    head_->scan_start = scan_start;
    for (const backup::TargetBegin& target : targets)
      head_->targets.push_back({target.number, false, {}, target.base_snapshots, {}, {}, target.generation});
  }
  void save(const backup::CheckpointDelta& delta) override {
    std::lock_guard lock(mutex_);
    if (cut_before_save > 0 && --cut_before_save == 0) throw PowerCut();
    ++saves;
    for (const auto& pack : delta.packs) add(pack);
    for (const backup::TargetDelta& target : delta.targets) change(target);
    for (const Uuid& id : delta.released_packs) {
      std::erase_if(head_->packs, [&](const auto& known) { return known.id == id; });
    }
    for (const auto& file : delta.in_progress) in_progress_[key(file.place)] = file;
    for (const auto& file : delta.files) {
      files_[key(file.place)] = file;
      in_progress_.erase(key(file.place));
    }
    for (const auto& folder : delta.folders) {
      const backup::Place& place = folder.place;
      const bool is_root = place.folder.empty() && place.name.empty();
      const std::string path = place.folder.empty() ? place.name : place.folder + "/" + place.name;
      auto below = [&](const auto& entry) {
        const auto& [source, inside, name] = entry.first;
        return source == place.source && (is_root || inside == path || inside.starts_with(path + "/"));
      };
      std::erase_if(files_, below);
      std::erase_if(folders_, below);
      std::erase_if(in_progress_, below);
      folders_[key(place)] = folder;
    }
    head_->counters = delta.counters;
    if (delta.snapshot) head_->snapshot = delta.snapshot;
    if (cut_after_save > 0 && --cut_after_save == 0) throw PowerCut();
  }
  void forget() override {
    std::lock_guard lock(mutex_);
    clear();
  }
  std::vector<backup::FinishedFile> files_in(std::uint32_t source, const std::string& folder) override {
    std::lock_guard lock(mutex_);
    return values_in(files_, source, folder);
  }
  std::vector<backup::FinishedFolder> folders_in(std::uint32_t source, const std::string& folder) override {
    std::lock_guard lock(mutex_);
    auto found = values_in(folders_, source, folder);
    std::erase_if(found, [](const auto& entry) { return entry.place.name.empty(); });
    return found;
  }
  std::optional<backup::FileInProgress> in_progress(const backup::Place& place) override {
    std::lock_guard lock(mutex_);
    const auto found = in_progress_.find(key(place));
    return found == in_progress_.end() ? std::nullopt : std::optional(found->second);
  }
  std::optional<backup::FinishedFolder> root(std::uint32_t source) override {
    std::lock_guard lock(mutex_);
    const auto found = folders_.find({source, "", ""});
    return found == folders_.end() ? std::nullopt : std::optional(found->second);
  }

 private:
  using Key = std::tuple<std::uint32_t, std::string, std::string>;
  static Key key(const backup::Place& place) { return {place.source, place.folder, place.name}; }
  template <typename Map>
  static std::vector<typename Map::mapped_type> values_in(const Map& map, std::uint32_t source,
                                                          const std::string& folder) {
    std::vector<typename Map::mapped_type> found;
    for (const auto& [where, value] : map) {
      if (std::get<0>(where) == source && std::get<1>(where) == folder) found.push_back(value);
    }
    return found;
  }
  void clear() {
    head_.reset();
    files_.clear();
    folders_.clear();
    in_progress_.clear();
  }
  void add(const store::DurablePack& pack) {
    for (auto& known : head_->packs) {
      if (known.id != pack.id) continue;
      known.frames.insert(known.frames.end(), pack.frames.begin(), pack.frames.end());
      if (pack.size) known.size = pack.size;
      if (!pack.deliveries.empty()) known.deliveries = pack.deliveries;
      return;
    }
    head_->packs.push_back(pack);
  }
  void change(const backup::TargetDelta& delta) {
    for (backup::TargetHead& target : head_->targets) {
      if (target.number != delta.number) continue;
      target.left = delta.left;
      target.message = delta.message;
      target.names.insert(delta.names.begin(), delta.names.end());
      target.counters = delta.counters;
    }
    for (store::DurablePack& pack : head_->packs) {
      if (std::ranges::find(delta.committed_packs, pack.id) == delta.committed_packs.end()) continue;
      for (store::PackDelivery& delivery : pack.deliveries)
        delivery.is_committed = delivery.is_committed || delivery.target == delta.number;
    }
  }

  std::mutex mutex_;
  std::optional<backup::CheckpointHead> head_;
  std::map<Key, backup::FinishedFile> files_;
  std::map<Key, backup::FinishedFolder> folders_;
  std::map<Key, backup::FileInProgress> in_progress_;
};

}  // namespace garner::testing
