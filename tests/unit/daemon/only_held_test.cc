#include "only_held.h"

#include <fstream>

#include "base/error.h"
#include "two_disks.h"

namespace garner::daemon {
namespace {

using catalog::RunKind;

struct Sizes : WorkingMachine {
  void write(const std::string& name, std::size_t bytes, char letter) const {
    std::ofstream(folder.path("source/" + name)) << std::string(bytes, letter);
  }
  v1::ListSnapshotsResponse list(const v1::ListSnapshotsRequest& request = {}) {
    SnapshotListing listing(here.destinations, request);
    listing.set_sizes(held_sizes(
        here.destinations, histories, [] { return false; }, listing.ids()));
    return all_of(listing);
  }
  std::uint64_t only(const std::string& id) {
    const v1::ListSnapshotsResponse listed = list();
    for (const v1::SnapshotInfo& info : listed.snapshots()) {
      if (info.id() == id) return info.only_bytes();
    }
    FAIL("it is not listed");
    return 0;
  }
  std::uint64_t only_at(const std::string& destination, const std::set<std::string>& ids) {
    const auto bytes = only_bytes_at(here.destinations, histories, destination, ids, [] { return false; });
    REQUIRE(bytes);
    return *bytes;
  }
  v1::Run forget(const std::string& id, bool dry_run) {
    StoredRequest request;
    request.destinations = {"a"};
    request.forget.add_names(id);
    request.dry_run = dry_run;
    const auto run = begin(RunKind::kForget, request);
    telling.execute(*run, run->begin_attempt());
    return run->message();
  }

  Histories histories{here.destinations, folder.path("state/histories")};
  RunWork telling{here.destinations, Settings{}, &histories};
};

constexpr std::uint64_t kFile = 17;  // bytes of the file that all snapshots have

TEST_CASE("what only one snapshot holds is what came and went with it") {
  Sizes here;
  here.write("first", 1'000, 'a');
  here.write("both", 2'000, 'b');
  const std::string first = here.back_up("a");
  std::filesystem::remove(here.folder.path("source/first"));
  const std::string second = here.back_up("a");
  std::filesystem::remove(here.folder.path("source/both"));
  here.write("third", 4'000, 'c');
  here.write("third, again", 4'000, 'c');
  const std::string third = here.back_up("a");
  CHECK(here.only(first) == 1'000);
  CHECK(here.only(second) == 0);
  CHECK(here.only(third) == 4'000);
  CHECK(here.list().sizes().held_bytes() == kFile + 7'000);
  CHECK(here.list().sizes().only_bytes() == kFile + 7'000);
  CHECK(here.only_at("a", {first, second}) == 3'000);

  v1::ListSnapshotsRequest two;
  two.add_names(first);
  two.add_names(second);
  CHECK(here.list(two).sizes().held_bytes() == kFile + 3'000);
  CHECK(here.list(two).sizes().only_bytes() == 3'000);
}

TEST_CASE("what another destination's snapshots hold counts for the list, and not for a destination") {
  Sizes here;
  here.write("first", 1'000, 'a');
  const std::string first = here.back_up("a");
  here.back_up("b");
  std::filesystem::remove(here.folder.path("source/first"));
  here.back_up("a");
  CHECK(here.only(first) == 0);
  CHECK(here.only_at("a", {first}) == 1'000);
  CHECK(here.only_at("b", {first}) == 0);
}

TEST_CASE("a forget says how much it gives back, before and after") {
  Sizes here;
  here.write("first", 1'000, 'a');
  const std::string first = here.back_up("a");
  std::filesystem::remove(here.folder.path("source/first"));
  here.back_up("a");
  const v1::Run trial = here.forget(first, true);
  CHECK(trial.forget().forgotten() == 1);
  REQUIRE(trial.forget().has_only_bytes());
  CHECK(trial.forget().only_bytes() == 1'000);
  const v1::Run done = here.forget(first, false);
  CHECK(done.forget().forgotten() == 1);
  CHECK(done.forget().only_bytes() == 1'000);
  CHECK(here.snapshots("a") == 1);
}

}  // namespace
}  // namespace garner::daemon
