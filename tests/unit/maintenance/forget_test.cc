// What forget adds to the rules: the clocks of each set's own zone, and what no rule may forget.
#include "maintenance/forget.h"

#include <algorithm>
#include <catch2/catch.hpp>

#include "snapshot/node.h"
#include "unit/maintenance/maintenance_fixture.h"

using namespace garner;
using namespace garner::testing;

namespace {

constexpr std::int64_t kMidnight = 1'767'312'000;  // 2026-01-02 00:00:00 UTC

struct SetClock final : Clock {
  explicit SetClock(std::int64_t seconds) : time{seconds, 0} {}
  TimePoint now() const override { return time; }
  std::chrono::steady_clock::time_point steady() const override { return system_clock().steady(); }
  const TimePoint time;
};

// Into `record`: the newest snapshot again, as finished at that time.
void list_again(const store::Repository& repository, std::int64_t finished, store::Record& record) {
  const auto state = repository.state();
  auto& added = *record.body.add_add_snapshots();
  *added.mutable_snapshot() = state->snapshots(state->snapshots_size() - 1).snapshot();
  const Uuid run = Uuid::random();
  added.mutable_snapshot()->set_run(std::string(as_text(run.view())));
  *added.mutable_snapshot()->mutable_finished() = snapshot::to_proto(TimePoint{finished, 0});
  const auto id =
      repository.hasher().id(crypto::BlobKind::kSnapshot, as_bytes(added.snapshot().SerializeAsString()));
  added.set_id(id.value.data(), id.value.size());
}

void list_again(SmallRepository& small, std::int64_t finished) {
  forge_record(small.repository(),
               [&](store::Record& record) { list_again(small.repository(), finished, record); });
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

TEST_CASE("a snapshot that is whole is not forgotten to make room for one that may lack something") {
  TemporaryFolder source;
  SmallRepository small;
  write_file(source.path("file"), noise(9000, 1));
  small.back_up({source.path()});
  for (int number = 1; number <= 3; ++number) list_again(small, kMidnight + number);
  const auto newest_first = [&] {
    maintenance::ForgetOptions options;
    options.policy.last = 4;
    options.dry_run = true;
    return maintenance::run_forget(small.repository(), options, system_clock());
  };
  const auto all = newest_first();
  REQUIRE(all.size() == 4);
  store::CommitPlan plan;
  plan.removal.decided_on = small.repository().state()->generation();
  plan.removal.mark_recovered = {all[0].id, all[2].id};
  REQUIRE(small.repository().commit(plan).committed);

  maintenance::ForgetOptions options;
  options.policy.last = 1;
  const auto decisions = maintenance::run_forget(small.repository(), options, system_clock());
  REQUIRE(decisions.size() == 4);
  // The newest of all, and the newest that is whole.
  CHECK_FALSE(decisions[0].forgotten);
  CHECK_FALSE(decisions[1].forgotten);
  CHECK(decisions[1].id == all[1].id);
  CHECK(decisions[1].reasons == std::vector<std::string>{"last snapshot"});
  CHECK(decisions[2].forgotten);
  CHECK(decisions[3].forgotten);
}

TEST_CASE("a clock that is or was wrong makes nobody forget the newest snapshot") {
  TemporaryFolder source;
  SmallRepository small;
  write_file(source.path("file"), noise(9000, 1));
  small.back_up({source.path()});
  const std::int64_t now = system_clock().now().seconds + 3600;
  const SetClock clock(now);
  maintenance::ForgetOptions options;
  options.policy.last = 1;
  // Of the last two in the log.
  const auto reasons = [&] {
    const auto state = small.repository().state();
    const auto decisions = maintenance::run_forget(small.repository(), options, clock);
    std::vector<std::vector<std::string>> found;
    for (int place = state->snapshots_size() - 2; place < state->snapshots_size(); ++place) {
      const auto decision = std::ranges::find_if(
          decisions, [&](const auto& one) { return as_text(one.id.view()) == state->snapshots(place).id(); });
      found.push_back(decision->reasons);
    }
    return found;
  };
  using Reasons = std::vector<std::vector<std::string>>;
  SECTION("it was ahead by hours, or by years") {
    list_again(small, now + GENERATE(20 * 3600, 10 * 365 * 86'400));
    list_again(small, now - 1);
    CHECK(reasons() == Reasons{{"last snapshot"}, {"last snapshot"}});
    CHECK(small.repository().state()->snapshots_size() == 2);
  }
  SECTION("it was ahead: a history grows beside what was made then") {
    for (int day = 1; day <= 3; ++day) list_again(small, now + (1000 + day) * 86'400);
    for (int day = 9; day > 0; --day) list_again(small, now - day * 86'400);
    options.policy.last = 3;
    CHECK(reasons() == Reasons{{"last snapshot"}, {"last snapshot"}});
    CHECK(small.repository().state()->snapshots_size() == 6);
  }
  SECTION("it was behind") {
    list_again(small, 86'400);
    CHECK(reasons() == Reasons{{"last snapshot"}, {"last in the log"}});
  }
}

TEST_CASE("false snapshots of who may only add push out true ones, but none that age or a pin keeps") {
  TemporaryFolder source;
  SmallRepository small;
  store::Repository& repository = small.repository();
  write_file(source.path("file"), noise(9000, 1));
  small.back_up({source.path()});
  const SetClock clock(system_clock().now().seconds + 3600);
  for (int day = 3; day > 0; --day) list_again(small, clock.time.seconds - day * 86'400);
  std::vector<crypto::BlobId> true_ones;
  for (const auto& entry : repository.state()->snapshots())
    true_ones.push_back(crypto::BlobId::from_bytes(as_bytes(entry.id())));
  REQUIRE(true_ones.size() == 4);
  // As many as the rule keeps, each newer than all of them.
  forge_record_by_other(repository, [&](store::Record& record) {
    for (int number = 1; number <= 4; ++number) list_again(repository, clock.time.seconds - number, record);
  });
  repository.refresh();
  REQUIRE(repository.state()->snapshots_size() == 8);

  maintenance::ForgetOptions options;
  options.policy.last = 4;
  options.dry_run = true;
  const auto kept = [&] {
    return std::ranges::count_if(
        maintenance::run_forget(repository, options, clock), [&](const auto& decision) {
          return !decision.forgotten && std::ranges::count(true_ones, decision.id) == 1;
        });
  };
  CHECK(kept() == 0);
  maintenance::set_pinned(repository, true_ones[1], true);
  CHECK(kept() == 1);
  options.policy.within.days = 1;
  CHECK(kept() == 3);
}
