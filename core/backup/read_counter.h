// Counts the bytes read from the source over a run's whole life, also those read after the last checkpoint by
// a process that was killed: the number lives in a mapped file. (Only for people; a power cut may set it back
// a little.)
#pragma once

#include <atomic>
#include <cstdint>
#include <string>

namespace garner::backup {

// Any thread may add.
class ReadCounter {
 public:
  // Opens or creates `file`, and never counts less than `at_least`. An empty path counts in memory.
  ReadCounter(const std::string& file, std::uint64_t at_least);
  ~ReadCounter();
  ReadCounter(const ReadCounter&) = delete;
  ReadCounter& operator=(const ReadCounter&) = delete;

  void add(std::uint64_t bytes) { std::atomic_ref(*value_).fetch_add(bytes, std::memory_order_relaxed); }
  std::uint64_t value() const { return std::atomic_ref(*value_).load(std::memory_order_relaxed); }

 private:
  std::uint64_t in_memory_ = 0;
  std::uint64_t* value_ = &in_memory_;
};

}  // namespace garner::backup
