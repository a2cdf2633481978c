#include "browse/timeline.h"

#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "sample_times.h"
#include "snapshot_list.h"

namespace garner::client::browse {
namespace {

constexpr std::int64_t kNewest = SnapshotList::kTime;
constexpr std::int64_t kHour = 3600;

using Lines = std::vector<std::string>;

// "2026 (5)" of a row that is folded, "2026 [5]" of one that is open.
Lines timeline_lines(const Timeline& timeline) {
  Lines all;
  for (const Timeline::Row& row : timeline.rows()) {
    const std::string count = std::to_string(row.count);
    std::string line = std::string(2 * static_cast<std::size_t>(row.level), ' ') + timeline.label(row);
    if (row.level != Timeline::Level::kSnapshot)
      line += row.is_open ? " [" + count + "]" : " (" + count + ")";
    all.push_back(line);
  }
  return all;
}

Timeline five() {
  SnapshotList list;
  list.add("aaaa", 0);
  list.add("bbbb", kHour, "mail");
  list.add("cccc", 2 * kSecondsADay);
  list.add("dddd", 40 * kSecondsADay, "mail");
  list.add("eeee", 400 * kSecondsADay).add_tags("Before-Move");
  return Timeline(list.list);
}

TEST_CASE("years, months and days are folded, but for the newest day") {
  CHECK(timeline_lines(five()) == Lines{"2026 [4]", "  November [3]", "    Sun 29 [2]", "      07:55:05 home",
                                        "      06:55:05 mail", "    Fri 27 (1)", "  October (1)",
                                        "2025 (1)"});
}

TEST_CASE("a row is opened and folded, and what is below it stays as it was") {
  Timeline timeline = five();
  timeline.set_open(7, true);
  CHECK(timeline_lines(timeline).back() == "  October (1)");
  timeline.set_open(8, true);
  timeline.set_open(9, true);
  CHECK(timeline_lines(timeline).back() == "      07:55:05 home");
  timeline.set_open(0, false);
  CHECK(timeline_lines(timeline) ==
        Lines{"2026 (4)", "2025 [1]", "  October [1]", "    Sat 25 [1]", "      07:55:05 home"});
  timeline.set_open(0, true);
  CHECK(timeline_lines(timeline).at(3) == "      07:55:05 home");
  CHECK(timeline.row_above(3) == 2);
  CHECK(timeline.row_above(5) == 1);
  CHECK(timeline.row_above(1) == 0);
  CHECK(timeline.row_above(0) == 0);
}

TEST_CASE("what is folded away is found again") {
  Timeline timeline = five();
  const auto row = timeline.reveal(4);
  REQUIRE(row);
  CHECK(timeline.rows()[*row].snapshot == 4);
  CHECK(timeline_lines(timeline)[*row] == "      07:55:05 home");
}

TEST_CASE("before and after a snapshot are those of its set, whatever the filter is") {
  Timeline timeline = five();
  timeline.filter("mail");
  CHECK(timeline.older(0) == 2u);
  CHECK(timeline.older(2) == 4u);
  CHECK(timeline.older(4) == std::nullopt);
  CHECK(timeline.newer(4) == 2u);
  CHECK(timeline.newer(0) == std::nullopt);
  CHECK(timeline.older(1) == 3u);
}

TEST_CASE("a filter is of words in set, host, time and tags, and of the id's beginning") {
  Timeline timeline = five();
  const auto matching = [&](const std::string& words) {
    timeline.filter(words);
    std::string found;
    for (const Timeline::Row& row : timeline.rows()) {
      if (row.level == Timeline::Level::kSnapshot) found += timeline.snapshot(row.snapshot).id().substr(0, 1);
    }
    CHECK(timeline.matches() == found.size());
    return found;
  };
  CHECK(matching("MAIL") == "bd");
  CHECK(matching("2026-11") == "abc");
  CHECK(matching("home 2026") == "ac");
  CHECK(matching("november") == "abc");
  CHECK(matching("attic 06:55") == "b");
  CHECK(matching("dddd") == "d");
  CHECK(matching("before-") == "e");
  CHECK(matching("0000").empty());
  CHECK(timeline.rows().empty());
  CHECK(timeline.reveal(0) == std::nullopt);
}

TEST_CASE("with a filter all is open, until it is folded; without it, folds are as before") {
  Timeline timeline = five();
  const Lines before = timeline_lines(timeline);
  timeline.filter("mail");
  CHECK(timeline_lines(timeline) == Lines{"2026 [2]", "  November [1]", "    Sun 29 [1]",
                                          "      06:55:05 mail", "  October [1]", "    Tue 20 [1]",
                                          "      07:55:05 mail"});
  timeline.set_open(1, false);
  CHECK(timeline_lines(timeline).at(1) == "  November (1)");
  CHECK(timeline_lines(timeline).at(2) == "  October [1]");
  timeline.filter("");
  CHECK(timeline_lines(timeline) == before);
}

TEST_CASE("what has no time is in no day") {
  SnapshotList list;
  list.add("aaaa", 0);
  list.add("bbbb", kNewest);
  CHECK(timeline_lines(Timeline(list.list)).back() == "no time (1)");
  // What is shown instead, or a year before Christ, is as long as a time.
  for (const std::int64_t seconds : {70'000'000'000'000'000, -77'945'695'200, -7'000'000'000'000'000'000}) {
    list.list.mutable_snapshots(1)->mutable_time()->set_seconds(seconds);
    Timeline timeline(list.list);
    CHECK(timeline_lines(timeline).back() == "no time (1)");
    timeline.set_open(timeline.rows().size() - 1, true);
    CHECK(timeline.reveal(1).has_value());
    CHECK(timeline_lines(timeline).back().ends_with(" home"));
  }
  CHECK(Timeline(v1::ListSnapshotsResponse()).rows().empty());
}

TEST_CASE("of 10,000 snapshots a filter leaves those of one set") {
  SnapshotList list;
  for (int i = 0; i < 10'000; ++i)
    list.add(std::to_string(1000 + i), i * kHour, "set-" + std::to_string(i % 20));
  Timeline timeline(list.list);
  timeline.filter("set-7");
  CHECK(timeline.matches() == 500);
}

}  // namespace
}  // namespace garner::client::browse
