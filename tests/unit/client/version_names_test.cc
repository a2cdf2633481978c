#include "mount/version_names.h"

#include <catch2/catch.hpp>
#include <cstdlib>
#include <ctime>
#include <string>
#include <vector>

namespace garner::client::mount {
namespace {

constexpr std::int64_t kSeenTime = 1'795'938'900;  // 2026-11-29T07:55:00Z

// That which was last seen first, as the daemon lists them.
struct VersionList {
  VersionList() {
    setenv("TZ", "UTC", 1);
    tzset();
  }
  void add(std::int64_t age, const std::string& first, const std::string& last,
           const std::string& type = "file") {
    v1::FileVersion& version = *list.add_versions();
    version.mutable_entry()->set_type(type);
    version.mutable_first_seen()->set_seconds(kSeenTime - age);
    version.set_first_snapshot(first + std::string(64 - first.size(), '0'));
    version.set_last_snapshot(last);
    version.set_layout_path("in/" + last);
  }
  std::vector<std::string> names() const {
    std::vector<std::string> found;
    for (const auto& [name, location] : version_names(list)) found.push_back(name);
    return found;
  }
  v1::ListVersionsResponse list;
};

using Names = std::vector<std::string>;

TEST_CASE("versions have the time since which snapshots have them, and are read in the last one that does") {
  VersionList list;
  list.add(0, "cc", "newest");
  list.add(3'600, "bb", "between", "symlink");
  list.add(7'200, "aa", "oldest");
  CHECK(list.names() == Names{"2026-11-29T05:55:00", "2026-11-29T06:55:00", "2026-11-29T07:55:00"});
  const Location oldest = version_names(list.list).at("2026-11-29T05:55:00");
  CHECK(oldest.snapshot == "oldest");
  CHECK(oldest.path == "in/oldest");
  for (const std::string& name : list.names()) CHECK(may_be_version(name));
}

TEST_CASE("versions of one time are told apart by snapshot") {
  VersionList list;
  list.add(0, "4f2a91c0c", "newest");
  list.add(0, "4f2a91c0c", "of another source");
  list.add(0, "4f2a91c0a", "oldest");
  CHECK(list.names() == Names{"2026-11-29T07:55:00", "2026-11-29T07:55:00-4f2a91c0",
                              "2026-11-29T07:55:00-4f2a91c0-4f2a91c0"});
  CHECK(version_names(list.list).at("2026-11-29T07:55:00").snapshot == "oldest");
  for (const std::string& name : list.names()) CHECK(may_be_version(name));
}

TEST_CASE("what was a folder has no version there, but the newest is known") {
  VersionList list;
  CHECK(newest_folder(list.list) == nullptr);
  list.add(0, "dd", "file again");
  CHECK(newest_folder(list.list) == nullptr);
  list.add(60, "cc", "newest", "folder");
  list.add(120, "bb", "older", "folder");
  CHECK(list.names() == Names{"2026-11-29T07:55:00"});
  REQUIRE(newest_folder(list.list) != nullptr);
  CHECK(newest_folder(list.list)->last_snapshot() == "newest");
}

TEST_CASE("no other name may be a version's") {
  for (const char* name : {"", "2026", "2026-11-29", "2026-11-29T07:55", "2026-11-29T07:55:0",
                           "2026-11-29 07:55:00", "x2026-11-29T07:55:00", "2026-11-29T07:5x:00"})
    CHECK_FALSE(may_be_version(name));
}

}  // namespace
}  // namespace garner::client::mount
