#include "header_fields.h"

#include <algorithm>
#include <set>

#include "base/bytes.h"
#include "refuse.h"

namespace garner::daemon {

namespace {

constexpr std::size_t kLongestHeaders = 16u << 10;

bool is_token(std::string_view name) {
  return !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
  });
}

}  // namespace

std::string checked_headers(std::string_view text) {
  static const std::set<std::string> kOurs{"content-type", "content-length", "transfer-encoding",
                                           "host",         "connection",     "expect"};
  if (text.size() > kLongestHeaders) refuse("the header fields are too long: at most 16 KiB");
  std::string result;
  int number = 0;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    std::string_view line = text.substr(at, end - at);
    at = end + 1;
    ++number;
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.empty()) continue;
    const std::string where = "line " + std::to_string(number) + " of the header fields ";
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos || !is_token(line.substr(0, colon)))
      refuse(where + "is none: \"Name: value\" is expected");
    if (std::any_of(line.begin(), line.end(),
                    [](char c) { return (c >= 0 && c < ' ' && c != '\t') || c == '\x7f'; }))
      refuse(where + "holds control characters");
    if (kOurs.contains(lower_case(line.substr(0, colon))))
      refuse(where + "sets a field that garner sets itself");
    if (line.substr(colon + 1).find_first_not_of(" \t") == std::string_view::npos)
      refuse(where + "has no value");
    result.append(line).append("\n");
  }
  if (result.empty()) refuse("there are no header fields in it");
  if (!is_utf8(result)) refuse("the header fields are not UTF-8");
  return result;
}

}  // namespace garner::daemon
