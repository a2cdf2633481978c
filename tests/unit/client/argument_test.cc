// What people type: snapshots with paths, names, paths, percentages.
#include "argument.h"

#include <unistd.h>

#include <catch2/catch.hpp>

#include "failure.h"
#include "support/temporary_folder.h"

using namespace garner::client;

namespace {

std::pair<std::string, std::string> split(const std::string& text) {
  const SnapshotPath result = split_snapshot_path(text);
  return {result.snapshot, result.path};
}

using Pair = std::pair<std::string, std::string>;

}  // namespace

TEST_CASE("a tag is checked before it is sent") {
  for (const char* tag : {"a", "before-upgrade", "host:attic", "v1.2+3", "team/ops", "user@host", "k=v_1"})
    CHECK_NOTHROW(check_tag("--tag", tag));
  CHECK_NOTHROW(check_tag("--tag", std::string(64, 'x')));
  CHECK_THROWS_AS(check_tag("--tag", std::string(65, 'x')), Failure);
  for (const char* text : {"", "-a", ".a", "a b", "a,b", "\x1b[2J", "\xc3\xbc"})
    CHECK_THROWS_AS(check_tag("--tag", text), Failure);
}

TEST_CASE("a snapshot's path begins behind the first colon that is not part of a time") {
  CHECK(split("latest") == Pair("latest", ""));
  CHECK(split("latest:") == Pair("latest", ""));
  CHECK(split("4f2a91c0:notes.txt") == Pair("4f2a91c0", "notes.txt"));
  CHECK(split("latest:/etc") == Pair("latest", "/etc"));
  CHECK(split("latest:a:/b") == Pair("latest", "a:/b"));
  CHECK(split("latest:/a:b:/c") == Pair("latest", "/a:b:/c"));
  CHECK(split("home~2:x") == Pair("home~2", "x"));
  CHECK(split("home@latest:/x") == Pair("home@latest", "/x"));
  CHECK(split("home@2026-11-22") == Pair("home@2026-11-22", ""));
  CHECK(split("home@2026-11-22:/x") == Pair("home@2026-11-22", "/x"));
  CHECK(split("home@2026-11-22:18") == Pair("home@2026-11-22", "18"));
  CHECK(split("home@2026-11-22T18:30") == Pair("home@2026-11-22T18:30", ""));
  CHECK(split("home@2026-11-22T18:30:/x") == Pair("home@2026-11-22T18:30", "/x"));
  CHECK(split("home@2026-11-22T18:30:docs") == Pair("home@2026-11-22T18:30", "docs"));
  CHECK(split("home@2026-11-22T18:30:05") == Pair("home@2026-11-22T18:30:05", ""));
  CHECK(split("home@2026-11-22T18:30:05:45") == Pair("home@2026-11-22T18:30:05", "45"));
  CHECK(split("home@2026-11-22T18:30:05Z:/x") == Pair("home@2026-11-22T18:30:05Z", "/x"));
  CHECK(split("home@2026-11-22T18:30+01:00:/x") == Pair("home@2026-11-22T18:30+01:00", "/x"));
  CHECK(split("home@2026-11-22 18:30:x y") == Pair("home@2026-11-22 18:30", "x y"));
  CHECK(split("home@2026-11-22t18:30") == Pair("home@2026-11-22t18:30", ""));
  CHECK(split("home@2026-11-22t18:30z:/x") == Pair("home@2026-11-22t18:30z", "/x"));
  CHECK(split("home@2026-11-22+01:00") == Pair("home@2026-11-22+01:00", ""));
  CHECK(split("home@2026-11-22-05:30:/x") == Pair("home@2026-11-22-05:30", "/x"));
  CHECK(split("home@2026-11:30") == Pair("home@2026-11", "30"));
  // An `@` in the path is no time.
  CHECK(split("latest:/a@2026-11-22T18:30") == Pair("latest", "/a@2026-11-22T18:30"));
  CHECK(split("latest:\xff\n") == Pair("latest", "\xff\n"));
}

