#include "snapshot/time_text.h"

#include <ctime>

namespace garner::snapshot {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// The pattern's '0' stands for any digit.
bool begins_with(std::string_view text, std::string_view pattern) {
  if (text.size() < pattern.size()) return false;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i] == '0' ? !is_digit(text[i]) : text[i] != pattern[i]) return false;
  }
  return true;
}

int number(std::string_view text, std::size_t offset, std::size_t digits) {
  int value = 0;
  for (const char c : text.substr(offset, digits)) value = value * 10 + (c - '0');
  return value;
}

int days_in_month(int year, int month) {
  constexpr int kDays[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  const bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
  return month == 2 && leap ? 29 : kDays[month - 1];
}

}  // namespace

std::size_t time_prefix(std::string_view text) {
  constexpr std::string_view kDay = "0000-00-00";
  if (!begins_with(text, kDay)) return 0;
  std::size_t length = kDay.size();
  if (begins_with(text.substr(length), "T00:00") || begins_with(text.substr(length), " 00:00")) {
    length += 6;
    if (begins_with(text.substr(length), ":00")) length += 3;
  }
  if (begins_with(text.substr(length), "Z")) length += 1;
  return length;
}

namespace {

// The beginning of the day, minute or second, or of what follows it.
std::optional<std::int64_t> parse_edge(std::string_view text, bool end) {
  if (text.empty() || time_prefix(text) != text.size()) return std::nullopt;
  const bool utc = text.back() == 'Z';
  if (utc) text.remove_suffix(1);
  const bool has_minutes = text.size() >= 16;
  const bool has_seconds = text.size() >= 19;
  const int year = number(text, 0, 4);
  const int month = number(text, 5, 2);
  const int day = number(text, 8, 2);
  const int hour = has_minutes ? number(text, 11, 2) : 0;
  const int minute = has_minutes ? number(text, 14, 2) : 0;
  const int second = has_seconds ? number(text, 17, 2) : 0;
  if (month < 1 || month > 12 || day < 1 || day > days_in_month(year, month)) return std::nullopt;
  if (hour > 23 || minute > 59 || second > 60) return std::nullopt;

  // mktime and timegm carry a surplus over.
  std::tm next{};
  next.tm_year = year - 1900;
  next.tm_mon = month - 1;
  next.tm_mday = day + (end && !has_minutes ? 1 : 0);
  next.tm_hour = hour;
  next.tm_min = minute + (end && has_minutes && !has_seconds ? 1 : 0);
  next.tm_sec = second + (end && has_seconds ? 1 : 0);
  next.tm_isdst = -1;
  return static_cast<std::int64_t>(utc ? timegm(&next) : std::mktime(&next));
}

}  // namespace

std::optional<TimePoint> parse_time_text(std::string_view text) {
  const std::optional<std::int64_t> end = parse_edge(text, true);
  return end ? std::optional(TimePoint{*end - 1, 999'999'999}) : std::nullopt;
}

std::optional<TimePoint> parse_time_begin(std::string_view text) {
  const std::optional<std::int64_t> begin = parse_edge(text, false);
  return begin ? std::optional(TimePoint{*begin, 0}) : std::nullopt;
}

}  // namespace garner::snapshot
