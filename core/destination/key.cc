#include "destination/key.h"

#include <algorithm>
#include <string>

#include "base/bytes.h"
#include "base/error.h"

namespace garner::destination {

namespace {

constexpr std::size_t kMaximumComponentLength = 255;

bool is_allowed(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
}

}  // namespace

bool is_key_component(std::string_view component) {
  return !component.empty() && component.size() <= kMaximumComponentLength && component.front() != '.' &&
         std::all_of(component.begin(), component.end(), is_allowed);
}

bool is_key(std::string_view key) {
  if (key.size() > kMaximumKeyLength) return false;
  for (;;) {
    const std::size_t slash = key.find('/');
    if (!is_key_component(key.substr(0, slash))) return false;
    if (slash == std::string_view::npos) return true;
    key.remove_prefix(slash + 1);
  }
}

void check_key(std::string_view key) {
  if (!is_key(key)) {
    throw Error(ErrorKind::kInvalidInput, "not the key of an object: '" + printable(key) + "'");
  }
}

void check_prefix(std::string_view prefix) {
  if (prefix.empty()) return;
  if (prefix.back() != '/' || !is_key(prefix.substr(0, prefix.size() - 1))) {
    throw Error(ErrorKind::kInvalidInput, "not a prefix of keys: '" + printable(prefix) + "'");
  }
}

}  // namespace garner::destination
