#include "command/output_lines.h"

#include <algorithm>

namespace garner::command {

namespace {

constexpr std::size_t kLastLines = 3;
constexpr std::size_t kLongestInMessage = 300;  // bytes of a line

}  // namespace

void LineSplitter::tell(std::string_view line) {
  if (line.ends_with('\r')) line.remove_suffix(1);
  sink_(line);
}

void LineSplitter::add(ByteView data) {
  std::string_view text = as_text(data);
  while (!text.empty()) {
    const std::size_t room = kLongestLine - rest_.size();
    const std::size_t end = text.substr(0, room + 1).find('\n');
    if (end == std::string_view::npos && text.size() <= room) {
      rest_.append(text);
      return;
    }
    const std::size_t length = std::min(end, room);
    if (rest_.empty()) {
      tell(text.substr(0, length));
    } else {
      rest_.append(text.substr(0, length));
      tell(rest_);
      rest_.clear();
    }
    text.remove_prefix(end == std::string_view::npos ? length : length + 1);
  }
}

void LineSplitter::finish() {
  if (!rest_.empty()) tell(rest_);
  rest_.clear();
}

void LastLines::add(std::string_view line) {
  if (line.find_first_not_of(" \t") == std::string_view::npos) return;
  if (lines_.size() == kLastLines) lines_.pop_front();
  lines_.emplace_back(line.substr(0, kLongestInMessage));
}

std::string LastLines::text() const {
  std::string text;
  for (const std::string& line : lines_) text += (text.empty() ? "" : " | ") + printable(line);
  return text;
}

}  // namespace garner::command
