// Whether a file is read from front to back, as far as one can tell from what is asked for. Any thread.
#pragma once

#include <cstdint>
#include <mutex>

namespace garner::client::mount {

class ReadingOrder {
 public:
  // So much is read in order before what comes next is worth asking for: who looks at a file's head wants no
  // more of it.
  static constexpr std::uint64_t kEnough = 256u << 10;
  // The kernel asks for several pieces at once, and any of them may come first.
  static constexpr std::uint64_t kNear = 1u << 20;

  // True when this piece, and enough before it, is near the end of what came before.
  bool note(std::uint64_t offset, std::uint64_t length);

 private:
  std::mutex mutex_;  // of what follows
  std::uint64_t end_ = 0;
  std::uint64_t in_order_ = 0;  // bytes
};

}  // namespace garner::client::mount
