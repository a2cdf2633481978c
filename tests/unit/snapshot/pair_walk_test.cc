#include "snapshot/pair_walk.h"

#include <catch2/catch.hpp>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "memory_blobs.h"
#include "sample_nodes.h"
#include "sample_trees.h"
#include "snapshot/tree.h"

namespace garner::snapshot {
namespace {

using testing::build;
using testing::MemoryBlobs;
using testing::sample_file;
using testing::sample_folder;

std::vector<v1::Node> numbered(int first, int last) {
  std::vector<v1::Node> nodes;
  for (int i = first; i < last; ++i) nodes.push_back(sample_file(std::to_string(1'000'000 + i)));
  return nodes;
}

struct Walked {
  std::vector<std::string> before;  // paths of what only the older version has
  std::vector<std::string> after;
  std::map<std::string, std::string> both;  // by the path in the older version
  std::vector<std::string> unreadable;
  std::size_t reads = 0;
};

Walked walk_pairs(MemoryBlobs& blobs, const BuiltTree& before, const BuiltTree& after,
                  const std::string& after_path = "/home") {
  const std::vector<PlacePair> places{{PlacedNode{"/home", sample_folder("home", before)},
                                       PlacedNode{after_path, sample_folder("home", after)}}};
  Walked walked;
  PairVisitor visitor;
  visitor.pair = [&](const NodePair& pair) {
    CHECK(pair.place == 0);
    if (pair.after == nullptr) {
      walked.before.push_back(pair.before_path);
    } else if (pair.before == nullptr) {
      walked.after.push_back(pair.after_path);
    } else {
      CHECK(walked.both.emplace(pair.before_path, pair.after_path).second);
    }
  };
  visitor.unreadable = [&](const std::string& path, const Error&) { walked.unreadable.push_back(path); };
  const std::size_t reads = blobs.reads;
  PairWalk pair_walk(places, blobs, blobs, visitor);
  while (pair_walk.step()) {
  }
  walked.reads = blobs.reads - reads;
  return walked;
}

TEST_CASE("equal trees are passed over unread") {
  MemoryBlobs blobs;
  const BuiltTree large = build(blobs, numbered(0, 5000));
  CHECK(walk_pairs(blobs, large, large).reads == 0);
  const BuiltTree before = build(blobs, {sample_folder("a", large), sample_file("b", 1)});
  const BuiltTree after = build(blobs, {sample_folder("a", large), sample_file("b", 2)});
  const Walked walked = walk_pairs(blobs, before, after);
  CHECK(walked.reads == 2);
  CHECK(walked.both.size() == 3);
}

TEST_CASE("of a huge folder only pages that differ are read") {
  MemoryBlobs blobs;
  std::vector<v1::Node> nodes = numbered(0, 300'000);
  const BuiltTree before = build(blobs, nodes);
  nodes[1'000].set_mode(0600);
  nodes.erase(nodes.begin() + 150'000);
  nodes.insert(nodes.begin() + 250'000, sample_file(nodes[249'999].name() + "x"));
  const BuiltTree after = build(blobs, nodes);
  const Walked walked = walk_pairs(blobs, before, after);
  CHECK(walked.before == std::vector<std::string>{"/home/1150000"});
  CHECK(walked.after == std::vector<std::string>{"/home/" + nodes[250'000].name()});
  CHECK(walked.both.contains("/home/1001000"));
  // Of either version the way to three pages, and their neighbours where they end elsewhere.
  CHECK(walked.reads < 30);
}

TEST_CASE("a folder that has grown by a level of pages is read where it has grown") {
  MemoryBlobs blobs;
  const BuiltTree before = build(blobs, numbered(0, 40'000));
  const BuiltTree after = build(blobs, numbered(0, 400'000));
  const Walked walked = walk_pairs(blobs, before, after);
  CHECK(walked.before.empty());
  CHECK(walked.after.size() == 360'000);
  CHECK(walked.both.size() < 3'000);  // those of the last page, which has become another one
}

TEST_CASE("a folder that stands alone is walked whole, in path order") {
  MemoryBlobs blobs;
  const BuiltTree inner = build(blobs, {sample_file("x"), sample_file("y")});
  const BuiltTree before = build(blobs, {sample_file("a!"), sample_file("z")});
  const BuiltTree after = build(
      blobs, {sample_folder("a", inner), sample_file("a!"), sample_folder("b", inner), sample_file("z")});
  const Walked there = walk_pairs(blobs, before, after);
  CHECK(there.after ==
        std::vector<std::string>{"/home/a", "/home/a/x", "/home/a/y", "/home/b", "/home/b/x", "/home/b/y"});
  const Walked back = walk_pairs(blobs, after, before, "/elsewhere");
  CHECK(back.before == there.after);
  CHECK(back.both == std::map<std::string, std::string>{{"/home", "/elsewhere"},
                                                        {"/home/a!", "/elsewhere/a!"},
                                                        {"/home/z", "/elsewhere/z"}});
}

TEST_CASE("folders that are nested deeply are taken up again where the walk left them") {
  MemoryBlobs blobs;
  const auto nested = [&](std::uint64_t size) {
    BuiltTree tree = build(blobs, {sample_file("last", size)});
    for (int depth = 0; depth < 100; ++depth)
      tree = build(blobs, {sample_file("a"), sample_folder("b", tree), sample_file("c", size)});
    return tree;
  };
  const BuiltTree before = nested(1);
  const BuiltTree after = nested(2);
  const Walked walked = walk_pairs(blobs, before, after);
  CHECK(walked.before.empty());
  CHECK(walked.after.empty());
  CHECK(walked.both.size() == 302);  // the root, three in each of a hundred folders, and the last file
  CHECK(walked.reads < 4 * 101);
}

TEST_CASE("a folder that cannot be read is told of, and the walk goes on behind it") {
  MemoryBlobs blobs;
  const auto home = [&](const BuiltTree& docs) {
    return build(blobs, {sample_file("a"), sample_folder("docs", docs), sample_file("z")});
  };
  const BuiltTree lost = build(blobs, {sample_file("x")});
  const BuiltTree kept = build(blobs, {sample_file("y")});
  const BuiltTree before = home(lost);
  const BuiltTree after = home(kept);
  blobs.remove(crypto::BlobKind::kTree, lost.id);
  for (const Walked& walked : {walk_pairs(blobs, before, after), walk_pairs(blobs, after, before)}) {
    CHECK(walked.unreadable == std::vector<std::string>{"/home/docs"});
    CHECK(walked.before.empty());
    CHECK(walked.after.empty());
    CHECK(walked.both.contains("/home/z"));
  }
}

TEST_CASE("a destination that is away ends the walk") {
  class Away : public store::BlobSource {
    Bytes read(crypto::BlobKind, const crypto::BlobId&) override {
      throw Error(ErrorKind::kDestinationAway, "gone");
    }
  };
  MemoryBlobs blobs;
  Away away;
  const std::vector<PlacePair> places{
      {PlacedNode{"/home", sample_folder("home", build(blobs, {}))},
       PlacedNode{"/home", sample_folder("home", build(blobs, numbered(0, 1)))}}};
  PairWalk walk_pairs(places, blobs, away, {[](const NodePair&) {}, [](const std::string&, const Error&) {}});
  CHECK(walk_pairs.step());
  CHECK_THROWS_AS(walk_pairs.step(), Error);
}

}  // namespace
}  // namespace garner::snapshot
