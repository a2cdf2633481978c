#include "source_path.h"

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

bool is_same_or_below(std::string_view path, std::string_view folder) {
  return path == folder || !below(path, folder).empty();
}

std::string_view name_towards(std::string_view folder, std::string_view path) {
  const std::string_view rest = below(path, folder);
  return rest.substr(0, rest.find('/'));
}

}  // namespace garner::client
