// Large pieces of memory, handed on from whoever is done with one to whoever needs the next. A piece that is
// given back to the system instead comes again page by page, each cleared at its first touch: of reading a
// large file out of frames that is a seventh. Any thread.
#pragma once

#include <cstddef>
#include <deque>
#include <mutex>
#include <utility>

#include "base/scratch.h"

namespace garner {

class ScratchPool {
 public:
  // Bytes that lie idle here.
  explicit ScratchPool(std::size_t most) : most_(most) {}

  // With room for so many bytes, and at most half as many again.
  Scratch take(std::size_t size) {
    Scratch memory;
    const std::lock_guard lock(mutex_);
    auto best = idle_.end();
    for (auto one = idle_.begin(); one != idle_.end(); ++one) {
      if (one->capacity() < size || one->capacity() > size + size / 2) continue;
      if (best == idle_.end() || one->capacity() < best->capacity()) best = one;
    }
    if (best == idle_.end()) return memory;
    idle_bytes_ -= best->capacity();
    memory = std::move(*best);
    idle_.erase(best);
    return memory;
  }

  void give_back(Scratch memory) {
    if (memory.capacity() < kSmall || memory.capacity() > most_) return;
    const std::lock_guard lock(mutex_);
    idle_bytes_ += memory.capacity();
    idle_.push_back(std::move(memory));
    for (; idle_bytes_ > most_; idle_.pop_front()) idle_bytes_ -= idle_.front().capacity();
  }

 private:
  static constexpr std::size_t kSmall = 256u << 10;  // what the heap keeps by itself

  const std::size_t most_;
  std::mutex mutex_;
  std::deque<Scratch> idle_;  // longest first
  std::size_t idle_bytes_ = 0;
};

}  // namespace garner
