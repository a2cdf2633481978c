// Which packs a check reads, so that all are read once in a period.
#include "maintenance/rotation.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <map>

using namespace garner;
using maintenance::choose_for_rotation;
using maintenance::PackToVerify;
using maintenance::Rotation;

namespace {

constexpr std::int64_t kSecondsADay = 86400;

store::ObjectName name_of(int number) {
  store::ObjectName name;
  name.value[0] = static_cast<std::uint8_t>(number);
  name.value[1] = static_cast<std::uint8_t>(number >> 8);
  return name;
}

PackToVerify pack(int number, std::uint64_t size, std::int64_t since, bool damaged = false) {
  return {{name_of(number), size}, since, damaged};
}

// The next runs come at this time each day.
Rotation daily(std::int64_t now, std::int64_t days = 30) {
  Rotation rotation{now, days * kSecondsADay, {}, 0};
  for (std::int64_t time = now + kSecondsADay; time <= now + rotation.period; time += kSecondsADay)
    rotation.later_runs.push_back(time);
  return rotation;
}

}  // namespace

TEST_CASE("nothing is chosen of nothing, and at least one pack of any") {
  CHECK(choose_for_rotation({}, daily(0)).empty());
  CHECK(choose_for_rotation({pack(1, 100, 0)}, daily(0)).size() == 1);
}

TEST_CASE("equal parts are read of what was first seen together, oldest first") {
  std::vector<PackToVerify> packs;
  for (int i = 0; i < 280; ++i) packs.push_back(pack(i, 10, 0));
  // 27 days and today: the last tenth of the period is kept for runs that do not come.
  CHECK(choose_for_rotation(packs, daily(0)).size() == 10);
  packs[200].since = -5;
  CHECK(choose_for_rotation(packs, daily(0)).front() == name_of(200));
}

TEST_CASE("what is due before the next run is read whatever it takes") {
  std::vector<PackToVerify> packs;
  for (int i = 0; i < 100; ++i) packs.push_back(pack(i, 10, i < 60 ? -28 * kSecondsADay : 0));
  const auto chosen = choose_for_rotation(packs, daily(0));
  CHECK(chosen.size() == 60);
  // Without any further run everything is.
  Rotation last = daily(0);
  last.later_runs.clear();
  CHECK(choose_for_rotation(packs, last).size() == 100);
}

TEST_CASE("new packs do not keep old ones waiting") {
  std::vector<PackToVerify> packs;
  for (int i = 0; i < 10; ++i) packs.push_back(pack(i, 10, -20 * kSecondsADay));
  for (int i = 10; i < 1000; ++i) packs.push_back(pack(i, 10, 0));
  const auto chosen = choose_for_rotation(packs, daily(0));
  for (int i = 0; i < 10; ++i) CHECK(std::find(chosen.begin(), chosen.end(), name_of(i)) != chosen.end());
}

TEST_CASE("packs found damaged come first, in every run and on top of its part") {
  std::vector<PackToVerify> packs;
  for (int i = 0; i < 280; ++i) packs.push_back(pack(i, 10, 0));
  packs[77].damaged = true;
  packs[77].since = 100;
  const auto chosen = choose_for_rotation(packs, daily(0));
  CHECK(chosen.front() == name_of(77));
  CHECK(chosen.size() == 11);
}

TEST_CASE("an attempt that goes on reads what is left of the run's part") {
  std::vector<PackToVerify> packs;
  for (int i = 4; i < 280; ++i) packs.push_back(pack(i, 10, 0));
  Rotation rotation = daily(0);
  rotation.read_before = 40;
  CHECK(choose_for_rotation(packs, rotation).size() == 6);
  packs.erase(packs.begin(), packs.begin() + 6);
  rotation.read_before = 100;
  CHECK(choose_for_rotation(packs, rotation).empty());
}

TEST_CASE("with runs that come equally, each pack is read in its time and nothing is read much more often") {
  const auto packs_a_day = GENERATE(0, 3, 40);
  struct Pack {
    std::uint64_t size;
    std::int64_t last;
  };
  std::map<int, Pack> packs;
  int next = 0;
  for (; next < 300; ++next) packs[next] = {static_cast<std::uint64_t>(next % 7 + 1), 0};
  std::uint64_t read = 0;
  std::uint64_t needed = 0;  // were each pack read once in 30 days
  for (std::int64_t day = 1; day <= 200; ++day) {
    const std::int64_t now = day * kSecondsADay;
    for (int i = 0; i < packs_a_day; ++i, ++next)
      packs[next] = {static_cast<std::uint64_t>(next % 7 + 1), now};
    std::vector<PackToVerify> there;
    for (const auto& [number, one] : packs) {
      there.push_back(pack(number, one.size, one.last));
      needed += one.size;
    }
    for (const store::ObjectName& name : choose_for_rotation(there, daily(now))) {
      Pack& one = packs.at(name.value[0] + (name.value[1] << 8));
      read += one.size;
      CHECK(now - one.last <= 30 * kSecondsADay);
      one.last = now;
    }
    for (const auto& [number, one] : packs) REQUIRE(now - one.last <= 30 * kSecondsADay);
  }
  CHECK(read <= needed / 30 * 3 / 2);
}
