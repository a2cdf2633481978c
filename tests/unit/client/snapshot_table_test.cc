// Which columns and headings a list of snapshots has.
#include "snapshot_table.h"

#include <rapidcheck.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <cstdlib>
#include <ctime>

#include "failure.h"
#include "sample_times.h"

using namespace garner::client;
namespace v1 = garner::v1;

namespace {

// `count` snapshots, each `gap` seconds older than the one before.
v1::ListSnapshotsResponse snapshots(int count, std::int64_t gap) {
  v1::ListSnapshotsResponse list;
  for (int i = 0; i < count; ++i) {
    v1::SnapshotInfo& one = *list.add_snapshots();
    one.set_id("4f2a91c0d7e8bb00");
    one.set_set("home");
    one.set_host("attic");
    one.set_files(1234);
    one.mutable_time()->set_seconds(kEvening - i * gap);
    one.add_sources("/home");
    one.add_sources("/srv");
    one.add_destinations("disk");
  }
  return list;
}

SnapshotTable table_of(const v1::ListSnapshotsResponse& list, std::vector<SnapshotColumn> columns) {
  SnapshotTable table(std::move(columns));
  for (const v1::SnapshotInfo& one : list.snapshots()) table.add(one);
  return table;
}

std::string shown_table(const v1::ListSnapshotsResponse& list, const std::string& columns,
                        SnapshotGroups groups) {
  return table_of(list, parse_snapshot_columns(columns)).render(Terminal{}, groups);
}

// The columns that a list has where none are named.
std::string usual_headings(const v1::ListSnapshotsResponse& list, bool sizes = false) {
  const std::string text =
      table_of(list, usual_snapshot_columns(sizes)).render(Terminal{}, SnapshotGroups::kNone);
  return text.substr(0, text.find('\n'));
}

SnapshotGroups usual_groups(const v1::ListSnapshotsResponse& list, const Terminal& terminal) {
  return table_of(list, usual_snapshot_columns(false)).usual_groups(terminal);
}

// The error's message and advice.
template <typename Parse>
std::string refusal(const Parse& parse) {
  try {
    parse();
  } catch (const Failure& failure) {
    CHECK(failure.exit_code() == kExitUsage);
    return failure.what() + std::string("\n") + failure.advice();
  }
  return {};
}

}  // namespace

TEST_CASE("columns are those that are named, in their order") {
  CHECK(shown_table(snapshots(1, 0), "files,id", SnapshotGroups::kNone) ==
        "FILES  ID\n1,234  4f2a91c0d7e8\n");
  CHECK(shown_table(snapshots(1, 0), "host,sources,at,errors,note", SnapshotGroups::kNone) ==
        "HOST   SOURCES      AT    ERRORS  NOTE\nattic  /home, /srv  disk       0\n");
  for (const char* names : {"", "id,", ",id", "id,,set", "ID", "size", "id set"}) {
    INFO(names);
    CHECK_THAT(
        refusal([&] { parse_snapshot_columns(names); }),
        Catch::Contains("id, set, time, host, sources, files, bytes, new, only, errors, at, tags, note"));
  }
  CHECK_THAT(refusal([] { parse_snapshot_columns("id,set,id"); }), Catch::Contains("id is given twice"));
}

TEST_CASE("any columns that are named are those, named again") {
  REQUIRE(rc::check([] {
    const auto names = *rc::gen::unique<std::vector<std::string>>(
        rc::gen::element<std::string>("id", "set", "time", "host", "sources", "files", "bytes", "new", "only",
                                      "errors", "at", "tags", "note"));
    RC_PRE(!names.empty());
    std::string text;
    for (const std::string& name : names) text += (text.empty() ? "" : ",") + name;
    std::string again;
    for (const SnapshotColumn& column : parse_snapshot_columns(text))
      again += (again.empty() ? "" : ",") + column.name;
    RC_ASSERT(again == text);
  }));
}

