#include "snapshot/closure.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <functional>
#include <set>
#include <string>
#include <vector>

#include "base/error.h"
#include "memory_blobs.h"
#include "sample_nodes.h"
#include "sample_trees.h"
#include "snapshot/content_list.h"
#include "snapshot/node.h"
#include "snapshot/tree.h"

namespace garner::snapshot {
namespace {

using crypto::BlobId;
using crypto::BlobKind;
using testing::build;
using testing::id_bytes;
using testing::MemoryBlobs;
using testing::numbered_id;
using testing::sample_entry;
using testing::sample_file;
using testing::sample_folder;
using testing::sample_link;
using testing::sample_snapshot;
using testing::sample_source;

v1::Node large_file(MemoryBlobs& blobs, const std::string& name, std::uint64_t chunks) {
  ContentListBuilder list;
  for (std::uint64_t i = 0; i < chunks; ++i) list.add_blob(numbered_id(1000 + i), 10, blobs);
  v1::Node node = sample_file(name, 0);
  node.set_size(chunks * 10);
  for (v1::ContentEntry& entry : list.finish(blobs)) *node.add_content() = std::move(entry);
  return node;
}

struct ClosureFound {
  std::vector<std::string> visits;  // "kind path" in order
  std::multiset<std::pair<BlobKind, BlobId>> blobs;
  std::vector<std::string> unreadable;
};

const char* kind_name(BlobKind kind) {
  return kind == BlobKind::kData ? "data" : kind == BlobKind::kTree ? "tree" : "list";
}

ClosureFound walk_all(const v1::Snapshot& snapshot, store::BlobSource& source,
                      const std::function<bool(BlobKind, const BlobId&)>& enter = {}) {
  ClosureFound found;
  ClosureVisitor visitor;
  visitor.visit = [&](BlobKind kind, const BlobId& id, const std::string& path) {
    found.visits.push_back(kind_name(kind) + (" " + path));
    found.blobs.insert({kind, id});
    return !enter || enter(kind, id);
  };
  visitor.unreadable = [&](BlobKind kind, const BlobId&, const std::string& path, const std::string& error) {
    REQUIRE_FALSE(error.empty());
    found.unreadable.push_back(kind_name(kind) + (" " + path));
  };
  walk_closure(snapshot, source, visitor);
  return found;
}

TEST_CASE("every blob is visited, with the path of what refers to it") {
  MemoryBlobs blobs;
  const BuiltTree docs =
      build(blobs, {sample_file("a", 11), sample_file("empty", 0), sample_link("link", "x")});
  const v1::Node root =
      sample_folder("x", build(blobs, {large_file(blobs, "big", 20), sample_folder("docs", docs)}));
  const v1::Snapshot snapshot =
      sample_snapshot("home", 1000, sample_source("/", root), sample_source("/file", sample_file("x", 12)));
  const ClosureFound found = walk_all(snapshot, blobs);
  std::vector<std::string> expected{"tree /", "list /big"};
  for (int i = 0; i < 20; ++i) expected.push_back("data /big");
  for (const char* visit : {"tree /docs", "data /docs/a", "data /file"}) expected.push_back(visit);
  REQUIRE(found.visits == expected);
  REQUIRE(found.unreadable.empty());
}

TEST_CASE("of a difference base and patch are visited, and that there is one is told") {
  MemoryBlobs blobs;
  ContentListBuilder list;
  list.add_blob(numbered_id(1), 10, blobs);
  list.add_difference({numbered_id(2), numbered_id(3), numbered_id(4)}, 10, blobs);
  v1::Node file = sample_file("file", 0);
  file.set_size(20);
  for (v1::ContentEntry& entry : list.finish(blobs)) *file.add_content() = std::move(entry);
  const v1::Node root = sample_folder("x", build(blobs, {file}));
  int told = 0;
  std::vector<BlobId> data;
  ClosureVisitor visitor;
  visitor.visit = [&](BlobKind kind, const BlobId& id, const std::string& path) {
    if (kind == BlobKind::kData) {
      CHECK(path == "/home/file");
      data.push_back(id);
    }
    return true;
  };
  visitor.unreadable = [](BlobKind, const BlobId&, const std::string&, const std::string&) { FAIL(); };
  visitor.difference = [&] { ++told; };
  walk_closure(sample_snapshot("home", 1000, sample_source("/home", root)), blobs, visitor);
  REQUIRE(data == std::vector<BlobId>{numbered_id(1), numbered_id(3), numbered_id(4)});
  REQUIRE(told == 1);
}

TEST_CASE("every page of a huge folder is visited, and every list") {
  MemoryBlobs blobs;
  std::vector<v1::Node> nodes;
  for (int i = 0; i < 5000; ++i) nodes.push_back(sample_file(std::to_string(10'000 + i), 0));
  nodes.push_back(large_file(blobs, "big", 3000));
  const BuiltTree tree = build(blobs, nodes);
  const ClosureFound found =
      walk_all(sample_snapshot("home", 1000, sample_source("/home", sample_folder("x", tree))), blobs);
  std::set<std::pair<BlobKind, BlobId>> metadata;
  for (const auto& blob : found.blobs) {
    if (blob.first != BlobKind::kData) REQUIRE(metadata.insert(blob).second);
  }
  REQUIRE(metadata.size() == blobs.all().size());
  for (const auto& [key, bytes] : blobs.all()) REQUIRE(metadata.contains(key));
}

TEST_CASE("nothing is visited below what was refused") {
  MemoryBlobs blobs;
  const BuiltTree docs = build(blobs, {large_file(blobs, "big", 20)});
  const v1::Node root = sample_folder(
      "x", build(blobs, {sample_folder("a", docs), sample_folder("b", docs), large_file(blobs, "c", 20)}));
  std::set<std::pair<BlobKind, BlobId>> seen;
  blobs.reads = 0;
  const ClosureFound found = walk_all(sample_snapshot("home", 1000, sample_source("/home", root)), blobs,
                                      [&](BlobKind kind, const BlobId& id) {
                                        return seen.insert({kind, id}).second;
                                      });
  std::vector<std::string> expected{"tree /home", "tree /home/a", "list /home/a/big"};
  for (int i = 0; i < 20; ++i) expected.push_back("data /home/a/big");
  expected.push_back("tree /home/b");  // the same tree
  expected.push_back("list /home/c");  // the same list
  REQUIRE(found.visits == expected);
  REQUIRE(blobs.reads == 3);
}

TEST_CASE("what cannot be read is reported and passed over") {
  MemoryBlobs blobs;
  const BuiltTree lost = build(blobs, {sample_file("a", 11)});
  const BuiltTree docs = build(blobs, {sample_file("b", 12)});
  const v1::Node big = large_file(blobs, "big", 20);
  const v1::Node root = sample_folder("x", build(blobs, {big, sample_folder("docs", docs),
                                                         sample_folder("lost", lost), sample_file("z", 13)}));
  blobs.remove(BlobKind::kTree, lost.id);
  blobs.remove(BlobKind::kList, BlobId::from_bytes(as_bytes(big.content(0).id())));
  const ClosureFound found = walk_all(sample_snapshot("home", 1000, sample_source("/home", root)), blobs);
  REQUIRE(found.unreadable == std::vector<std::string>{"list /home/big", "tree /home/lost"});
  REQUIRE(found.visits == std::vector<std::string>{"tree /home", "list /home/big", "tree /home/docs",
                                                   "data /home/docs/b", "tree /home/lost", "data /home/z"});
}

TEST_CASE("a page of a huge folder that cannot be read loses only itself") {
  MemoryBlobs blobs;
  std::vector<v1::Node> nodes;
  for (int i = 0; i < 5000; ++i) nodes.push_back(sample_file(std::to_string(10'000 + i), 1));
  const BuiltTree tree = build(blobs, nodes);
  const LoadedPage top = load_page(blobs, tree.id, nullptr);
  const v1::PageReference& lost = top.page.pages(1);
  blobs.remove(BlobKind::kTree, BlobId::from_bytes(as_bytes(lost.id())));
  const ClosureFound found =
      walk_all(sample_snapshot("home", 1000, sample_source("/home", sample_folder("x", tree))), blobs);
  REQUIRE(found.unreadable == std::vector<std::string>{"tree /home"});
  const auto data = std::count_if(found.blobs.begin(), found.blobs.end(),
                                  [](const auto& blob) { return blob.first == BlobKind::kData; });
  REQUIRE(static_cast<std::uint64_t>(data) == 5000 - lost.nodes());
}

TEST_CASE("totals that are not those of the folder are reported") {
  MemoryBlobs blobs;
  v1::Node folder = sample_folder("docs", build(blobs, {sample_file("a", 11)}));
  folder.mutable_totals()->set_bytes(12);
  const v1::Node root = sample_folder("x", build(blobs, {folder}));
  const ClosureFound found = walk_all(sample_snapshot("home", 1000, sample_source("/home", root)), blobs);
  REQUIRE(found.unreadable == std::vector<std::string>{"tree /home/docs"});
}

TEST_CASE("a destination that goes away ends the walk") {
  struct Away final : store::BlobSource {
    Bytes read(BlobKind, const BlobId&) override { throw Error(ErrorKind::kDestinationAway, "unplugged"); }
  } away;
  MemoryBlobs blobs;
  const v1::Node root = sample_folder("x", build(blobs, {sample_file("a", 11)}));
  REQUIRE_THROWS_AS(walk_all(sample_snapshot("home", 1000, sample_source("/home", root)), away), Error);
  const v1::Node file = large_file(blobs, "x", 20);
  REQUIRE_THROWS_AS(walk_all(sample_snapshot("home", 1000, sample_source("/home", file)), away), Error);
}

TEST_CASE("20,000 folders deep, with entries after each on the way back") {
  MemoryBlobs blobs;
  BuiltTree tree = build(blobs, {sample_file("end", 1)});
  for (int i = 0; i < 20'000; ++i) tree = build(blobs, {sample_folder("d", tree), sample_file("e", 2)});
  std::size_t trees = 0;
  std::size_t data = 0;
  std::size_t longest = 0;
  bool paths_fit = true;
  ClosureVisitor visitor;
  visitor.visit = [&](BlobKind kind, const BlobId&, const std::string& path) {
    longest = std::max(longest, path.size());
    if (kind == BlobKind::kTree) {
      paths_fit = paths_fit && path.size() == 2 + 2 * trees;
      ++trees;
    } else {
      // Files are visited on the way back: the deepest folder's first.
      paths_fit = paths_fit && path.size() == (data == 0 ? 2 + 40'000 + 4 : 2 + 2 * (20'000 - data) + 2);
      ++data;
    }
    return true;
  };
  visitor.unreadable = [](BlobKind, const BlobId&, const std::string&, const std::string& error) {
    FAIL(error);
  };
  walk_closure(sample_snapshot("deep", 1000, sample_source("/s", sample_folder("x", tree))), blobs, visitor);
  REQUIRE(trees == 20'001);
  REQUIRE(data == 20'001);
  REQUIRE(longest == 2 + 40'000 + 4);
  REQUIRE(paths_fit);
}

}  // namespace
}  // namespace garner::snapshot
