// Forget goes by the clocks of each set's own zone.
#include "maintenance/forget.h"

#include <catch2/catch.hpp>

#include "snapshot/node.h"
#include "unit/maintenance/maintenance_fixture.h"

using namespace garner;
using namespace garner::testing;

namespace {

constexpr std::int64_t kMidnight = 1'767'312'000;  // 2026-01-02 00:00:00 UTC

// Lists the newest snapshot again, as finished at that time.
void list_again(SmallRepository& small, std::int64_t finished) {
  forge_record(small.repository(), [&](store::Record& record) {
    const auto state = small.repository().state();
    auto& added = *record.body.add_add_snapshots();
    *added.mutable_snapshot() = state->snapshots(state->snapshots_size() - 1).snapshot();
    const Uuid run = Uuid::random();
    added.mutable_snapshot()->set_run(std::string(as_text(run.view())));
    *added.mutable_snapshot()->mutable_finished() = snapshot::to_proto(TimePoint{finished, 0});
    const auto id = small.repository().hasher().id(crypto::BlobKind::kSnapshot,
                                                   as_bytes(added.snapshot().SerializeAsString()));
    added.set_id(id.value.data(), id.value.size());
  });
}

}  // namespace

TEST_CASE("a day is one of the set's own zone") {
  TemporaryFolder source;
  SmallRepository small;
  write_file(source.path("file"), noise(9000, 1));
  const std::string set = small.back_up({source.path()}).set().uuid();
  for (const std::int64_t finished : {kMidnight - 1800, kMidnight + 1800}) list_again(small, finished);
  maintenance::ForgetOptions options;
  options.policy.daily = 100;
  options.dry_run = true;
  const auto kept = [&] {
    std::size_t count = 0;
    for (const auto& decision : maintenance::run_forget(small.repository(), options, system_clock())) {
      if (!decision.forgotten) ++count;
    }
    return count;
  };
  // Half an hour before and after midnight in UTC: one day to the east and to the west of it. The oldest is
  // kept in any case, as long as there are fewer than a hundred days.
  options.zones[set] = "UTC";
  REQUIRE(maintenance::run_forget(small.repository(), options, system_clock()).size() == 3);
  CHECK(kept() == 3);
  const auto reasons = [&] {
    const auto decisions = maintenance::run_forget(small.repository(), options, system_clock());
    return decisions.back().reasons;
  };
  CHECK(reasons() == std::vector<std::string>{"daily snapshot"});
  options.zones[set] = "Asia/Tokyo";
  CHECK(reasons() == std::vector<std::string>{"oldest daily snapshot"});
  options.zones[set] = "America/New_York";
  CHECK(reasons() == std::vector<std::string>{"oldest daily snapshot"});
  // That of another set says nothing.
  options.zones = {{"another", "Asia/Tokyo"}, {set, "UTC"}};
  CHECK(reasons() == std::vector<std::string>{"daily snapshot"});
}