TEST_CASE("every beginning of a snapshot with a path is split or refused, and loses no byte") {
  const std::string whole = "home@2026-11-22T18:30:05.25+01:00:/a:b@c";
  for (std::size_t length = 1; length <= whole.size(); ++length) {
    const std::string text = whole.substr(0, length);
    const auto [snapshot, path] = split(text);
    CHECK(text.starts_with(snapshot));
    CHECK(text.ends_with(path));
    CHECK(text.size() - snapshot.size() - path.size() <= 1);
  }
}

TEST_CASE("a record's number is taken as it is shown") {
  CHECK(parse_generation("--accept-log", "1") == 1);
  CHECK(parse_generation("--accept-log", "1,099,511,627,776") == 1099511627776);
  CHECK(parse_generation("--accept-log", "18446744073709551615") == 18446744073709551615u);
  for (const char* text : {"", "0", ",", "-1", "+1", "1e3", " 1", "1 ", "18446744073709551616", "x"}) {
    CAPTURE(text);
    CHECK_THROWS_AS(parse_generation("--accept-log", text), Failure);
  }
}

TEST_CASE("a snapshot must be named, in UTF-8") {
  CHECK_THROWS_AS(split_snapshot_path(""), Failure);
  CHECK_THROWS_AS(split_snapshot_path(":/x"), Failure);
  CHECK_THROWS_AS(split_snapshot_path("\xff:/x"), Failure);
}

TEST_CASE("a time of day in words keeps its colons") {
  CHECK(split("home@yesterday 18:30") == Pair("home@yesterday 18:30", ""));
  CHECK(split("home@yesterday 8:30:letters") == Pair("home@yesterday 8:30", "letters"));
  CHECK(split("home@monday:/x") == Pair("home@monday", "/x"));
  CHECK(split("home@18:30") == Pair("home@18:30", ""));
  CHECK(split("home@2 weeks ago:letters/18:30") == Pair("home@2 weeks ago", "letters/18:30"));
  CHECK(split("home@2026-11-22T8:30Z:x") == Pair("home@2026-11-22T8:30Z", "x"));
  CHECK(split("home@latest:18:30") == Pair("home@latest", "18:30"));
}

TEST_CASE("a set or a SELECTOR") {
  for (const char* good : {"home", "4f2a", "latest", "home@latest", "~1", "home~1..~5",
                           "2026-11-01..yesterday", "home@2 weeks ago", "yesterday 9:00..now"})
    CHECK_NOTHROW(check_set_or_selector(good));
  for (const char* bad : {"", " ", "a b", "a/b", "a:b", ".hidden", "2026-11-22 18:30", "\xff~1", "ä"})
    CHECK_THROWS_AS(check_set_or_selector(bad), Failure);
}

TEST_CASE("names") {
  for (const char* good : {"a", "home", "2nd", "a.b_c-d", "A"}) CHECK_NOTHROW(check_name("set", good));
  for (const char* bad : {"", ".a", "-a", "_a", "a b", "a/b", "ä", "a:b", "a@b", "a~b", "a\n"}) {
    CHECK_THROWS_AS(check_name("set", bad), Failure);
  }
}

TEST_CASE("paths are made absolute without looking at what they name") {
  CHECK(absolute_path("--to", "/a/b", "/w") == "/a/b");
  CHECK(absolute_path("--to", "a", "/w") == "/w/a");
  CHECK(absolute_path("--to", ".", "/w/x") == "/w/x");
  CHECK(absolute_path("--to", "./a//b/./c/", "/w") == "/w/a/b/c");
  CHECK(absolute_path("--to", "../a", "/nowhere/x") == "/nowhere/a");
  CHECK(absolute_path("--to", "../../../a", "/nowhere/x") == "/a");
  CHECK(absolute_path("--to", "/", "/w") == "/");
  CHECK(absolute_path("--to", "//..", "/w") == "/");
  CHECK(absolute_path("--to", "~", "/w") == "/w/~");
  CHECK(absolute_path("--to", "...", "/w") == "/w/...");
  CHECK(absolute_path("--to", "\xff \n", "/w") == "/w/\xff \n");
  CHECK_THROWS_AS(absolute_path("--to", "", "/w"), Failure);
}

