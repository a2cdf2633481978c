// What a check tells of a folder that the destination has lost.
#include "lost_folders.h"

#include "base/file.h"
#include "store/pack.h"
#include "two_disks.h"

namespace garner::daemon {
namespace {

struct LosingMachine : WorkingMachine {
  // All trees of the snapshot go, and what a backup has kept of them here is not asked by a check.
  void lose_trees(const std::string& snapshot) {
    const auto repository = here.destinations.open("a");
    const auto* entry = store::find_snapshot(*repository->state(), from_hex(snapshot));
    REQUIRE(entry != nullptr);
    const auto root = crypto::BlobId::from_bytes(as_bytes(entry->snapshot().sources(0).root().tree()));
    REQUIRE(repository->index().find(root));
    remove_file(folder.path("a/" + store::pack_key(repository->index().find(root)->pack)));
  }
  // The lines of a check that finds something.
  std::vector<std::string> check() {
    StoredRequest request;
    request.destinations = {"a"};
    const auto run = begin(catalog::RunKind::kCheck, request);
    telling.execute(*run, run->begin_attempt());
    const v1::Run report = run->message();
    CHECK(report.damage_found());
    return {report.check().problems().begin(), report.check().problems().end()};
  }
  std::string line_of_source(const std::string& snapshot) {
    const std::string begin = folder.path("source") + ": what is in the folder is lost";
    for (const std::string& line : check()) {
      if (!line.starts_with(begin)) continue;
      CHECK(line.find(snapshot.substr(0, 8)) != std::string::npos);
      return line;
    }
    FAIL("the folder is not named");
    return {};
  }

  Histories histories{here.destinations, folder.path("state/histories")};
  RunWork telling{here.destinations, Settings{}, &histories};
};

TEST_CASE("a check tells how much was in a folder that is lost, where that was noted") {
  LosingMachine here;
  here.write("another", "1234567");
  const std::string snapshot = here.back_up("a");
  const SnapshotHistory all = snapshot_history(here.here.destinations, {});
  here.histories.rows(all, [] { return false; });
  here.lose_trees(snapshot);
  const std::string line = here.line_of_source(snapshot);
  CHECK(line.ends_with("; this machine has noted 2 files in it, 24 bytes: garner find '*' --path " +
                       here.folder.path("source") + " --in " + snapshot.substr(0, 8)));
}

TEST_CASE("a check tells nothing more of a folder that is lost and was never noted") {
  LosingMachine here;
  const std::string snapshot = here.back_up("a");
  here.lose_trees(snapshot);
  CHECK(here.line_of_source(snapshot).find("noted") == std::string::npos);
}

}  // namespace
}  // namespace garner::daemon
