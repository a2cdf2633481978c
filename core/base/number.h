// Numbers in texts that come from elsewhere.
#pragma once

#include <charconv>
#include <optional>
#include <string_view>

namespace garner {

// A whole number in decimal digits, with nothing before or behind it ('-' where the type has a sign); nothing
// for any other text, and for one that does not fit the type.
template <typename Number>
std::optional<Number> parse_number(std::string_view text) {
  Number number = 0;
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc{} || rest != end) return std::nullopt;
  return number;
}

}  // namespace garner
