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
  std::string line_of(const std::string& path, const std::string& snapshot) {
    for (const std::string& line : check()) {
      if (!line.starts_with(folder.path(path) + ": what is in the folder is lost")) continue;
      CHECK(line.find(snapshot.substr(0, 8)) != std::string::npos);
      return line;
    }
    FAIL("the folder is not named");
    return {};
  }

  void read_in() {
    const SnapshotHistory all = snapshot_history(here.destinations, {});
    histories.rows(all, [] { return false; });
  }
  // What is told of all that was noted in a folder.
  std::string noted(const std::string& counts, const std::string& path, const std::string& snapshot) const {
    return "; this machine has noted " + counts + ": garner find '*' --path '" + path + "' --in " +
           snapshot.substr(0, 8);
  }

  Histories histories{here.destinations, folder.path("state/histories")};
  RunWork telling{here.destinations, Settings{}, &histories};
};

TEST_CASE("a check tells how much was in a folder that is lost, where that was noted") {
  LosingMachine here;
  here.write("another", "1234567");
  const std::string snapshot = here.back_up("a");
  here.read_in();
  here.lose_trees(snapshot);
  CHECK(here.line_of("source", snapshot)
            .ends_with(here.noted("2 files in it, 24 bytes", here.folder.path("source"), snapshot)));
}

TEST_CASE("a check tells of a folder that is lost as it was in the snapshot that it names last") {
  LosingMachine here;
  const std::string name = "source/it's here; $(here)";
  std::filesystem::create_directories(here.folder.path(name));
  std::ofstream(here.folder.path(name) + "/kept") << "12345";
  const std::string first = here.back_up("a");
  // Its root is new, and the folder's tree that of the first.
  here.write("another", "1234567");
  const std::string second = here.back_up("a");
  here.read_in();
  here.lose_trees(first);
  const std::string shown = here.folder.path("source/it'\\''s here; $(here)");
  CHECK(here.line_of(name, second).ends_with(here.noted("1 file in it, 5 bytes", shown, second)));
  CHECK(here.line_of("source", first)
            .ends_with(here.noted("2 files in it, 22 bytes", here.folder.path("source"), first)));
}

TEST_CASE("a check gives no command for a folder that is lost and whose name cannot be shown") {
  LosingMachine here;
  std::filesystem::create_directories(here.folder.path("source/a\nb"));
  std::ofstream(here.folder.path("source/a\nb/kept")) << "12345";
  const std::string first = here.back_up("a");
  here.write("another", "1234567");
  const std::string second = here.back_up("a");
  here.read_in();
  here.lose_trees(first);
  CHECK(here.line_of("source/a\\x0ab", second).ends_with("; this machine has noted 1 file in it, 5 bytes"));
}

TEST_CASE("a check tells nothing more of a folder that is lost and was never noted") {
  LosingMachine here;
  const std::string snapshot = here.back_up("a");
  here.lose_trees(snapshot);
  CHECK(here.line_of("source", snapshot).find("noted") == std::string::npos);
  here.read_in();
  CHECK(here.line_of("source", snapshot).find("noted") == std::string::npos);
}

}  // namespace
}  // namespace garner::daemon