TEST_CASE("going back through a symbolic link is refused") {
  const garner::testing::TemporaryFolder folder;
  REQUIRE(symlink("/usr", (folder.path() + "/link").c_str()) == 0);
  CHECK_THROWS_AS(absolute_path("--to", "link/..", folder.path()), Failure);
  CHECK(absolute_path("--to", "link", folder.path()) == folder.path() + "/link");
}

TEST_CASE("a URL without a scheme is a path") {
  CHECK(absolute_url("/mnt/backup/") == "/mnt/backup");
  CHECK(absolute_url("s3://bucket/x") == "s3://bucket/x");
  CHECK(absolute_url("s3:https://host/bucket") == "s3:https://host/bucket");
  CHECK(absolute_url("s3:bucket") == "s3:bucket");  // for the daemon to refuse
  CHECK(absolute_url("./s3:bucket").ends_with("/s3:bucket"));
  CHECK(absolute_url("backup").ends_with("/backup"));
  CHECK_THROWS_AS(absolute_url(""), Failure);
  CHECK_THROWS_AS(absolute_url("/\xff"), Failure);
}

TEST_CASE("percentages") {
  CHECK(parse_percent("--read-data", "0") == 0);
  CHECK(parse_percent("--read-data", "100") == 100);
  CHECK(parse_percent("--read-data", "2.5") == 2.5);
  for (const char* bad : {"", "x", "101", "-1", "nan", "inf", "1e1", "5%", " 5", "5 ", "0x10", "100.001"}) {
    CHECK_THROWS_AS(parse_percent("--read-data", bad), Failure);
  }
}

TEST_CASE("runs are numbers, ids are hexadecimal") {
  CHECK_NOTHROW(check_run_id("12"));
  for (const char* bad : {"", "x", "-1", "1 ", "1234567890123456789"})
    CHECK_THROWS_AS(check_run_id(bad), Failure);
  CHECK_NOTHROW(check_id_prefix("key", "91C0"));
  for (const char* bad : {"", "91c", "91cg"}) CHECK_THROWS_AS(check_id_prefix("key", bad), Failure);
}

TEST_CASE("options that exclude each other are named") {
  CHECK_NOTHROW(check_at_most_one({{"--a", false}, {"--b", false}}));
  CHECK_NOTHROW(check_at_most_one({{"--a", false}, {"--b", true}}));
  CHECK_THROWS_WITH(check_at_most_one({{"--a", true}, {"--b", false}, {"--c", true}}),
                    "--a and --c exclude each other: give one of them");
}

TEST_CASE("sizes are read with their units") {
  CHECK(parse_size("--x", "0") == 0);
  CHECK(parse_size("--x", "1500") == 1500);
  CHECK(parse_size("--x", "2G") == 2'000'000'000);
  CHECK(parse_size("--x", "16GiB") == std::uint64_t{16} << 30);
  CHECK(parse_size("--x", "1.5MiB") == 1'572'864);
  for (const char* bad :
       {"", "G", "-1", "+1", ".5G", "2g", "2 G", "1e30", "nan", "inf", "99999999T", "2G "}) {
    INFO(bad);
    CHECK_THROWS_AS(parse_size("--x", bad), Failure);
  }
}

TEST_CASE("a share is a percentage with or without its sign") {
  CHECK(parse_share("--x", "12.5") == 12.5);
  CHECK(parse_share("--x", "50%") == 50);
  for (const char* bad : {"", "%", "50%%", "101%", "-1", "half"})
    CHECK_THROWS_AS(parse_share("--x", bad), Failure);
}