TEST_CASE("notes have a column where there are any") {
  v1::ListSnapshotsResponse list = snapshots(2, 1);
  CHECK_THAT(usual_headings(list), Catch::EndsWith("AT"));
  list.mutable_snapshots(1)->set_pinned(true);
  list.mutable_snapshots(1)->set_error_count(2);
  CHECK_THAT(usual_headings(list), Catch::EndsWith("NOTE"));
  CHECK_THAT(shown_table(list, "id,note", SnapshotGroups::kNone), Catch::Contains("pinned, 2 errors"));
}

TEST_CASE("sizes have a column where they were asked for") {
  v1::ListSnapshotsResponse list = snapshots(2, 1);
  list.mutable_sizes()->set_held_bytes(5000);
  list.mutable_snapshots(0)->set_only_bytes(0);
  list.mutable_snapshots(1)->set_only_bytes(2048);
  CHECK_THAT(usual_headings(list), !Catch::Contains("ONLY"));
  CHECK_THAT(usual_headings(list, true), Catch::Contains("ONLY"));
  CHECK(shown_table(list, "only", SnapshotGroups::kNone) == "   ONLY\n    0 B\n2.0 KiB\n");
  // Of one that cannot be read nobody knows.
  list.mutable_snapshots(1)->clear_only_bytes();
  CHECK(shown_table(list, "only", SnapshotGroups::kNone) == "ONLY\n 0 B\n   -\n");
}

TEST_CASE("tags have a column where there are any") {
  v1::ListSnapshotsResponse list = snapshots(2, 1);
  list.mutable_snapshots(1)->add_tags("before-upgrade");
  list.mutable_snapshots(1)->add_tags("kept");
  CHECK_THAT(usual_headings(list), Catch::EndsWith("TAGS"));
  CHECK_THAT(shown_table(list, "id,tags", SnapshotGroups::kNone), Catch::Contains("before-upgrade, kept"));
  list.mutable_snapshots(0)->set_pinned(true);
  CHECK_THAT(usual_headings(list), Catch::EndsWith("NOTE"));
}

TEST_CASE("orders and periods have names") {
  CHECK(parse_snapshot_order("bytes") == v1::SNAPSHOT_ORDER_BYTES);
  CHECK(parse_snapshot_groups("week") == SnapshotGroups::kWeek);
  CHECK_THAT(refusal([] { parse_snapshot_order("size"); }),
             Catch::Contains("time, files, bytes, new, errors, set, host"));
  CHECK_THAT(refusal([] { parse_snapshot_groups("year"); }), Catch::Contains("none, day, week, month"));
}

TEST_CASE("headings stand above days, weeks and months") {
  setenv("TZ", "UTC", 1);
  tzset();
  const v1::ListSnapshotsResponse list =
      snapshots(3, 15 * kSecondsADay / 2);  // 11-22, 11-15 in the morning, 11-07
  CHECK(shown_table(list, "time", SnapshotGroups::kDay) ==
        "TIME\n"
        "Sunday, 2026-11-22\n"
        "2026-11-22 18:30:00\n"
        "Sunday, 2026-11-15\n"
        "2026-11-15 06:30:00\n"
        "Saturday, 2026-11-07\n"
        "2026-11-07 18:30:00\n");
  CHECK(shown_table(list, "set", SnapshotGroups::kWeek) ==
        "SET\n"
        "Week of Monday, 2026-11-16\n"
        "home\n"
        "Week of Monday, 2026-11-09\n"
        "home\n"
        "Week of Monday, 2026-11-02\n"
        "home\n");
  CHECK(shown_table(list, "set", SnapshotGroups::kMonth) == "SET\nNovember 2026\nhome\nhome\nhome\n");
}

TEST_CASE("long lists on a terminal are grouped by what suits them") {
  Terminal terminal;
  CHECK(usual_groups(snapshots(100, 3600), terminal) == SnapshotGroups::kNone);
  terminal.interactive = true;
  CHECK(usual_groups(snapshots(30, 3600), terminal) == SnapshotGroups::kNone);
  CHECK(usual_groups(snapshots(100, 3600), terminal) == SnapshotGroups::kDay);
  CHECK(usual_groups(snapshots(100, kSecondsADay), terminal) == SnapshotGroups::kWeek);
  CHECK(usual_groups(snapshots(100, 7 * kSecondsADay), terminal) == SnapshotGroups::kMonth);
}
