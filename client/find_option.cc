#include "find_option.h"

#include <map>

#include "argument.h"
#include "failure.h"
#include "text.h"

namespace garner::client {

SizeRange parse_size_range(const std::string& option, const std::string& text) {
  SizeRange range;
  const std::size_t dots = text.find("..");
  if (dots != std::string::npos && text.size() > 2) {
    if (dots > 0) range.least = parse_size(option, text.substr(0, dots));
    if (dots + 2 < text.size()) range.most = parse_size(option, text.substr(dots + 2));
  } else if (text.starts_with('+')) {
    range.least = parse_size(option, text.substr(1));
  } else if (text.starts_with('-')) {
    range.most = parse_size(option, text.substr(1));
  } else {
    throw usage_failure(option + ": \"" + printable(text) +
                        "\" is no range of sizes: write +10M (at least), -10M (at most) or 1M..10M");
  }
  if (range.least && range.most && *range.least > *range.most)
    throw usage_failure(option + ": nothing is between: the first size is larger than the second");
  return range;
}

std::string parse_type(const std::string& option, const std::string& text) {
  static const std::map<std::string, std::string> kTypes{
      {"f", "file"}, {"d", "folder"}, {"l", "symlink"}, {"b", "block device"}, {"c", "character device"},
      {"p", "fifo"}, {"s", "socket"}};
  const auto found = kTypes.find(text);
  if (found != kTypes.end()) return found->second;
  throw usage_failure(
      option + ": \"" + printable(text) +
      "\" is no type: give f (file), d (folder), l (symbolic link), b or c (device), p (fifo) "
      "or s (socket)");
}

}  // namespace garner::client
