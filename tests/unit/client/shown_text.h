// Text as a terminal shows it.
#pragma once

#include <clocale>
#include <string>
#include <vector>

namespace garner::client {

// As main() does it: widths are known in a UTF-8 locale.
inline const bool kLocale = std::setlocale(LC_CTYPE, "C.UTF-8") != nullptr;

// Of a text whose lines are each ended.
inline std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = text.find('\n', at);
    lines.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return lines;
}

}  // namespace garner::client
