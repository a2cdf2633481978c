#include "snapshot/renames.h"

#include <catch2/catch.hpp>
#include <string>

#include "sample_nodes.h"

namespace garner::snapshot {
namespace {

using testing::sample_entry;
using testing::sample_file;
using testing::sample_link;

// "": it is new.
std::string origin(const Renames& renames, const std::string& path) {
  const Renames::Spot* found = renames.origin({0, path});
  return found == nullptr ? "" : found->path;
}

TEST_CASE("files of one content are paired once each, in their order") {
  Renames renames;
  renames.removed(sample_file("x", 7), {0, "/a/1"});
  renames.added(sample_file("x", 7), {0, "/b/1"});
  renames.removed(sample_file("x", 7), {0, "/a/2"});
  renames.added(sample_file("x", 8), {0, "/b/2"});
  renames.added(sample_file("y", 7), {0, "/b/3"});
  renames.added(sample_file("x", 7), {0, "/b/4"});
  renames.match();
  CHECK(origin(renames, "/b/1") == "/a/1");
  CHECK(origin(renames, "/b/2").empty());
  CHECK(origin(renames, "/b/3") == "/a/2");
  CHECK(origin(renames, "/b/4").empty());
  CHECK(renames.has_left({0, "/a/1"}));
  CHECK(renames.has_left({0, "/a/2"}));
  CHECK_FALSE(renames.has_left({1, "/a/2"}));
}

TEST_CASE("empty files, links, and holes of another length are no rename") {
  const auto sparse = [](std::uint64_t hole) {
    v1::Node node = sample_file("x", 0);
    node.set_size(hole + 5);
    *node.add_content() = sample_entry(v1::ENTRY_TYPE_HOLE, hole, 0);
    *node.add_content() = sample_entry(v1::ENTRY_TYPE_BLOB, 5, 5);
    return node;
  };
  Renames renames;
  renames.removed(sample_file("x", 0), {0, "/empty"});
  renames.added(sample_file("x", 0), {0, "/other/empty"});
  renames.removed(sample_link("x", "target"), {0, "/link"});
  renames.added(sample_link("x", "target"), {0, "/other/link"});
  renames.removed(sparse(4096), {0, "/sparse"});
  renames.added(sparse(8192), {0, "/other/sparse"});
  renames.match();
  for (const char* path : {"/empty", "/link", "/sparse"}) CHECK_FALSE(renames.has_left({0, path}));
}

TEST_CASE("so many are remembered, and those that come later stay removed and added") {
  constexpr std::size_t kMost = Renames::kMostFiles;
  Renames renames;
  for (std::size_t i = 0; i < kMost + 10; ++i)
    renames.removed(sample_file("x", i + 1), {0, "/a/" + std::to_string(i)});
  for (std::size_t i = 0; i < kMost + 10; ++i)
    renames.added(sample_file("x", i + 1), {0, "/b/" + std::to_string(i)});
  renames.match();
  CHECK(origin(renames, "/b/0") == "/a/0");
  CHECK(origin(renames, "/b/" + std::to_string(kMost - 1)) == "/a/" + std::to_string(kMost - 1));
  CHECK(origin(renames, "/b/" + std::to_string(kMost)).empty());
  CHECK_FALSE(renames.has_left({0, "/a/" + std::to_string(kMost)}));
}

TEST_CASE("paths that are long are remembered up to so many bytes of them") {
  const std::string folder = "/" + std::string(1u << 20, 'x') + "/";
  Renames renames;
  for (std::uint64_t i = 0; i < 20; ++i) {
    renames.removed(sample_file("x", i + 1), {0, folder + std::to_string(i)});
    renames.added(sample_file("x", i + 1), {0, "/b/" + std::to_string(i)});
  }
  renames.match();
  CHECK(origin(renames, "/b/6") == folder + "6");
  CHECK(origin(renames, "/b/7").empty());
}

}  // namespace
}  // namespace garner::snapshot
