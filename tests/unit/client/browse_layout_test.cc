#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "browse/cursor.h"
#include "browse/snapshot_layout.h"

namespace garner::client::browse {
namespace {

SnapshotLayout layout(const std::vector<std::string>& sources, bool is_folder = true) {
  v1::SnapshotInfo info;
  for (const std::string& source : sources) info.add_sources(source);
  return SnapshotLayout(info, is_folder);
}

TEST_CASE("paths of the machine and of a snapshot belong to each other") {
  const SnapshotLayout one = layout({"/home/ann"});
  CHECK(one.root() == "/home/ann");
  CHECK(one.laid_out("/home/ann") == "");
  CHECK(one.laid_out("/home/ann/a/b") == "a/b");
  CHECK(one.laid_out("/home/anna") == std::nullopt);
  CHECK(one.laid_out("/home") == std::nullopt);

  const SnapshotLayout file = layout({"/etc/hosts"}, false);
  CHECK(file.root() == "/etc");
  CHECK(file.laid_out("/etc/hosts") == "hosts");
  CHECK_FALSE(file.is_in_source("/etc"));
  CHECK(file.leads_to_source("/etc"));

  const SnapshotLayout several = layout({"/home/ann", "/etc"});
  CHECK(several.root() == "/");
  CHECK(several.laid_out("/") == "");
  CHECK(several.laid_out("/home/ann/a") == "home/ann/a");
  CHECK(several.is_in_source("/etc/hosts"));
  CHECK_FALSE(several.is_in_source("/home"));
  CHECK(several.leads_to_source("/home"));
  CHECK_FALSE(several.leads_to_source("/home/bob"));

  CHECK(layout({"/"}).laid_out("/etc") == "etc");
}

TEST_CASE("a source's path is bytes again") {
  CHECK(layout({"/a\\xff\\x5cb"}).root() == "/a\xff\\b");
  CHECK(layout({"/a\\x"}).root() == "/a\\x");
}

TEST_CASE("paths are taken apart and put together") {
  CHECK(below("/", "a") == "/a");
  CHECK(below("/a", "b/c") == "/a/b/c");
  CHECK(below("/a", "") == "/a");
  CHECK(parent_of("/a/b") == "/a");
  CHECK(parent_of("/a") == "/");
  CHECK(parent_of("/") == "/");
  CHECK(name_of("/a/b") == "b");
  CHECK(relative_to("/a", "/") == "a");
  CHECK(relative_to("/a/b/c", "/a") == "b/c");
}

TEST_CASE("a cursor stays in its list, and its window moves no more than it must") {
  Cursor cursor;
  cursor.fit(100, 10);
  cursor.move(9);
  cursor.fit(100, 10);
  CHECK(cursor.top() == 0);
  cursor.move(1);
  cursor.fit(100, 10);
  CHECK(cursor.top() == 1);
  cursor.move(-1000);
  cursor.fit(100, 10);
  CHECK(cursor.at() == 0);
  CHECK(cursor.top() == 0);
  cursor.move(1000);
  cursor.fit(100, 10);
  CHECK(cursor.at() == 99);
  CHECK(cursor.top() == 90);
  // Fewer rows, then a higher window.
  cursor.fit(50, 10);
  CHECK(cursor.at() == 49);
  CHECK(cursor.top() == 40);
  cursor.fit(50, 60);
  CHECK(cursor.top() == 0);
  cursor.fit(0, 10);
  CHECK(cursor.at() == 0);
}

}  // namespace
}  // namespace garner::client::browse
