// What people type of a search. All throw usage_failure().
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace garner::client {

// Bytes, both ends in.
struct SizeRange {
  std::optional<std::uint64_t> least;
  std::optional<std::uint64_t> most;
};
// "+10M": at least; "-10M": at most; "1M..10M", of which either may be missing.
SizeRange parse_size_range(const std::string& option, const std::string& text);

// f, d, l, b, c, p or s, as find(1) has them, as the daemon calls it: "file", "folder", …
std::string parse_type(const std::string& option, const std::string& text);

}  // namespace garner::client
