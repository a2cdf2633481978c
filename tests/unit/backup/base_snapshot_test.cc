#include "backup/base_snapshot.h"

#include <catch2/catch.hpp>
#include <cstdint>

namespace garner::backup {
namespace {

constexpr std::int64_t kHour = 3600;
constexpr TimePoint kNow{1'795'372'200, 0};

store::v1::SetDefinition set_of(const std::string& uuid, const std::string& source) {
  store::v1::SetDefinition set;
  set.set_uuid(uuid);
  set.add_sources(source);
  return set;
}

struct History {
  // `age`: hours since its scan began.
  void add(const std::string& id, const store::v1::SetDefinition& set, std::int64_t age,
           bool recovered = false, const std::string& host = "host") {
    store::v1::SnapshotEntry& entry = *state.add_snapshots();
    entry.set_id(id);
    entry.set_recovered(recovered);
    *entry.mutable_snapshot()->mutable_set() = set;
    entry.mutable_snapshot()->set_host(host);
    entry.mutable_snapshot()->mutable_scan_start()->set_seconds(kNow.seconds - age * kHour);
    // When it was finished does not count: what it holds is as of its scan.
    entry.mutable_snapshot()->mutable_finished()->set_seconds(kNow.seconds);
  }
  std::string base(TimePoint now = kNow) const {
    const store::v1::SnapshotEntry* found = find_base(state, home, "host", now);
    return found == nullptr ? "none" : found->id();
  }
  store::v1::RepositoryState state;
  store::v1::SetDefinition home = set_of("home", "/home");
};

TEST_CASE("a run compares with the newest snapshot of its set, wherever it stands in the log") {
  History history;
  CHECK(history.base() == "none");
  history.add("newest", history.home, 1);
  history.add("copied", history.home, 50);
  history.add("another", set_of("etc", "/etc"), 0);
  CHECK(history.base() == "newest");
  // Of two of the same time it is the one that was committed last.
  history.add("twin", history.home, 1);
  CHECK(history.base() == "twin");
}

TEST_CASE("a run does not compare with a snapshot of the future for ever") {
  History history;
  history.add("future", history.home, -10'000);
  CHECK(history.base() == "future");
  history.add("now", history.home, 2);
  CHECK(history.base() == "now");
  CHECK(history.base({kNow.seconds + 10'000 * kHour, 0}) == "future");
}

TEST_CASE("what may lack something comes after what is whole, and other sets of the same sources last") {
  History history;
  history.add("elsewhere", set_of("of another host", "/home"), 0, false, "another host");
  CHECK(history.base() == "none");
  history.add("older", set_of("of before", "/home"), 20);
  history.add("oldest", set_of("of before", "/home"), 30);
  CHECK(history.base() == "older");
  history.add("recovered", history.home, 9, true);
  history.add("recovered before", history.home, 10, true);
  CHECK(history.base() == "recovered");
  history.add("whole", history.home, 40);
  CHECK(history.base() == "whole");
}

TEST_CASE("of what several repositories have the whole, then the own, then the newest is compared with") {
  History history;
  history.add("whole", history.home, 40);
  history.add("newer", history.home, 30);
  history.add("recovered", history.home, 9, true);
  history.add("of another set", set_of("of before", "/home"), 1);
  const auto better = [&](int one, int other) {
    return is_better_base(history.state.snapshots(one), history.state.snapshots(other), history.home, kNow);
  };
  CHECK(better(0, 1));
  CHECK_FALSE(better(1, 0));
  CHECK(better(2, 0));
  CHECK_FALSE(better(0, 2));
  CHECK(better(3, 2));
  CHECK_FALSE(better(2, 3));
  CHECK_FALSE(better(1, 1));
}

}  // namespace
}  // namespace garner::backup
