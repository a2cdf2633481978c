// Where one is in a list of rows of which a window is seen. A value.
#pragma once

#include <algorithm>
#include <cstddef>

namespace garner::client::browse {

class Cursor {
 public:
  std::size_t at() const { return at_; }    // 0 where there is no row
  std::size_t top() const { return top_; }  // the first row that is seen
  std::size_t height() const { return height_; }

  void go_to(std::size_t row) { at_ = row; }
  void move(std::ptrdiff_t by) {
    const auto back = static_cast<std::size_t>(by < 0 ? -by : 0);
    at_ = by < 0 ? at_ - std::min(at_, back) : at_ + static_cast<std::size_t>(by);
  }
  // Keeps it in a list of `count` rows, and in a window of `height`, which moves no more than it must.
  void fit(std::size_t count, std::size_t height) {
    height_ = height;
    at_ = count == 0 ? 0 : std::min(at_, count - 1);
    top_ = std::min({top_, at_, count - std::min(count, height)});
    if (at_ >= top_ + height) top_ = at_ + 1 - height;
  }

 private:
  std::size_t at_ = 0;
  std::size_t top_ = 0;
  std::size_t height_ = 1;
};

}  // namespace garner::client::browse
