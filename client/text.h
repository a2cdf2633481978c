// Text for people: made safe for a terminal, measured in its columns, cut to fit; sizes, counts, durations
// and times in words. Pure functions. Strings are UTF-8; whatever is not is shown as \xNN.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace google::protobuf {
class Timestamp;
}

namespace garner::client {

// `text` with everything that could act on a terminal (control characters, line ends, direction overrides,
// bytes that are not UTF-8) as \xNN. What the daemon has escaped already stays as it is.
std::string printable(std::string_view text);
void append_printable(std::string& to, std::string_view text);

// Whether some of it could act on a terminal. Of bytes that are not UTF-8 some terminals take 80 to 9f so.
bool acts_on_terminal(std::string_view text);

// JSON, in which the same characters are \uNNNN: inside strings only, for elsewhere JSON has none of them.
std::string escape_for_json(std::string_view json);

bool is_utf8(std::string_view text);
inline bool is_digit(char c) { return c >= '0' && c <= '9'; }

// The columns that `text`, which is printable, takes on a terminal: two for wide characters, none for
// combining ones.
std::size_t display_width(std::string_view text);

// `text`, cut at its end to `width` columns; what was cut off is marked by `mark`.
std::string cut_end(std::string_view text, std::size_t width, std::string_view mark);
// The same, cut in the middle: a path keeps its name.
std::string cut_middle(std::string_view text, std::size_t width, std::string_view mark);

// `text` followed (or preceded) by blanks up to `width` columns.
std::string pad_right(std::string_view text, std::size_t width);
std::string pad_left(std::string_view text, std::size_t width);

// Lines of at most `width` columns, broken at blanks; a word that is longer gets a line of its own.
std::vector<std::string> wrap(std::string_view text, std::size_t width);

// `text`, lines that are each ended, with those that are wider than `width` broken, and indented where they
// go on.
std::string fit_lines(std::string_view text, std::size_t width);

std::string human_bytes(std::uint64_t bytes);       // "512 B", "1.5 KiB", "12.3 MiB", "345 GiB"
std::string human_count(std::uint64_t count);       // "1,234,567"
std::string human_duration(std::uint64_t seconds);  // "0:07", "12:34", "1:02:03", "3 d 04:05"
std::string plural(std::uint64_t count, std::string_view one,
                   std::string_view many);  // "1 file", "2,000 files"

// "home, photos, mail"
template <typename Names>
std::string joined(const Names& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

// Of a snapshot's id: enough to tell snapshots apart, and to be typed.
inline constexpr std::size_t kShownDigits = 12;

// Whole percent of `total`, rounded down, so that 100 means all; 0 when `total` is 0.
unsigned percent(std::uint64_t done, std::uint64_t total);

// Local time: "2026-11-22 18:30:05"; "-" for a time that is not set.
std::string local_time(const google::protobuf::Timestamp& time);
// Without the seconds.
std::string local_minute(const google::protobuf::Timestamp& time);

}  // namespace garner::client
