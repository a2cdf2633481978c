#include "text.h"

#include <google/protobuf/timestamp.pb.h>
#include <wchar.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <ctime>

namespace garner::client {
namespace {

struct Character {
  std::size_t length = 1;  // bytes
  bool valid = false;      // well-formed UTF-8
  char32_t code = 0;
};

// Refuses what UTF-8 forbids: overlong forms, surrogates, and what lies beyond U+10FFFF.
Character decode(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte(0);
  if (first < 0x80) return {1, true, first};
  std::size_t length = 0;
  char32_t code = 0;
  char32_t least = 0;
  if ((first & 0xE0) == 0xC0) {
    length = 2, code = first & 0x1Fu, least = 0x80;
  } else if ((first & 0xF0) == 0xE0) {
    length = 3, code = first & 0x0Fu, least = 0x800;
  } else if ((first & 0xF8) == 0xF0) {
    length = 4, code = first & 0x07u, least = 0x10000;
  } else {
    return {};
  }
  if (text.size() < length) return {};
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return {};
    code = (code << 6) | (byte(i) & 0x3Fu);
  }
  if (code < least || code > 0x10FFFF || (code >= 0xD800 && code <= 0xDFFF)) return {};
  return {length, true, code};
}

// Characters that change the direction or the lines of what stands around them, or that are invisible.
bool acts_on_text(char32_t code) {
  return code < 0x20 || (code >= 0x7F && code < 0xA0) || code == 0xAD || code == 0x61C ||
         (code >= 0x200B && code <= 0x200F) || (code >= 0x2028 && code <= 0x202E) ||
         (code >= 0x2060 && code <= 0x206F) || code == 0xFEFF || (code >= 0xFFF0 && code <= 0xFFFB) ||
         (code >= 0xE0000 && code <= 0xE007F);
}

std::size_t columns(char32_t code) {
  if (code >= 0x20 && code < 0x7F) return 1;  // almost all of what is ever shown
  // wcwidth() knows the widths in a UTF-8 locale, which main() sets; where it knows none, one column is the
  // likely one.
  const int width = wcwidth(static_cast<wchar_t>(code));
  return width < 0 ? 1 : static_cast<std::size_t>(width);
}

// The longest beginning of `text` that fits into `width` columns, in bytes.
std::size_t fitting(std::string_view text, std::size_t width) {
  std::size_t used = 0;
  std::size_t end = 0;
  while (end < text.size()) {
    const Character next = decode(text.substr(end));
    used += next.valid ? columns(next.code) : 1;
    if (used > width) break;
    end += next.length;
  }
  return end;
}

// Where the longest end of `text` that fits into `width` columns begins, in bytes.
std::size_t fitting_from(std::string_view text, std::size_t width) {
  std::size_t skip = display_width(text);
  std::size_t begin = 0;
  while (skip > width && begin < text.size()) {
    const Character next = decode(text.substr(begin));
    skip -= next.valid ? columns(next.code) : 1;
    begin += next.length;
  }
  return begin;
}

// Nothing but characters of one byte and one column.
bool is_plain(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= 0x20 && c < 0x7F; });
}

std::string format_time(const google::protobuf::Timestamp& time, const char* format) {
  if (time.seconds() == 0 && time.nanos() == 0) return "-";
  const std::time_t seconds = static_cast<std::time_t>(time.seconds());
  std::tm parts{};
  if (localtime_r(&seconds, &parts) == nullptr) return std::to_string(time.seconds()) + " s";
  std::array<char, 64> text{};
  const std::size_t length = std::strftime(text.data(), text.size(), format, &parts);
  return {text.data(), length};
}

}  // namespace

std::string printable(std::string_view text) {
  std::string result;
  append_printable(result, text);
  return result;
}

void append_printable(std::string& to, std::string_view text) {
  if (is_plain(text)) {
    to += text;
    return;
  }
  while (!text.empty()) {
    const Character next = decode(text);
    if (next.valid && !acts_on_text(next.code)) {
      to += text.substr(0, next.length);
    } else {
      for (const char raw : text.substr(0, next.length)) {
        std::array<char, 5> escaped{};
        std::snprintf(escaped.data(), escaped.size(), "\\x%02x",
                      static_cast<unsigned>(static_cast<unsigned char>(raw)));
        to += escaped.data();
      }
    }
    text.remove_prefix(next.length);
  }
}

bool acts_on_terminal(std::string_view text) {
  while (!text.empty()) {
    const Character next = decode(text);
    if (next.valid ? acts_on_text(next.code) : static_cast<unsigned char>(text.front()) < 0xA0) return true;
    text.remove_prefix(next.length);
  }
  return false;
}

std::string escape_for_json(std::string_view json) {
  std::string result;
  result.reserve(json.size());
  const auto append_unit = [&](unsigned unit) {
    std::array<char, 7> escaped{};
    std::snprintf(escaped.data(), escaped.size(), "\\u%04x", unit & 0xFFFF);
    result += escaped.data();
  };
  while (!json.empty()) {
    const Character next = decode(json);
    if (!next.valid) {
      append_unit(0xFFFD);
    } else if (!acts_on_text(next.code)) {
      result.append(json.substr(0, next.length));
    } else if (next.code < 0x10000) {
      append_unit(static_cast<unsigned>(next.code));
    } else {
      append_unit(0xD800 + static_cast<unsigned>((next.code - 0x10000) >> 10));
      append_unit(0xDC00 + static_cast<unsigned>((next.code - 0x10000) & 0x3FF));
    }
    json.remove_prefix(next.length);
  }
  return result;
}

bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    const Character next = decode(text);
    if (!next.valid) return false;
    text.remove_prefix(next.length);
  }
  return true;
}

std::size_t display_width(std::string_view text) {
  if (is_plain(text)) return text.size();
  std::size_t width = 0;
  while (!text.empty()) {
    if (text.starts_with("\x1b[")) {
      text.remove_prefix(std::min(text.find('m'), text.size() - 1) + 1);
      continue;
    }
    const Character next = decode(text);
    width += next.valid ? columns(next.code) : 1;
    text.remove_prefix(next.length);
  }
  return width;
}

std::string cut_end(std::string_view text, std::size_t width, std::string_view mark) {
  if (display_width(text) <= width) return std::string(text);
  const std::size_t mark_width = display_width(mark);
  if (width <= mark_width) return std::string(text.substr(0, fitting(text, width)));
  return std::string(text.substr(0, fitting(text, width - mark_width))).append(mark);
}

std::string cut_middle(std::string_view text, std::size_t width, std::string_view mark) {
  if (display_width(text) <= width) return std::string(text);
  const std::size_t mark_width = display_width(mark);
  if (width <= mark_width + 2) return cut_end(text, width, mark);
  // A third for the beginning: what tells paths apart is at their end.
  const std::size_t front = (width - mark_width) / 3;
  std::string result(text.substr(0, fitting(text, front)));
  result.append(mark);
  result.append(text.substr(fitting_from(text, width - mark_width - front)));
  return result;
}

std::string pad_right(std::string_view text, std::size_t width) {
  std::string result(text);
  const std::size_t used = display_width(text);
  if (used < width) result.append(width - used, ' ');
  return result;
}

std::string pad_left(std::string_view text, std::size_t width) {
  const std::size_t used = display_width(text);
  std::string result(used < width ? width - used : 0, ' ');
  result.append(text);
  return result;
}

std::vector<std::string> wrap(std::string_view text, std::size_t width) {
  std::vector<std::string> lines;
  std::string line;
  while (!text.empty()) {
    const std::size_t begin = std::min(text.find_first_not_of(' '), text.size());
    const std::size_t end = std::min(text.find(' ', begin), text.size());
    const std::string_view word = text.substr(begin, end - begin);
    if (!word.empty() && !line.empty() && display_width(line) + begin + display_width(word) > width) {
      lines.push_back(std::move(line));
      line.clear();
    }
    // Blanks are dropped where a line is broken only: a path may hold two in a row.
    if (!line.empty()) line.append(begin, ' ');
    line.append(word);
    text.remove_prefix(end);
  }
  line.erase(line.find_last_not_of(' ') + 1);
  if (!line.empty()) lines.push_back(std::move(line));
  return lines;
}

std::string fit_lines(std::string_view text, std::size_t width) {
  static constexpr std::size_t kIndent = 4;
  std::string result;
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    if (display_width(line) <= width || width <= 2 * kIndent) {
      result.append(line).append("\n");
      continue;
    }
    std::string indent(std::min(line.find_first_not_of(' '), kIndent), ' ');
    for (const std::string& part : wrap(line, width - kIndent)) {
      result.append(indent).append(part).append("\n");
      indent.assign(kIndent, ' ');
    }
  }
  return result;
}

std::string human_bytes(std::uint64_t bytes) {
  if (bytes < 1024) return std::to_string(bytes) + " B";
  static constexpr std::array<const char*, 6> kUnits{"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  double value = static_cast<double>(bytes) / 1024;
  std::size_t unit = 0;
  // 1023.95 and more would print as 1024.0: the next unit says it better.
  while (value >= 1023.95 && unit + 1 < kUnits.size()) value /= 1024, ++unit;
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), value < 99.95 ? "%.1f %s" : "%.0f %s", value, kUnits[unit]);
  return text.data();
}

std::string human_count(std::uint64_t count) {
  const std::string digits = std::to_string(count);
  std::string text;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    if (i > 0 && (digits.size() - i) % 3 == 0) text += ',';
    text += digits[i];
  }
  return text;
}

std::string human_duration(std::uint64_t seconds) {
  const std::uint64_t days = seconds / 86400;
  const unsigned hours = static_cast<unsigned>(seconds / 3600 % 24);
  const unsigned minutes = static_cast<unsigned>(seconds / 60 % 60);
  const unsigned rest = static_cast<unsigned>(seconds % 60);
  std::array<char, 64> text{};
  if (days > 0) {
    std::snprintf(text.data(), text.size(), "%llu d %02u:%02u", static_cast<unsigned long long>(days), hours,
                  minutes);
  } else if (hours > 0) {
    std::snprintf(text.data(), text.size(), "%u:%02u:%02u", hours, minutes, rest);
  } else {
    std::snprintf(text.data(), text.size(), "%u:%02u", minutes, rest);
  }
  return text.data();
}

std::string plural(std::uint64_t count, std::string_view one, std::string_view many) {
  std::string text = human_count(count) + ' ';
  return text.append(count == 1 ? one : many);
}

unsigned percent(std::uint64_t done, std::uint64_t total) {
  if (total == 0) return 0;
  if (done >= total) return 100;
  return static_cast<unsigned>(std::min(99.0, static_cast<double>(done) * 100 / static_cast<double>(total)));
}

std::string local_time(const google::protobuf::Timestamp& time) {
  return format_time(time, "%Y-%m-%d %H:%M:%S");
}

std::string local_minute(const google::protobuf::Timestamp& time) {
  return format_time(time, "%Y-%m-%d %H:%M");
}

}  // namespace garner::client
