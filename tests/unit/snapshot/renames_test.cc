#include "snapshot/renames.h"

#include <catch2/catch.hpp>
#include <string>

#include "base/bytes.h"
#include "memory_blobs.h"
#include "sample_nodes.h"
#include "stored_files.h"

namespace garner::snapshot {
namespace {

using testing::MemoryBlobs;
using testing::sample_entry;
using testing::sample_file;
using testing::sample_link;
using testing::stored_file;

void match(Renames& renames) {
  MemoryBlobs none;
  while (renames.step(none, none)) {
  }
  CHECK(none.reads == 0);
}

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
  match(renames);
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
  match(renames);
  for (const char* path : {"/empty", "/link", "/sparse"}) CHECK_FALSE(renames.has_left({0, path}));
}

TEST_CASE(
    "large files are paired whatever is stored as a difference, and lists are read where sizes fit only") {
  MemoryBlobs blobs;
  Renames renames;
  renames.removed(stored_file(blobs, "x", 0, 500), {0, "/a/disk"});
  renames.removed(stored_file(blobs, "x", 0, 700), {0, "/a/alike"});
  renames.removed(stored_file(blobs, "x", 0, 900), {0, "/a/alone"});
  renames.removed(stored_file(blobs, "x", 0, 400), {0, "/a/lost"});
  renames.added(stored_file(blobs, "x", 0, 400, {1}), {0, "/b/lost"});
  renames.added(stored_file(blobs, "x", 1, 501), {0, "/b/other"});
  renames.added(stored_file(blobs, "x", 0, 500, {3, 490}), {0, "/b/disk"});
  renames.added(stored_file(blobs, "x", 0, 700), {0, "/b/alike"});
  renames.added(stored_file(blobs, "x", 0, 901), {0, "/b/alone"});
  const v1::Node lost = stored_file(blobs, "x", 0, 400, {1});
  blobs.remove(crypto::BlobKind::kList, crypto::BlobId::from_bytes(as_bytes(lost.content(0).id())));
  blobs.reads = 0;
  while (renames.step(blobs, blobs)) {
  }
  CHECK(origin(renames, "/b/disk") == "/a/disk");
  CHECK(origin(renames, "/b/alike") == "/a/alike");
  for (const char* path : {"/b/other", "/b/alone", "/b/lost"}) CHECK(origin(renames, path).empty());
  // Those of 500 and 400 chunks: three files of a few lists, and one of which none can be read.
  CHECK(blobs.reads > 0);
  CHECK(blobs.reads <= 3 * 8 + 8 + 1);
}

TEST_CASE("so many are remembered, and those that come later stay removed and added") {
  constexpr std::size_t kMost = Renames::kMostFiles;
  Renames renames;
  for (std::size_t i = 0; i < kMost + 10; ++i)
    renames.removed(sample_file("x", i + 1), {0, "/a/" + std::to_string(i)});
  for (std::size_t i = 0; i < kMost + 10; ++i)
    renames.added(sample_file("x", i + 1), {0, "/b/" + std::to_string(i)});
  match(renames);
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
  match(renames);
  CHECK(origin(renames, "/b/6") == folder + "6");
  CHECK(origin(renames, "/b/7").empty());
}

}  // namespace
}  // namespace garner::snapshot
