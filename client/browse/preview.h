// The beginning of a file as lines to read: text with all that could act on a terminal made visible, or, of
// what is no text, its bytes in hexadecimal. A value.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace garner::client::browse {

class Preview {
 public:
  static constexpr std::size_t kMost = 64u << 10;  // bytes that are looked at

  // `content`: at most kMost bytes, and all where the file has no more.
  Preview(std::string_view content, bool is_all);

  bool is_text() const { return is_text_; }
  // At most `width` columns wide, which is 20 at least; longer ones go on in the next. Printable.
  std::vector<std::string> lines(std::size_t width) const;

 private:
  bool is_text_;
  std::vector<std::string> lines_;
};

}  // namespace garner::client::browse
