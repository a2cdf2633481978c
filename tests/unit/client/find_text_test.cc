#include "find_text.h"

#include <catch2/catch.hpp>

#include "failure.h"
#include "find_option.h"
#include "text.h"

namespace garner::client {
namespace {

v1::FoundPath sample_match() {
  v1::FoundPath match;
  match.set_path("/home/ann/list");
  match.set_type("file");
  match.set_size(1536);
  match.set_set("home");
  match.set_snapshots(1);
  match.set_first_snapshot("4f2a91c0d7e8bb00");
  match.set_last_snapshot("4f2a91c0d7e8bb00");
  for (auto* time : {match.mutable_mtime(), match.mutable_first_seen(), match.mutable_last_seen()})
    time->set_seconds(1'795'372'200);
  return match;
}

TEST_CASE("a match is said with its snapshots: one, or the first and the last") {
  v1::FoundPath match = sample_match();
  const std::string time = local_minute(match.mtime());
  CHECK(found_facts(match) == "1.5 KiB  " + time + "  1 snapshot of home: 4f2a91c0d7e8 " + time);
  match.set_snapshots(1200);
  match.set_last_snapshot("7be01d55aaf0cc00");
  CHECK(found_facts(match) ==
        "1.5 KiB  " + time + "  1,200 snapshots of home: 4f2a91c0d7e8 " + time + " .. 7be01d55aaf0 " + time);
  match.set_type("symlink");
  CHECK(found_facts(match).starts_with("symlink  "));
}

TEST_CASE("a path that was found is safe, and of a folder ends with a slash") {
  v1::FoundPath match = sample_match();
  CHECK(found_path(match) == "/home/ann/list");
  match.set_path("/home/\x1b[2J");
  match.set_type("folder");
  CHECK(found_path(match) == "/home/\\x1b[2J/");
}

TEST_CASE("ranges of sizes") {
  const auto range = [](const char* text) { return parse_size_range("--size", text); };
  CHECK(range("+10M").least == 10'000'000);
  CHECK_FALSE(range("+10M").most);
  CHECK(range("-1KiB").most == 1024);
  CHECK_FALSE(range("-1KiB").least);
  CHECK(range("1..1.5K").least == 1);
  CHECK(range("1..1.5K").most == 1500);
  CHECK(range("..5").most == 5);
  CHECK(range("5..").least == 5);
  for (const char* bad : {"", "10M", "..", "+", "-", "+-1", "2..1", "x..", "1...2", "+1..2"})
    CHECK_THROWS_AS(range(bad), Failure);
}

TEST_CASE("types are those of find(1)") {
  CHECK(parse_type("--type", "d") == "folder");
  CHECK(parse_type("--type", "l") == "symlink");
  for (const char* bad : {"", "x", "file", "fd"}) CHECK_THROWS_AS(parse_type("--type", bad), Failure);
}

}  // namespace
}  // namespace garner::client
