#include "browse/preview.h"

#include <algorithm>
#include <array>
#include <cstdio>

#include "text.h"

namespace garner::client::browse {
namespace {

constexpr std::size_t kTab = 8;
constexpr std::size_t kHexBytes = 16;    // a line
constexpr std::size_t kMostHex = 4096;   // bytes
constexpr std::size_t kLongestCode = 4;  // of a character, in bytes

// The most that begins a character and does not end it is left out: the file goes on there.
std::string_view without_torn_end(std::string_view text) {
  for (std::size_t torn = 1; torn < kLongestCode && torn <= text.size(); ++torn) {
    const auto byte = static_cast<unsigned char>(text[text.size() - torn]);
    if ((byte & 0xC0) == 0x80) continue;
    const std::size_t length = byte >= 0xF0 ? 4 : byte >= 0xE0 ? 3 : byte >= 0xC0 ? 2 : 1;
    return length > torn ? text.substr(0, text.size() - torn) : text;
  }
  return text;
}

// As text has them: what is not UTF-8 may be of an older encoding, but is not most of it.
bool looks_like_text(std::string_view content) {
  const auto strange = std::count_if(content.begin(), content.end(), [](char c) {
    return (c >= 0 && c < 0x20 && c != '\n' && c != '\t' && c != '\r' && c != '\f' && c != '\x1b') ||
           c == 0x7F;
  });
  if (content.find('\0') != std::string_view::npos) return false;
  if (is_utf8(content)) return static_cast<std::size_t>(strange) * 10 <= content.size();
  const auto high = std::count_if(content.begin(), content.end(), [](char c) { return (c & 0x80) != 0; });
  return static_cast<std::size_t>(strange + high) * 5 <= content.size();
}

std::string with_blanks(std::string_view line) {
  std::string text;
  std::size_t column = 0;
  while (!line.empty()) {
    const std::string part = printable(line.substr(0, line.find('\t')));
    text += part;
    column += display_width(part);
    line.remove_prefix(std::min(line.find('\t'), line.size()));
    if (line.empty()) break;
    const std::size_t blanks = kTab - column % kTab;
    text.append(blanks, ' ');
    column += blanks;
    line.remove_prefix(1);
  }
  return text;
}

std::string hex_line(std::string_view content, std::size_t offset) {
  std::array<char, 20> part{};
  std::snprintf(part.data(), part.size(), "%06zx ", offset);
  std::string line = part.data();
  std::string letters;
  for (std::size_t i = 0; i < kHexBytes; ++i) {
    if (i == kHexBytes / 2) line += ' ';
    if (offset + i >= content.size()) {
      line += "   ";
      continue;
    }
    const auto byte = static_cast<unsigned char>(content[offset + i]);
    std::snprintf(part.data(), part.size(), " %02x", static_cast<unsigned>(byte));
    line += part.data();
    letters += byte >= 0x20 && byte < 0x7F ? static_cast<char>(byte) : '.';
  }
  return line + "  " + letters;
}

}  // namespace

Preview::Preview(std::string_view content, bool is_all) {
  const std::string_view text = is_all ? content : without_torn_end(content);
  is_text_ = looks_like_text(text);
  std::size_t shown = is_text_ ? text.size() : std::min(content.size(), kMostHex);
  if (is_text_) {
    for (std::size_t begin = 0; begin < text.size();) {
      std::size_t end = std::min(text.find('\n', begin), text.size());
      const std::size_t next = end + 1;
      if (end > begin && end < text.size() && text[end - 1] == '\r') --end;
      lines_.push_back(with_blanks(text.substr(begin, end - begin)));
      begin = next;
    }
  } else {
    lines_.push_back("This is no text. Its first bytes:");
    lines_.emplace_back();
    for (std::size_t offset = 0; offset < shown; offset += kHexBytes)
      lines_.push_back(hex_line(content.substr(0, shown), offset));
  }
  if (content.empty()) lines_.push_back("(empty)");
  if (!is_all || shown < text.size()) {
    lines_.emplace_back();
    lines_.push_back("(the first " + human_bytes(shown) + " of it)");
  }
}

std::vector<std::string> Preview::lines(std::size_t width) const {
  std::vector<std::string> fitted;
  for (const std::string& line : lines_) {
    std::string_view rest = line;
    do {
      const std::string part = cut_end(rest, width, "");
      rest.remove_prefix(part.size());
      fitted.push_back(part);
    } while (!rest.empty());
  }
  return fitted;
}

}  // namespace garner::client::browse
