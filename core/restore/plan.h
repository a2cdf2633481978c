// What is restored where: the nodes of a snapshot that a path names, and the folders of the target they land
// in.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "restore/restore.h"

namespace garner::restore {

struct PlannedRoot {
  v1::Node node;
  std::uint32_t source = 0;          // number in the snapshot
  std::vector<std::string> folders;  // below the target: in them it lands under its name
  bool is_target = false;            // a folder whose content lands in the target itself
};

struct Plan {
  std::vector<PlannedRoot> roots;
  std::uint64_t files = 0;  // regular files in all
  std::uint64_t bytes = 0;
};

// `path` as in RestoreOptions. Error(kNotFound); Error(kDamaged) for a snapshot that breaks the rules.
Plan plan_restore(store::Repository& repository, const v1::Snapshot& snapshot, const std::string& path);

}  // namespace garner::restore
