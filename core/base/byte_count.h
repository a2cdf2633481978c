// Amounts of bytes as people write them: "512", "1.5M", "64 MiB", "2G". Pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace garner {

// A number, with decimals or without, and a unit: none or B, KiB, MiB, GiB, TiB (1,024 each), or K, M, G, T
// with or without a B behind them (1,000 each); a blank may stand between. Rounded down to whole bytes.
// Nothing for text that is something else, or more than 2^53 bytes.
std::optional<std::uint64_t> parse_byte_count(std::string_view text);

// The same amount in the largest unit that gives it exactly, those of 1,024 first: "64MiB", "1500K", "317".
std::string exact_byte_count(std::uint64_t bytes);

}  // namespace garner
