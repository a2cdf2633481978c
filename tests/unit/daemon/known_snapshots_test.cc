#include <catch2/catch.hpp>
#include <initializer_list>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "all_snapshots.h"

namespace garner::daemon {
namespace {

constexpr std::int64_t kDayOfClock = 86'400;

using KnownState = std::shared_ptr<const store::v1::RepositoryState>;

KnownState state_holding(std::initializer_list<std::pair<const char*, std::int64_t>> snapshots) {
  auto state = std::make_shared<store::v1::RepositoryState>();
  for (const auto& [id, finished] : snapshots) {
    store::v1::SnapshotEntry& entry = *state->add_snapshots();
    entry.set_id(id);
    entry.mutable_snapshot()->mutable_finished()->set_seconds(finished);
  }
  return state;
}

std::vector<SnapshotShelf> shelves_holding(const std::vector<KnownState>& states) {
  std::vector<SnapshotShelf> shelves;
  for (const KnownState& state : states) shelves.push_back({"disk", nullptr, state});
  return shelves;
}

std::string known_ids(const KnownSnapshots::All& all) {
  std::string ids;
  for (const KnownSnapshot& one : *all) ids += one.entry->id() + std::to_string(one.shelves.size()) + ' ';
  return ids;
}

TEST_CASE("what is known of snapshots is made once for the same states, and anew for others") {
  KnownSnapshots known;
  const KnownState one = state_holding({{"a", 10}, {"b", 20}});
  const KnownState two = state_holding({{"b", 20}, {"c", 15}});
  const auto first = known.of(shelves_holding({one, two}), {100, 0});
  CHECK(known_ids(first) == "a1 c1 b2 ");
  CHECK(known.of(shelves_holding({one, two}), {101, 0}) == first);
  CHECK(known_ids(known.of(shelves_holding({one}), {101, 0})) == "a1 b1 ");
  CHECK(known_ids(known.of(shelves_holding({one, state_holding({{"d", 5}})}), {101, 0})) == "d1 a1 b1 ");
  CHECK(known_ids(known.of(shelves_holding({two, one}), {101, 0})) == "a1 c1 b2 ");
  CHECK(known.of({}, {101, 0})->empty());
  // What was told before stays.
  CHECK(known_ids(first) == "a1 c1 b2 ");
}

TEST_CASE("the order of snapshots is that of the clock as it is now") {
  KnownSnapshots known;
  const auto shelves = shelves_holding({state_holding({{"a", 10}, {"b", 5 * kDayOfClock}, {"c", 20}})});
  CHECK(known_ids(known.of(shelves, {100, 0})) == "b1 a1 c1 ");
  CHECK(known_ids(known.of(shelves, {4 * kDayOfClock, 0})) == "a1 c1 b1 ");
  CHECK(known_ids(known.of(shelves, {6 * kDayOfClock, 0})) == "a1 c1 b1 ");
  // Set back.
  CHECK(known_ids(known.of(shelves, {100, 0})) == "b1 a1 c1 ");
}

}  // namespace
}  // namespace garner::daemon
