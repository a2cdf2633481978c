#include "browse/restore_plan.h"

#include <sys/stat.h>

#include <optional>

#include "browse/snapshot_layout.h"
#include "failure.h"
#include "text.h"

namespace garner::client::browse {
namespace {

bool is_there(const std::string& path) {
  struct stat status {};
  return lstat(path.c_str(), &status) == 0;
}

// The innermost folder that holds all of them.
std::string common_folder(const std::set<MarkedPath>& marked) {
  std::optional<std::string> common;
  for (const MarkedPath& one : marked) {
    if (!common) common = parent_of(one.path);
    while (!is_same_or_inside(parent_of(one.path), *common)) common = parent_of(*common);
  }
  return common.value_or("/");
}

bool is_in_another(const MarkedPath& one, const std::set<MarkedPath>& marked) {
  for (std::string folder = one.path; folder != "/";) {
    folder = parent_of(folder);
    if (marked.contains({one.snapshot, folder, true})) return true;
  }
  return false;
}

}  // namespace

std::vector<RestoreItem> plan_restore(const std::set<MarkedPath>& marked, const std::string& target) {
  const std::string common = common_folder(marked);
  std::vector<RestoreItem> items;
  for (const MarkedPath& one : marked) {
    if (is_in_another(one, marked)) continue;
    const std::string lands = below(target, relative_to(one.path, common));
    if (is_there(lands))
      throw usage_failure(printable(lands) + " is there already", "Name another folder, or an empty one.");
    for (const RestoreItem& other : items) {
      if (!is_same_or_inside(lands, other.lands) && !is_same_or_inside(other.lands, lands)) continue;
      throw usage_failure(printable(one.path) + " is marked in two snapshots",
                          "Restore them one after the other, each into a folder of its own.");
    }
    items.push_back({one.snapshot, one.path, one.is_folder ? lands : parent_of(lands), lands});
  }
  return items;
}

void erase_marks(std::set<MarkedPath>& marked, const RestoreItem& item) {
  std::erase_if(marked, [&](const MarkedPath& one) {
    return one.snapshot == item.snapshot && is_same_or_inside(one.path, item.path);
  });
}

}  // namespace garner::client::browse
