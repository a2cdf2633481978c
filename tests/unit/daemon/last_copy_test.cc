#include "last_copy.h"

#include "copy_request.h"
#include "two_disks.h"

namespace garner::daemon {
namespace {

using catalog::RunKind;
using catalog::RunState;

constexpr std::int64_t kDay = 24 * 3600;

catalog::RunRow ended(RunState state, std::int64_t seconds, const std::string& failure = "") {
  catalog::RunRow row;
  row.kind = RunKind::kCopy;
  row.state = state;
  row.failure = failure;
  row.finished = TimePoint{seconds, 0};
  return row;
}

TEST_CASE("the last copy by itself to a destination is found, and none that somebody asked for") {
  WorkingMachine machine;
  catalog::RunTable& runs = machine.here.catalog.runs();
  CHECK_FALSE(last_copy(runs, "home", "b"));
  const StoredRequest request = catch_up_request(machine.here.sets.get("home"), "b");
  machine.begin(RunKind::kCopy, request);
  const auto second = machine.begin(RunKind::kCopy, request);
  machine.begin(RunKind::kCopy, catch_up_request(machine.here.sets.get("home"), "a"));
  StoredRequest asked = request;
  asked.by_itself = false;
  machine.begin(RunKind::kCopy, asked);
  REQUIRE(last_copy(runs, "home", "b"));
  CHECK(last_copy(runs, "home", "b")->number == second->number());
  CHECK_FALSE(last_copy(runs, "other", "b"));
}

TEST_CASE("after a copy that failed or was cancelled there is none for a day") {
  const TimePoint behind{1000, 0};
  const auto rests = [&](const catalog::RunRow& last, std::int64_t now,
                         std::optional<TimePoint> newest = {}) {
    return is_to_rest(last, behind, newest, {now, 0});
  };
  const TimePoint newer{2001, 0};
  const catalog::RunRow damaged = ended(RunState::kFailed, 2000, std::string(to_string(ErrorKind::kDamaged)));
  const catalog::RunRow failed = ended(RunState::kFailed, 2000, std::string(to_string(ErrorKind::kNotFound)));
  const catalog::RunRow cancelled = ended(RunState::kCancelled, 2000);
  for (const catalog::RunRow& last : {damaged, failed, cancelled}) {
    CHECK(rests(last, 2000 + kDay - 1));
    CHECK_FALSE(rests(last, 2000 + kDay));
    // The clock was set back.
    CHECK_FALSE(rests(last, 1900));
    // It has been given the snapshot since, and is behind anew.
    CHECK_FALSE(is_to_rest(last, {2001, 0}, {}, {2002, 0}));
  }
  CHECK(rests(failed, 2002, TimePoint{1999, 0}));
  CHECK_FALSE(rests(failed, 2002, newer));
  // The newer one has the same content.
  CHECK(rests(damaged, 2002, newer));
  CHECK(rests(cancelled, 2002, newer));
  CHECK_FALSE(rests(ended(RunState::kFinished, 2000), 2001));
  catalog::RunRow running = ended(RunState::kRunning, 0);
  running.finished.reset();
  CHECK_FALSE(rests(running, 2001));
  CHECK(found_damage(damaged, behind, {2001, 0}));
  CHECK_FALSE(found_damage(failed, behind, {2001, 0}));
}

}  // namespace
}  // namespace garner::daemon
