#include "self_test.h"

#include <cstdio>
#include <iostream>
#include <vector>

#include "exploration.h"

namespace garner::crash {

namespace {

constexpr std::uint64_t kStates = 1000;

struct BrokenOrder {
  const char* name;
  const char* scenario;
  IgnoredSync ignored;
  // What the finding must say: that this promise was broken, and not another one by chance.
  const char* says;
};

// The path of what is synced begins, and ends, so.
IgnoredSync sync_of(OperationKind kind, std::string begin, std::string end = "") {
  return [kind, begin = std::move(begin), end = std::move(end)](const Trace& trace, const Operation& sync) {
    const std::string& path = trace.paths[sync.node];
    return sync.kind == kind && path.starts_with(begin) && path.ends_with(end);
  };
}

// Packs are written in the staging folder; so is what put() stores, records above all, under names of its
// own.
bool is_pack(const std::string& path) {
  const std::string staging = "repository/.staging/";
  return path.starts_with(staging) && !path.starts_with(staging + "put-");
}

bool syncs_pack(const Trace& trace, const Operation& sync) {
  return sync.kind == OperationKind::kSyncFile && is_pack(trace.paths[sync.node]);
}

std::vector<BrokenOrder> broken_orders() {
  constexpr OperationKind kFile = OperationKind::kSyncFile;
  constexpr OperationKind kFolder = OperationKind::kSyncFolder;
  return {
      {"the commit record is there before its packs are durable", "second backup", syncs_pack,
       "comparing snapshots"},
      {"a checkpoint is saved before its packs are durable", "backup that is stopped", syncs_pack,
       "gave up its checkpoint"},
      {"the names of packs are not made durable before the record", "second backup",
       sync_of(kFolder, "repository/packs"), "comparing snapshots"},
      {"the name of a record is not made durable", "second backup", sync_of(kFolder, "repository/log"),
       "was rolled back"},
      {"names in the staging folder are not made durable before a checkpoint", "backup that is stopped",
       sync_of(kFolder, "repository/.staging"), "gave up its checkpoint"},
      {"a record is given its name before it is durable", "second backup",
       sync_of(kFile, "repository/.staging/put-"), ""},
      {"keys are replaced before they are durable", "second backup", sync_of(kFile, "first/keys/", ".tmp"),
       "does not verify"},
      {"packs are deleted and the record that condemns them is not durable", "forget and prune",
       sync_of(kFolder, "repository/log"), ""},
      {"restored files look complete before they are durable", "restore",
       [](const Trace&, const Operation& sync) { return sync.kind == OperationKind::kSyncAll; },
       "the target holds"},
      {"a file is replaced before what replaces it is durable", "overwriting restore",
       [](const Trace&, const Operation& sync) { return sync.kind == OperationKind::kSyncAll; },
       "holds neither"},
  };
}

}  // namespace

bool test_explorer(const std::string& folder, std::uint64_t seed) {
  bool all = true;
  for (const BrokenOrder& order : broken_orders()) {
    Plan plan{.folder = folder, .states = kStates, .seed = seed, .scenario = order.scenario, .keep = ""};
    plan.ignored = order.ignored;
    std::optional<Finding> finding;
    const std::uint64_t states = explore(
        plan, [](const std::string&) { return true; },
        [&](const Finding& found) {
          if (found.what.find(order.says) == std::string::npos) return true;
          finding = found;
          return false;
        });
    if (finding) {
      std::cout << "found after " << states << " states: " << order.name << "\n    "
                << finding->what.substr(0, finding->what.find('\n')) << std::endl;
    } else {
      std::cout << "NOT FOUND in " << states << " states: " << order.name << std::endl;
      all = false;
    }
  }
  return all;
}

}  // namespace garner::crash
