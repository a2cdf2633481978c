#include "source/change.h"

#include <catch2/catch.hpp>
#include <functional>
#include <string>
#include <vector>

#include "snapshot/node.h"

namespace garner::source {
namespace {

constexpr TimePoint kScan{1'700'000'000, 500'000'000};

FileStatus old_status() {
  FileStatus status;
  status.type = v1::NODE_TYPE_FILE;
  status.size = 100;
  status.inode = 42;
  status.mtime = {1'600'000'000, 1};
  status.ctime = {1'600'000'001, 0};
  return status;
}

v1::Node node_of(const FileStatus& status) {
  v1::Node node;
  node.set_name("file");
  node.set_type(status.type);
  node.set_size(status.type == v1::NODE_TYPE_FILE ? status.size : 0);
  node.set_inode(status.inode);
  *node.mutable_mtime() = snapshot::to_proto(status.mtime);
  *node.mutable_ctime() = snapshot::to_proto(status.ctime);
  return node;
}

TEST_CASE("what is the same is unchanged") {
  FileStatus status = old_status();
  REQUIRE(is_unchanged(status, node_of(status), kScan));
  // A folder's size is the file system's affair.
  status.type = v1::NODE_TYPE_FOLDER;
  REQUIRE(is_unchanged(status, node_of(status), kScan));
}

TEST_CASE("any difference is a change") {
  const std::vector<std::pair<std::string, std::function<void(FileStatus&)>>> changes = {
      {"type", [](FileStatus& s) { s.type = v1::NODE_TYPE_FIFO; }},
      {"size", [](FileStatus& s) { s.size = 101; }},
      {"inode", [](FileStatus& s) { s.inode = 43; }},
      {"mtime", [](FileStatus& s) { s.mtime.nanos = 2; }},
      {"an older mtime", [](FileStatus& s) { s.mtime.seconds -= 1; }},
      {"ctime", [](FileStatus& s) { s.ctime.seconds += 1; }},
  };
  for (const auto& [name, change] : changes) {
    INFO(name);
    FileStatus status = old_status();
    const v1::Node earlier = node_of(status);
    change(status);
    REQUIRE_FALSE(is_unchanged(status, earlier, kScan));
  }
}

TEST_CASE("what was not read well is never unchanged") {
  const FileStatus status = old_status();
  v1::Node node = node_of(status);
  node.set_stale(true);
  REQUIRE_FALSE(is_unchanged(status, node, kScan));
  node = node_of(status);
  node.set_inconsistent(true);
  REQUIRE_FALSE(is_unchanged(status, node, kScan));
}

TEST_CASE("times too close to the scan's start tell nothing") {
  struct Case {
    TimePoint time;
    bool safe;
  };
  const std::vector<Case> cases = {
      // With a fraction: 20 ms.
      {{1'700'000'000, 479'999'999}, true},
      {{1'700'000'000, 480'000'000}, false},
      {{1'700'000'000, 499'999'999}, false},
      {{1'700'000'000, 500'000'000}, false},
      {{1'700'000'005, 1}, false},  // after the scan began
      // Without one: 2 s.
      {{1'699'999'998, 0}, true},
      {{1'699'999'999, 0}, false},
      {{1'700'000'000, 0}, false},
      {{1'699'999'998, 600'000'000}, true},
      {{2'500'000'000, 0}, false},  // a time in the future
      {{-5, 999'999'999}, true},
  };
  for (const Case& one : cases) {
    INFO(one.time.seconds << "." << one.time.nanos);
    FileStatus status = old_status();
    status.mtime = one.time;
    REQUIRE(is_unchanged(status, node_of(status), kScan) == one.safe);
    status = old_status();
    status.ctime = one.time;
    REQUIRE(is_unchanged(status, node_of(status), kScan) == one.safe);
  }
  // A scan at the very second.
  FileStatus status = old_status();
  status.mtime = {1000, 0};
  REQUIRE_FALSE(is_unchanged(status, node_of(status), {1'600'000'003, 0}));
  REQUIRE_FALSE(is_unchanged(status, node_of(status), {1002, 0}));
  status.ctime = {1000, 0};
  REQUIRE_FALSE(is_unchanged(status, node_of(status), {1002, 0}));
  REQUIRE(is_unchanged(status, node_of(status), {1002, 1}));
}

TEST_CASE("times that another machine may have given tell nothing for a minute") {
  for (TimePoint FileStatus::*time : {&FileStatus::mtime, &FileStatus::ctime}) {
    FileStatus status = old_status();
    status.foreign_clock = true;
    status.*time = {1'699'999'940, 499'999'999};
    CHECK(is_unchanged(status, node_of(status), kScan));
    status.*time = {1'699'999'940, 500'000'000};
    CHECK_FALSE(is_unchanged(status, node_of(status), kScan));
  }
}

}  // namespace
}  // namespace garner::source
