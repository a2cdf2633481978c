// What threads of one run work with, a piece for each that is at work at a time.
#pragma once

#include <memory>
#include <mutex>
#include <utility>
#include <vector>

namespace garner::backup {

// Any thread, but for add().
template <typename Lane>
class LanePool {
 public:
  // Before anybody uses one.
  void add(std::unique_ptr<Lane> lane) { lanes_.push_back(std::move(lane)); }

  // One that is nobody else's meanwhile. No more of them at a time than were added.
  class Use {
   public:
    explicit Use(LanePool& pool) : pool_(pool), lane_(pool.take()) {}
    ~Use() { pool_.give_back(std::move(lane_)); }
    Use(const Use&) = delete;
    Use& operator=(const Use&) = delete;
    Lane& operator*() const { return *lane_; }

   private:
    LanePool& pool_;
    std::unique_ptr<Lane> lane_;
  };

 private:
  std::unique_ptr<Lane> take() {
    const std::lock_guard lock(mutex_);
    std::unique_ptr<Lane> lane = std::move(lanes_.back());
    lanes_.pop_back();
    return lane;
  }
  void give_back(std::unique_ptr<Lane> lane) {
    const std::lock_guard lock(mutex_);
    lanes_.push_back(std::move(lane));
  }

  std::mutex mutex_;
  std::vector<std::unique_ptr<Lane>> lanes_;
};

}  // namespace garner::backup
