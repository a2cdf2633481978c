#include <catch2/catch.hpp>
#include <initializer_list>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "all_snapshots.h"

namespace garner::daemon {
namespace {

constexpr std::int64_t kDay = 86'400;

using State = std::shared_ptr<const store::v1::RepositoryState>;

State state_of(std::initializer_list<std::pair<const char*, std::int64_t>> snapshots) {
  auto state = std::make_shared<store::v1::RepositoryState>();
  for (const auto& [id, finished] : snapshots) {
    store::v1::SnapshotEntry& entry = *state->add_snapshots();
    entry.set_id(id);
    entry.mutable_snapshot()->mutable_finished()->set_seconds(finished);
  }
  return state;
}

std::vector<SnapshotShelf> shelves_of(const std::vector<State>& states) {
  std::vector<SnapshotShelf> shelves;
  for (const State& state : states) shelves.push_back({"disk", nullptr, state});
  return shelves;
}

std::string ids_of(const KnownSnapshots::All& all) {
  std::string ids;
  for (const KnownSnapshot& one : *all) ids += one.entry->id() + std::to_string(one.shelves.size()) + ' ';
  return ids;
}

TEST_CASE("what is known of snapshots is made once for the same states, and anew for others") {
  KnownSnapshots known;
  const State one = state_of({{"a", 10}, {"b", 20}});
  const State two = state_of({{"b", 20}, {"c", 15}});
  const auto first = known.of(shelves_of({one, two}), {100, 0});
  CHECK(ids_of(first) == "a1 c1 b2 ");
  CHECK(known.of(shelves_of({one, two}), {101, 0}) == first);
  CHECK(ids_of(known.of(shelves_of({one}), {101, 0})) == "a1 b1 ");
  CHECK(ids_of(known.of(shelves_of({one, state_of({{"d", 5}})}), {101, 0})) == "d1 a1 b1 ");
  CHECK(ids_of(known.of(shelves_of({two, one}), {101, 0})) == "a1 c1 b2 ");
  CHECK(known.of({}, {101, 0})->empty());
  // What was told before stays.
  CHECK(ids_of(first) == "a1 c1 b2 ");
}

TEST_CASE("the order of snapshots is that of the clock as it is now") {
  KnownSnapshots known;
  const auto shelves = shelves_of({state_of({{"a", 10}, {"b", 5 * kDay}, {"c", 20}})});
  CHECK(ids_of(known.of(shelves, {100, 0})) == "b1 a1 c1 ");
  CHECK(ids_of(known.of(shelves, {4 * kDay, 0})) == "a1 c1 b1 ");
  CHECK(ids_of(known.of(shelves, {6 * kDay, 0})) == "a1 c1 b1 ");
  // Set back.
  CHECK(ids_of(known.of(shelves, {100, 0})) == "b1 a1 c1 ");
}

}  // namespace
}  // namespace garner::daemon
