#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "base/error.h"
#include "memory_blobs.h"
#include "sample_nodes.h"
#include "sample_trees.h"
#include "snapshot/snapshot.h"

namespace garner::snapshot {
namespace {

using testing::build;
using testing::MemoryBlobs;
using testing::sample_file;
using testing::sample_folder;
using testing::sample_link;
using testing::sample_snapshot;
using testing::sample_source;

const OwnerNames kNames{[](std::uint32_t) { return std::string("user"); },
                        [](std::uint32_t) { return std::string("group"); }};

// docs/{letter.txt, list}, link -> docs, readme
v1::Node sample_root(MemoryBlobs& blobs) {
  const BuiltTree docs = build(blobs, {sample_file("letter.txt", 7), sample_file("list")}, kNames);
  return sample_folder(
      "x", build(blobs, {sample_folder("docs", docs), sample_link("link", "docs"), sample_file("readme")},
                 kNames));
}

std::string error_of(const v1::Snapshot& snapshot, const std::string& path, store::BlobSource& source,
                     ErrorKind kind = ErrorKind::kNotFound) {
  try {
    find_node(snapshot, path, source);
  } catch (const Error& error) {
    REQUIRE(error.kind() == kind);
    return error.what();
  }
  FAIL("found " << path);
  return {};
}

TEST_CASE("files and folders are found by absolute and relative paths") {
  MemoryBlobs blobs;
  const v1::Snapshot snapshot = sample_snapshot("home", 1000, sample_source("/home/a", sample_root(blobs)));
  for (const char* path : {"/home/a/docs/letter.txt", "docs/letter.txt", "/home//a/./docs/letter.txt",
                           "docs/../docs/letter.txt", "/home/b/../a/docs/letter.txt"}) {
    const FoundNode found = find_node(snapshot, path, blobs);
    REQUIRE(found.named.node.name() == "letter.txt");
    REQUIRE(found.named.node.size() == 7);
    REQUIRE(found.named.user == "user");
    REQUIRE(found.named.group == "group");
    REQUIRE(found.path == "/home/a/docs/letter.txt");
    REQUIRE_FALSE(found.is_source_root);
  }
  for (const char* path : {"docs", "docs/", "/home/a/docs", "/home/a/docs/"}) {
    const FoundNode found = find_node(snapshot, path, blobs);
    REQUIRE(found.named.node.type() == v1::NODE_TYPE_FOLDER);
    REQUIRE(found.path == "/home/a/docs");
  }
  for (const char* path : {"", "/home/a", "/home/a/", ".", "docs/.."}) {
    const FoundNode found = find_node(snapshot, path, blobs);
    REQUIRE(found.is_source_root);
    REQUIRE(found.path == "/home/a");
    REQUIRE(found.named.node.name() == "a");
  }
}

TEST_CASE("what a command wrote is found by its name and by its path") {
  MemoryBlobs blobs;
  v1::Source dump = sample_source("/command/shop.sql", sample_file("shop.sql", 9));
  dump.set_command(true);
  const v1::Snapshot alone = sample_snapshot("shop", 1000, dump);
  for (const char* path : {"", "shop.sql", "/command/shop.sql"})
    REQUIRE(find_node(alone, path, blobs).named.node.size() == 9);
  const v1::Snapshot beside =
      sample_snapshot("shop", 1000, sample_source("/home/a", sample_root(blobs)), dump);
  REQUIRE(find_node(beside, "shop.sql", blobs).path == "/command/shop.sql");
  REQUIRE(find_node(beside, "docs/list", blobs).path == "/home/a/docs/list");
  REQUIRE_THAT(error_of(beside, "other.sql", blobs), Catch::StartsWith("/home/a has no \"other.sql\""));
  // A file of the same path that no command wrote is found as any other.
  dump.set_command(false);
  REQUIRE_THAT(error_of(sample_snapshot("shop", 1000, sample_source("/home/a", sample_root(blobs)), dump),
                        "shop.sql", blobs, ErrorKind::kInvalidInput),
               Catch::Contains("several sources"));
}

TEST_CASE("the root's owner comes from the source") {
  MemoryBlobs blobs;
  v1::Source source = sample_source("/home", sample_root(blobs));
  source.set_user("me");
  source.set_group("us");
  const FoundNode found = find_node(sample_snapshot("home", 1000, source), "", blobs);
  REQUIRE(found.named.user == "me");
  REQUIRE(found.named.group == "us");
}

TEST_CASE("the source / works like any other") {
  MemoryBlobs blobs;
  const v1::Snapshot snapshot = sample_snapshot("all", 1000, sample_source("/", sample_root(blobs)));
  REQUIRE(find_node(snapshot, "/", blobs).is_source_root);
  REQUIRE(find_node(snapshot, "", blobs).path == "/");
  REQUIRE(find_node(snapshot, "/docs/list", blobs).path == "/docs/list");
  REQUIRE(find_node(snapshot, "docs/list", blobs).path == "/docs/list");
}

TEST_CASE("what is missing is named, with what is near") {
  MemoryBlobs blobs;
  const v1::Snapshot snapshot = sample_snapshot("home", 1000, sample_source("/home/a", sample_root(blobs)));
  REQUIRE_THAT(
      error_of(snapshot, "docs/leter.txt", blobs),
      Catch::StartsWith("/home/a/docs has no \"leter.txt\"") && Catch::Contains("did you mean letter.txt?"));
  REQUIRE_THAT(error_of(snapshot, "dosc/letter.txt", blobs),
               Catch::StartsWith("/home/a has no \"dosc\"") && Catch::Contains("docs"));
  REQUIRE_THAT(error_of(snapshot, "readme/x", blobs), Catch::StartsWith("/home/a/readme is no folder"));
  // A link is itself, and nothing is below it.
  REQUIRE(find_node(snapshot, "link", blobs).named.node.type() == v1::NODE_TYPE_SYMLINK);
  REQUIRE_THAT(error_of(snapshot, "link/list", blobs), Catch::StartsWith("/home/a/link is no folder"));
}

TEST_CASE("paths outside all sources") {
  MemoryBlobs blobs;
  const v1::Snapshot snapshot = sample_snapshot("home", 1000, sample_source("/home/a", sample_root(blobs)),
                                                sample_source("/home/b", sample_file("x")));
  for (const char* path : {"/home", "/"}) {
    REQUIRE_THAT(error_of(snapshot, path, blobs),
                 Catch::Contains("lies above") && Catch::Contains("/home/a, /home/b"));
  }
  for (const char* path : {"/home/ab", "/home/c/docs", "/etc", "/home/a/../c"}) {
    REQUIRE_THAT(error_of(snapshot, path, blobs),
                 Catch::Contains("in no source") && Catch::Contains("/home/a"));
  }
  for (const char* path : {"", "docs"}) {
    REQUIRE_THAT(error_of(snapshot, path, blobs, ErrorKind::kInvalidInput),
                 Catch::Contains("/home/a, /home/b"));
  }
  REQUIRE(find_node(snapshot, "/home/b", blobs).named.node.type() == v1::NODE_TYPE_FILE);
  REQUIRE(find_node(snapshot, "/home/a/docs", blobs).path == "/home/a/docs");
}

TEST_CASE("a source within another is found in its own tree") {
  MemoryBlobs blobs;
  const v1::Snapshot snapshot = sample_snapshot("home", 1000, sample_source("/home", sample_root(blobs)),
                                                sample_source("/home/docs", sample_root(blobs)));
  REQUIRE(find_node(snapshot, "/home/docs", blobs).is_source_root);
  REQUIRE(find_node(snapshot, "/home/docs/docs/list", blobs).path == "/home/docs/docs/list");
  REQUIRE(find_node(snapshot, "/home/readme", blobs).path == "/home/readme");
}

TEST_CASE("20,000 folders down") {
  MemoryBlobs blobs;
  BuiltTree tree = build(blobs, {sample_file("end")});
  std::string path;
  for (int i = 0; i < 20'000; ++i) {
    tree = build(blobs, {sample_folder("d", tree)});
    path += "d/";
  }
  const v1::Snapshot snapshot = sample_snapshot("deep", 1000, sample_source("/s", sample_folder("x", tree)));
  REQUIRE(find_node(snapshot, path + "end", blobs).named.node.name() == "end");
}

}  // namespace
}  // namespace garner::snapshot
