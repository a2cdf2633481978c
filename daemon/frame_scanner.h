// Where the frames of an HTTP/2 connection begin, in one direction, and of which streams they are: RFC 9113,
// section 4.1. What is in them is passed over.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace garner::daemon {

struct FrameHead {
  static constexpr std::uint8_t kData = 0, kHeaders = 1, kResetStream = 3;
  static constexpr std::uint8_t kEndStream = 1;  // of the flags of data and headers

  std::uint8_t type = 0;
  std::uint8_t flags = 0;
  std::uint32_t stream = 0;
};

class FrameScanner {
 public:
  static constexpr std::size_t kPreface = 24;  // bytes with which a client begins

  // `before`: bytes before the first frame.
  explicit FrameScanner(std::size_t before) : rest_(before) {}

  // `take` is given the head of each frame that is complete with these bytes, whatever pieces they come in.
  template <typename Take>
  void feed(std::string_view bytes, const Take& take) {
    while (!bytes.empty()) {
      if (rest_ > 0) {
        const std::size_t passed = bytes.size() < rest_ ? bytes.size() : rest_;
        bytes.remove_prefix(passed);
        rest_ -= passed;
        continue;
      }
      head_[filled_++] = static_cast<std::uint8_t>(bytes.front());
      bytes.remove_prefix(1);
      if (filled_ < head_.size()) continue;
      filled_ = 0;
      rest_ = static_cast<std::size_t>(head_[0]) << 16 | static_cast<std::size_t>(head_[1]) << 8 | head_[2];
      const std::uint32_t stream = static_cast<std::uint32_t>(head_[5]) << 24 |
                                   static_cast<std::uint32_t>(head_[6]) << 16 |
                                   static_cast<std::uint32_t>(head_[7]) << 8 | head_[8];
      take(FrameHead{head_[3], head_[4], stream & 0x7fffffff});
    }
  }

 private:
  std::array<std::uint8_t, 9> head_{};
  std::size_t filled_ = 0;  // of it
  std::size_t rest_;        // to be passed over
};

}  // namespace garner::daemon
