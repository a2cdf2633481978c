#include "base/byte_count.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <string>

namespace garner {

namespace {

struct Unit {
  std::string_view name;
  std::uint64_t bytes;
};

constexpr std::array kUnits{Unit{"TiB", std::uint64_t{1} << 40},
                            Unit{"T", 1'000'000'000'000},
                            Unit{"GiB", std::uint64_t{1} << 30},
                            Unit{"G", 1'000'000'000},
                            Unit{"MiB", 1u << 20},
                            Unit{"M", 1'000'000},
                            Unit{"KiB", 1u << 10},
                            Unit{"K", 1'000},
                            Unit{"", 1}};
constexpr double kMost = 9007199254740992;  // 2^53: up to here a double has every whole number

std::uint64_t unit_of(std::string_view name) {
  if (name == "B") return 1;
  for (const Unit& unit : kUnits) {
    const bool takes_b = unit.name.size() == 1;
    if (name == unit.name || (takes_b && name == std::string(unit.name) + "B")) return unit.bytes;
  }
  return 0;
}

}  // namespace

std::optional<std::uint64_t> parse_byte_count(std::string_view text) {
  const std::size_t end = std::min(text.find_first_not_of("0123456789."), text.size());
  double number = 0;
  const auto [stopped, error] =
      std::from_chars(text.data(), text.data() + end, number, std::chars_format::fixed);
  if (end == 0 || text.front() == '.' || text[end - 1] == '.' || error != std::errc() ||
      stopped != text.data() + end) {
    return std::nullopt;
  }
  std::string_view name = text.substr(end);
  if (name.size() > 1 && name.front() == ' ') name.remove_prefix(1);
  const std::uint64_t unit = unit_of(name);
  if (unit == 0 || number * static_cast<double>(unit) > kMost) return std::nullopt;
  return static_cast<std::uint64_t>(number * static_cast<double>(unit));
}

std::string exact_byte_count(std::uint64_t bytes) {
  for (const bool binary : {true, false}) {
    for (const Unit& unit : kUnits) {
      const bool is_binary = unit.name.size() == 3;
      if (is_binary == binary && bytes > 0 && bytes % unit.bytes == 0)
        return std::to_string(bytes / unit.bytes) + std::string(unit.name);
    }
  }
  return std::to_string(bytes);
}

}  // namespace garner
