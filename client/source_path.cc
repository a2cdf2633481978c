#include "source_path.h"

#include <charconv>

namespace garner::client {
namespace {

// What is below the folder, without a '/' before it; empty where the path is not.
std::string_view below(std::string_view path, std::string_view folder) {
  if (folder != "/") {
    if (!path.starts_with(folder)) return {};
    path.remove_prefix(folder.size());
  }
  return path.starts_with('/') ? path.substr(1) : std::string_view();
}

}  // namespace

std::string from_printable(std::string_view text) {
  std::string bytes;
  while (!text.empty()) {
    unsigned value = 0;
    const bool is_escape =
        text.size() >= 4 && text.starts_with("\\x") &&
        std::from_chars(text.data() + 2, text.data() + 4, value, 16).ptr == text.data() + 4;
    bytes += is_escape ? static_cast<char>(static_cast<unsigned char>(value)) : text.front();
    text.remove_prefix(is_escape ? 4 : 1);
  }
  return bytes;
}

bool is_same_or_below(std::string_view path, std::string_view folder) {
  return path == folder || !below(path, folder).empty();
}

std::string_view name_towards(std::string_view folder, std::string_view path) {
  const std::string_view rest = below(path, folder);
  return rest.substr(0, rest.find('/'));
}

}  // namespace garner::client
