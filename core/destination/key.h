// The form of an object's key, the same at every kind of destination: components of `a-z 0-9 . _ -` with a
// slash between them. A component never begins with a dot, so that `.` and `..` cannot be, and names that do
// are free for the destination's own use; it has at most 255 bytes, a key at most 1,024 (what file systems
// and S3 take). Pure functions.
#pragma once

#include <cstddef>
#include <string_view>

namespace garner::destination {

inline constexpr std::size_t kMaximumKeyLength = 1024;

bool is_key_component(std::string_view component);
bool is_key(std::string_view key);
// Error(kInvalidInput) unless `key` is one.
void check_key(std::string_view key);
// Error(kInvalidInput) unless `prefix` is empty, or whole components with a slash after each.
void check_prefix(std::string_view prefix);

}  // namespace garner::destination
