#include "snapshot/versions.h"

#include <catch2/catch.hpp>

namespace garner::snapshot {
namespace {

using SightKind = Sight::Kind;

TEST_CASE("each version has when it was first and last there, and in how many snapshots") {
  VersionHistory history;
  const auto present = [](std::size_t version) { return Sight{SightKind::kPresent, version}; };
  history.add(0, "home", {});
  history.add(1, "home", present(0));
  history.add(2, "home", present(1));
  history.add(5, "home", present(0));
  history.add(6, "home", present(2));
  history.add(7, "home", present(2));
  const auto all = history.newest_first();
  REQUIRE(all.size() == 3);
  const auto is = [](const VersionHistory::Appearance& one, std::size_t version, std::size_t first,
                     std::size_t last, std::uint64_t snapshots) {
    return one.version == version && one.first == first && one.last == last && one.snapshots == snapshots;
  };
  CHECK(is(all[0], 2, 6, 7, 2));
  CHECK(is(all[1], 0, 1, 5, 2));
  CHECK(is(all[2], 1, 2, 2, 1));
  CHECK(history.gaps().empty());
  CHECK(history.snapshots() == 5);
}

TEST_CASE("a gap is where every set that ever had it does not") {
  VersionHistory history;
  const Sight present{SightKind::kPresent, 0};
  const Sight absent{SightKind::kAbsent};
  history.add(0, "home", absent);  // not yet
  history.add(1, "home", present);
  history.add(2, "etc", absent);  // leaves it out, always
  history.add(3, "home", absent);
  history.add(4, "etc", absent);
  history.add(5, "mail", {});
  history.add(6, "home", absent);
  history.add(7, "home", present);
  history.add(8, "all", present);
  history.add(9, "home", absent);  // still in the other one
  history.add(10, "all", absent);
  const auto& gaps = history.gaps();
  REQUIRE(gaps.size() == 2);
  CHECK((gaps[0].first == 3 && gaps[0].last == 6 && gaps[0].snapshots == 2 && gaps[0].ended));
  CHECK((gaps[1].first == 10 && gaps[1].last == 10 && gaps[1].snapshots == 1 && !gaps[1].ended));
}

}  // namespace
}  // namespace garner::snapshot
