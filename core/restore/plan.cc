#include "restore/plan.h"

#include <string_view>

#include "base/bytes.h"
#include "base/error.h"
#include "snapshot/node.h"
#include "snapshot/snapshot.h"

namespace garner::restore {
namespace {

std::vector<std::string> components(std::string_view path) {
  std::vector<std::string> found;
  while (!path.empty()) {
    const std::size_t end = path.find('/');
    if (end != 0) found.emplace_back(path.substr(0, end));
    path.remove_prefix(end == std::string_view::npos ? path.size() : end + 1);
  }
  return found;
}

void add(Plan& plan, PlannedRoot root) {
  // The root of the source "/" has that name: it can only be the target itself.
  if (!root.is_target && !snapshot::is_valid_name(root.node.name())) {
    throw Error(ErrorKind::kDamaged,
                "the root of a source that is no folder is called " + printable(root.node.name()));
  }
  if (root.node.type() == v1::NODE_TYPE_FOLDER) {
    plan.files += root.node.totals().files();
    plan.bytes += root.node.totals().bytes();
  } else if (root.node.type() == v1::NODE_TYPE_FILE) {
    plan.files += 1;
    plan.bytes += root.node.size();
  }
  plan.roots.push_back(std::move(root));
}

}  // namespace

Plan plan_restore(store::Repository& repository, const v1::Snapshot& snapshot, const std::string& path) {
  snapshot::validate(snapshot);
  Plan plan;
  if (path.empty() && snapshot.sources_size() > 1) {
    for (int number = 0; number < snapshot.sources_size(); ++number) {
      PlannedRoot root;
      root.node = snapshot.sources(number).root();
      root.source = static_cast<std::uint32_t>(number);
      root.folders = components(snapshot.sources(number).path());
      root.is_target = root.folders.empty() && root.node.type() == v1::NODE_TYPE_FOLDER;  // the source "/"
      if (!root.folders.empty()) root.folders.pop_back();
      add(plan, std::move(root));
    }
    return plan;
  }
  PlannedRoot root;
  root.node = snapshot::find_node(snapshot, path, repository).named.node;
  root.is_target = root.node.type() == v1::NODE_TYPE_FOLDER;
  add(plan, std::move(root));
  return plan;
}

}  // namespace garner::restore
