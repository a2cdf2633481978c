#include "mount/version_names.h"

#include <algorithm>

#include "mount/snapshot_names.h"

namespace garner::client::mount {
namespace {

constexpr std::string_view kShape = "dddd-dd-ddTdd:dd:dd";  // d: a digit

bool is_folder(const v1::FileVersion& version) { return version.entry().type() == "folder"; }

}  // namespace

std::map<std::string, Location> version_names(const v1::ListVersionsResponse& versions) {
  std::map<std::string, Location> names;
  for (int i = versions.versions_size() - 1; i >= 0; --i) {
    const v1::FileVersion& version = versions.versions(i);
    if (is_folder(version)) continue;
    std::string name = local_second(version.first_seen());
    while (names.contains(name)) name += "-" + version.first_snapshot().substr(0, kIdDigits);
    names[name] = {version.last_snapshot(), version.layout_path()};
  }
  return names;
}

bool may_be_version(std::string_view name) {
  const std::string_view time = name.substr(0, kShape.size());
  return std::equal(time.begin(), time.end(), kShape.begin(), kShape.end(),
                    [](char c, char shape) { return shape == 'd' ? c >= '0' && c <= '9' : c == shape; });
}

const v1::FileVersion* newest_folder(const v1::ListVersionsResponse& versions) {
  const auto found = std::find_if(versions.versions().begin(), versions.versions().end(), is_folder);
  return found == versions.versions().end() ? nullptr : &*found;
}

}  // namespace garner::client::mount
