// The output of a command as lines.
#pragma once

#include <deque>
#include <functional>
#include <string>
#include <string_view>

#include "base/bytes.h"

namespace garner::command {

// A line that is longer is told in parts.
inline constexpr std::size_t kLongestLine = 4096;

// Bytes, without the line's end.
using LineSink = std::function<void(std::string_view line)>;

// Cuts what comes, in parts of any size, into lines. One thread.
class LineSplitter {
 public:
  explicit LineSplitter(LineSink sink) : sink_(std::move(sink)) {}
  void add(ByteView data);
  // What is left is a line, too.
  void finish();

 private:
  void tell(std::string_view line);

  LineSink sink_;
  std::string rest_;  // of a line whose end has not come
};

// The last few lines, for a message. One thread.
class LastLines {
 public:
  void add(std::string_view line);
  // Printable, oldest first, on one line; empty when there was no output.
  std::string text() const;

 private:
  std::deque<std::string> lines_;
};

}  // namespace garner::command
