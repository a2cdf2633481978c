#include "path_owner.h"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <memory>
#include <optional>

#include "base/error.h"
#include "base/file.h"
#include "path_relation.h"

namespace garner::daemon {

namespace {

// Nothing where it does not exist, or may not be looked at.
std::optional<std::string> resolved(const std::string& path, const std::string& asked) {
  const std::unique_ptr<char, void (*)(void*)> real(realpath(path.c_str(), nullptr), std::free);
  if (real) return std::string(real.get());
  if (errno == ELOOP) {
    throw Error(ErrorKind::kInvalidInput, printable(asked) + ": the symbolic links in " + printable(path) +
                                              " form a circle, so it names nothing");
  }
  return std::nullopt;
}

// A source whose own links form a circle holds nothing.
std::string real_source(const std::string& source) {
  try {
    return resolved(source, source).value_or(source);
  } catch (const Error&) {
    return source;
  }
}

// Empty: the source itself.
std::string relative_to(const std::string& source, const std::string& path) {
  return path.substr(source == "/" ? 1 : std::min(source.size() + 1, path.size()));
}

}  // namespace

// From the nearest folder above it that is there: what is gone below that has no links.
std::string real_place(const std::string& path) {
  const std::string normal = normal_path(path);
  std::string below;
  for (std::string at = normal; at != "/"; at = parent_path(at)) {
    below = "/" + base_name(at) + below;
    if (const auto folder = resolved(parent_path(at), normal)) return (*folder == "/" ? "" : *folder) + below;
  }
  return normal;
}

std::vector<PathOwner> owners_of_recorded(const std::string& path,
                                          const std::vector<catalog::BackupSet>& sets) {
  std::vector<PathOwner> owners;
  for (const catalog::BackupSet& set : sets) {
    for (const std::string& source : set.definition.sources()) {
      if (!is_same_or_inside(path, source)) continue;
      owners.push_back({set, source, path, relative_to(source, path)});
      break;
    }
  }
  return owners;
}

std::vector<PathOwner> owners_of(const std::string& path, const std::vector<catalog::BackupSet>& sets) {
  const std::string place = real_place(path);
  std::vector<PathOwner> owners;
  for (const catalog::BackupSet& set : sets) {
    for (const std::string& source : set.definition.sources()) {
      const std::string real = real_source(source);
      // A source that is a link itself is what it leads to.
      const bool is_source = place == normal_path(source);
      if (!is_source && !is_same_or_inside(place, real)) continue;
      owners.push_back({set, source, place, is_source ? "" : relative_to(real, place)});
      break;
    }
  }
  return owners;
}

}  // namespace garner::daemon
