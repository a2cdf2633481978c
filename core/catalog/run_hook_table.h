// How far a run has come with the commands that belong around it: so that a run that goes on does not run one
// again that has done its work.
#pragma once

#include <optional>
#include <string>

#include "catalog/catalog_file.h"

namespace garner::catalog {

struct HookProgress {
  // Stored as numbers: never renumbered.
  enum class Stage { kBeforeBegun = 1, kBeforeDone = 2, kBackedUp = 3, kAfterDone = 4 };
  Stage stage = Stage::kBeforeBegun;
  std::string boot_id;  // of the machine's start during which `before` ended well
};

// Any thread. Changes are durable when they return.
class RunHookTable {
 public:
  explicit RunHookTable(CatalogFile& file) : file_(file) {}

  // Nothing where no command was begun, or what was begun is undone.
  std::optional<HookProgress> find(std::int64_t run);
  void save(std::int64_t run, const HookProgress& progress);
  void remove(std::int64_t run);

 private:
  CatalogFile& file_;
};

}  // namespace garner::catalog
