#include "version_text.h"

#include <catch2/catch.hpp>
#include <cstdlib>
#include <ctime>

#include "failure.h"
#include "sample_times.h"

namespace garner::client {
namespace {

v1::FileVersion version(std::uint32_t number, std::int64_t first, std::int64_t last) {
  v1::FileVersion version;
  version.set_number(number);
  version.mutable_first_seen()->set_seconds(kEvening + first * kSecondsADay);
  version.mutable_last_seen()->set_seconds(kEvening + last * kSecondsADay);
  version.set_first_snapshot("aaaaaaaaaaaaaaaa");
  version.set_last_snapshot("bbbbbbbbbbbbbbbb");
  version.set_snapshots(2);
  version.add_destinations("disk");
  version.add_destinations("nas");
  version.mutable_entry()->set_size(1536);
  version.mutable_entry()->set_mode("-rw-r--r--");
  version.mutable_entry()->mutable_mtime()->set_seconds(kEvening);
  return version;
}

v1::VersionGap gap(std::int64_t first, std::int64_t last) {
  v1::VersionGap gap;
  gap.mutable_first_seen()->set_seconds(kEvening + first * kSecondsADay);
  gap.mutable_last_seen()->set_seconds(kEvening + last * kSecondsADay);
  gap.set_first_snapshot("cccccccccccccccc");
  gap.set_last_snapshot("dddddddddddddddd");
  gap.set_snapshots(1);
  return gap;
}

v1::ListVersionsResponse sample_versions() {
  v1::ListVersionsResponse list;
  *list.add_versions() = version(1, 3, 3);
  *list.add_versions() = version(2, 0, 1);
  *list.add_gaps() = gap(4, 4);
  *list.add_gaps() = gap(2, 2);
  return list;
}

TEST_CASE("versions and gaps stand in the order of time, the last seen first") {
  setenv("TZ", "UTC", 1);
  tzset();
  CHECK(version_table(sample_versions()).render(Terminal{}) ==
        "#  FIRST SEEN        LAST SEEN            SIZE  MTIME             IN  AT         LAST ID       "
        "FIRST ID"
        "      MODE\n"
        "-  2026-11-26 18:30  2026-11-26 18:30     gone                     1             dddddddddddd"
        "  cccccccccccc\n"
        "1  2026-11-25 18:30  2026-11-25 18:30  1.5 KiB  2026-11-22 18:30   2  disk, nas  bbbbbbbbbbbb"
        "  aaaaaaaaaaaa  -rw-r--r--\n"
        "-  2026-11-24 18:30  2026-11-24 18:30     gone                     1             dddddddddddd"
        "  cccccccccccc\n"
        "2  2026-11-22 18:30  2026-11-23 18:30  1.5 KiB  2026-11-22 18:30   2  disk, nas  bbbbbbbbbbbb"
        "  aaaaaaaaaaaa  -rw-r--r--\n");
}

TEST_CASE("on a narrow terminal no line is longer than it, and times stay") {
  setenv("TZ", "UTC", 1);
  tzset();
  Terminal terminal;
  terminal.interactive = true;
  terminal.width = 80;
  const std::string table = version_table(sample_versions()).render(terminal);
  for (std::size_t begin = 0; begin < table.size();) {
    const std::size_t end = table.find('\n', begin);
    CHECK(end - begin <= 80);
    begin = end + 1;
  }
  CHECK(table.find("2026-11-25 18:30  2026-11-25 18:30  1.5 KiB  2026-11-22 18:30") != std::string::npos);
}

TEST_CASE("a number is one of those that there are") {
  CHECK(parse_version_number("--version", "3") == 3);
  for (const char* text : {"0", "", "-1", "1.5", "one", "latest"}) {
    INFO(text);
    CHECK_THROWS_AS(parse_version_number("--version", text), Failure);
  }
  const v1::ListVersionsResponse list = sample_versions();
  CHECK(version_numbered(list, 2, "/x").first_seen().seconds() == kEvening);
  try {
    version_numbered(list, 3, "/home/x");
    FAIL("there is no version 3");
  } catch (const Failure& failure) {
    CHECK(failure.exit_code() == kExitFailed);
    CHECK(std::string(failure.what()) == "/home/x has no version 3: there are versions 1 to 2");
  }
}

}  // namespace
}  // namespace garner::client
