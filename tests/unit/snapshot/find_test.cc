#include "snapshot/find.h"

#include <rapidcheck.h>
#include <algorithm>
#include <catch2/catch.hpp>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "memory_blobs.h"
#include "sample_nodes.h"
#include "sample_trees.h"
#include "snapshot/node.h"
#include "snapshot/tree.h"

namespace garner::snapshot {
namespace {

using testing::build;
using testing::MemoryBlobs;
using testing::sample_file;
using testing::sample_folder;
using testing::sample_link;
using testing::sample_snapshot;
using testing::sample_source;

v1::Snapshot snapshot_of(const BuiltTree& tree, const std::string& path = "/home") {
  return sample_snapshot("home", 1000, sample_source(path, sample_folder("x", tree)));
}
v1::Snapshot snapshot_of(MemoryBlobs& blobs, const std::vector<v1::Node>& nodes) {
  return snapshot_of(build(blobs, nodes));
}

using Wanted = std::function<bool(const std::string& path, const v1::Node& node)>;

bool is_file(const std::string&, const v1::Node& node) { return node.type() == v1::NODE_TYPE_FILE; }

struct Found {
  std::vector<std::string> lines;       // "path size first..last snapshots"
  std::vector<std::string> unreadable;  // "snapshot path"
  bool is_bounded = false;
};

Found find(store::BlobSource& source, const std::vector<v1::Snapshot>& snapshots,
           const Wanted& wanted = is_file, const std::string& below = {}, FindBounds bounds = {}) {
  std::vector<Find::Where> row;
  for (const v1::Snapshot& snapshot : snapshots) row.push_back({&snapshot, &source});
  Found found;
  Find search(
      row, below,
      {wanted, [&](std::size_t snapshot, const std::string& path,
                   const Error&) { found.unreadable.push_back(std::to_string(snapshot) + " " + path); }},
      bounds);
  while (search.step()) {
  }
  for (const Match& match : search.take_matches()) {
    found.lines.push_back(match.path + " " + std::to_string(match.size) + " " + std::to_string(match.first) +
                          ".." + std::to_string(match.last) + " " + std::to_string(match.snapshots));
  }
  found.is_bounded = search.is_bounded();
  return found;
}

using Lines = std::vector<std::string>;

TEST_CASE("a match is told once, with its first and last snapshot and in how many it is") {
  MemoryBlobs blobs;
  const std::vector<v1::Snapshot> row{
      snapshot_of(blobs, {sample_file("always", 1), sample_file("changes", 5), sample_file("goes", 2)}),
      snapshot_of(blobs, {sample_file("always", 1), sample_file("changes", 6)}),
      snapshot_of(blobs, {sample_file("always", 1), sample_file("changes", 5), sample_file("comes", 3)}),
      snapshot_of(blobs, {sample_file("always", 1), sample_file("changes", 5), sample_file("comes", 3)})};
  CHECK(find(blobs, row).lines == Lines{"/home/always 1 0..3 4", "/home/changes 5 0..3 3",
                                        "/home/changes 6 1..1 1", "/home/comes 3 2..3 2",
                                        "/home/goes 2 0..0 1"});
  CHECK(find(blobs, {}).lines.empty());
}

TEST_CASE(
    "only content makes a version; size and time of a match are those of the last snapshot that has it") {
  MemoryBlobs blobs;
  v1::Node touched = sample_file("a", 1);
  *touched.mutable_mtime() = to_proto({1'800'000'000, 0});
  const auto row = std::vector{snapshot_of(blobs, {sample_file("a", 1)}), snapshot_of(blobs, {touched})};
  std::vector<Find::Where> where;
  for (const v1::Snapshot& snapshot : row) where.push_back({&snapshot, &blobs});
  Find search(where, "", {is_file, [](std::size_t, const std::string&, const Error&) {}});
  while (search.step()) {
  }
  const std::vector<Match> matches = search.take_matches();
  REQUIRE(matches.size() == 1);
  CHECK(matches[0].snapshots == 2);
  CHECK(matches[0].mtime == TimePoint{1'800'000'000, 0});

  // A folder is one match, whatever is in it.
  const auto folders = [](const std::string& path, const v1::Node& node) {
    return path != "/home" && node.type() == v1::NODE_TYPE_FOLDER;
  };
  const auto with_folder = [&](std::uint64_t size) {
    return snapshot_of(blobs, {sample_folder("d", build(blobs, {sample_file("x", size)}))});
  };
  CHECK(find(blobs, {with_folder(1), with_folder(7)}, folders).lines == Lines{"/home/d 7 0..1 2"});
  // A link that leads elsewhere is another version.
  const auto links = [](const std::string&, const v1::Node& node) {
    return node.type() == v1::NODE_TYPE_SYMLINK;
  };
  CHECK(find(blobs,
             {snapshot_of(blobs, {sample_link("l", "a")}), snapshot_of(blobs, {sample_link("l", "b")})},
             links)
            .lines.size() == 2);
}

TEST_CASE("what matches in some snapshots only is there in those") {
  MemoryBlobs blobs;
  v1::Node old = sample_file("a", 1);
  *old.mutable_mtime() = to_proto({1'000, 0});
  const std::vector row{snapshot_of(blobs, {old}), snapshot_of(blobs, {sample_file("a", 1)}),
                        snapshot_of(blobs, {old})};
  const auto is_old = [](const std::string&, const v1::Node& node) { return node.mtime().seconds() < 2'000; };
  const auto old_files = [&](const std::string& path, const v1::Node& node) {
    return is_file(path, node) && is_old(path, node);
  };
  CHECK(find(blobs, row, old_files).lines == Lines{"/home/a 1 0..2 2"});
}

TEST_CASE("a thousand snapshots cost one walk, and what changes between them") {
  MemoryBlobs blobs;
  std::vector<v1::Node> same;
  for (int i = 0; i < 100; ++i)
    same.push_back(sample_folder(std::to_string(100 + i), build(blobs, {sample_file("x", 1)})));
  std::vector<v1::Snapshot> row;
  for (std::uint64_t i = 0; i < 1000; ++i) {
    same[42] = sample_folder("142", build(blobs, {sample_file("x", 1), sample_file("y", i + 10)}));
    row.push_back(snapshot_of(blobs, same));
  }
  const std::size_t before = blobs.reads;
  const Found found = find(blobs, row, [](const std::string& path, const v1::Node& node) {
    return is_file(path, node) && path.ends_with("/x");
  });
  CHECK(found.lines.size() == 100);
  CHECK(found.lines[42] == "/home/142/x 1 0..999 1000");
  // Of each but the first the root and a folder, on either side.
  CHECK(blobs.reads - before <= 101 + 999 * 4);
}

TEST_CASE("below a path only that is walked, and sources below it are") {
  MemoryBlobs blobs;
  const BuiltTree inner = build(blobs, {sample_file("x", 1)});
  const v1::Snapshot both =
      snapshot_of(blobs, {sample_folder("a", inner), sample_folder("ab", inner), sample_file("b", 2)});
  const v1::Snapshot without = snapshot_of(blobs, {sample_file("b", 2)});
  CHECK(find(blobs, {both, without, both}, is_file, "/home/a").lines == Lines{"/home/a/x 1 0..2 2"});
  CHECK(find(blobs, {both}, is_file, "/home/b").lines == Lines{"/home/b 2 0..0 1"});
  CHECK(find(blobs, {both}, is_file, "/home/b/x").lines.empty());
  CHECK(find(blobs, {both}, is_file, "/hom").lines.empty());
  CHECK(find(blobs, {both}, is_file, "/").lines.size() == 3);
  const v1::Snapshot deep = sample_snapshot("home", 1000, sample_source("/srv/a", sample_folder("x", inner)),
                                            sample_source("/srv/b", sample_folder("x", inner)),
                                            sample_source("/x", sample_file("x")));
  CHECK(find(blobs, {deep}, is_file, "/srv").lines == Lines{"/srv/a/x 1 0..0 1", "/srv/b/x 1 0..0 1"});
  // A source that is no more has nothing there any more.
  CHECK(find(blobs, {deep, both}, is_file, "/srv/a").lines == Lines{"/srv/a/x 1 0..0 1"});
}

TEST_CASE("bounds keep what was found first, and are told of") {
  MemoryBlobs blobs;
  const v1::Snapshot one = snapshot_of(blobs, {sample_file("b", 1), sample_file("c", 2)});
  const v1::Snapshot other =
      snapshot_of(blobs, {sample_file("a", 3), sample_file("b", 4), sample_file("c", 2)});
  CHECK_FALSE(find(blobs, {one, other}, is_file, "", {4, 1000}).is_bounded);
  const Found three = find(blobs, {one, other}, is_file, "", {3, 1000});
  CHECK(three.is_bounded);
  CHECK(three.lines == Lines{"/home/a 3 1..1 1", "/home/b 1 0..0 1", "/home/c 2 0..1 2"});
  const Found short_paths = find(blobs, {one, other}, is_file, "", {100, 14});
  CHECK(short_paths.is_bounded);
  CHECK(short_paths.lines == Lines{"/home/b 1 0..0 1", "/home/b 4 1..1 1", "/home/c 2 0..1 2"});
}

TEST_CASE("what cannot be read in one snapshot is found in those before and behind it") {
  MemoryBlobs blobs;
  const auto with = [&](const BuiltTree& docs) {
    return snapshot_of(blobs, {sample_file("a", 1), sample_folder("docs", docs), sample_file("z", 2)});
  };
  const BuiltTree lost = build(blobs, {sample_file("x", 1), sample_file("y", 9)});
  const std::vector row{with(build(blobs, {sample_file("x", 1)})), with(lost), with(lost),
                        with(build(blobs, {sample_file("x", 1), sample_file("y", 9)})),
                        with(build(blobs, {sample_file("x", 1), sample_file("y", 7)}))};
  CHECK(find(blobs, row).unreadable.empty());
  blobs.remove(crypto::BlobKind::kTree, lost.id);
  // The fourth has the same folder; the last one has its own.
  const Found found = find(blobs, row);
  CHECK(found.unreadable == Lines{"1 /home/docs"});
  CHECK(found.lines ==
        Lines{"/home/a 1 0..4 5", "/home/docs/x 1 0..4 2", "/home/docs/y 7 4..4 1", "/home/z 2 0..4 5"});
  // The folder that was to be looked into, likewise.
  CHECK(find(blobs, row, is_file, "/home/docs/y").unreadable ==
        Lines{"1 /home/docs", "2 /home/docs", "3 /home/docs"});
  CHECK(find(blobs, row, is_file, "/home/docs/y").lines == Lines{"/home/docs/y 7 4..4 1"});
}

// A folder's content: size of a file, or what is below.
struct Model {
  std::map<std::string, std::uint64_t> files;
  std::map<std::string, std::shared_ptr<Model>> folders;
};

BuiltTree build(MemoryBlobs& blobs, const Model& model) {
  std::map<std::string, v1::Node> nodes;
  for (const auto& [name, folder] : model.folders) nodes[name] = sample_folder(name, build(blobs, *folder));
  for (const auto& [name, size] : model.files) nodes[name] = sample_file(name, size);
  std::vector<v1::Node> all;
  for (auto& [name, node] : nodes) all.push_back(std::move(node));
  return build(blobs, all);
}

std::shared_ptr<Model> arbitrary(int depth) {
  auto model = std::make_shared<Model>();
  for (const char* name : {"a", "b", "c"}) {
    const int kind = *rc::gen::inRange(0, 4);
    if (kind == 1 || (kind == 2 && depth == 0)) {
      model->files[name] = *rc::gen::inRange<std::uint64_t>(1, 4);
    } else if (kind == 2) {
      model->folders[name] = arbitrary(depth - 1);
    }
  }
  return model;
}

// Paths and sizes of the files that match.
void list(const Model& model, const std::string& path, const std::function<void(std::string)>& take) {
  for (const auto& [name, size] : model.files) take(path + "/" + name + " " + std::to_string(size));
  for (const auto& [name, folder] : model.folders) list(*folder, path + "/" + name, take);
}

TEST_CASE("what is found is what a walk of every snapshot finds") {
  CHECK(rc::check([] {
    MemoryBlobs blobs;
    const int count = *rc::gen::inRange(1, 8);
    std::vector<v1::Snapshot> row;
    struct Seen {
      int first = 0;
      int last = 0;
      int snapshots = 0;
    };
    std::map<std::string, Seen> seen;
    std::shared_ptr<Model> model = arbitrary(3);
    for (int i = 0; i < count; ++i) {
      // Half of the time only a part of it changes.
      if (*rc::gen::inRange(0, 2) == 0) {
        model = arbitrary(3);
      } else {
        model = std::make_shared<Model>(*model);
        model->files.erase("c");
        model->folders["c"] = arbitrary(2);
      }
      row.push_back(snapshot_of(build(blobs, *model)));
      list(*model, "/home", [&](const std::string& line) {
        const std::string path = line.substr(0, line.find(' '));
        if (path.ends_with("/b")) return;
        Seen& one = seen.try_emplace(line, Seen{i, i, 0}).first->second;
        one.last = i;
        ++one.snapshots;
      });
    }
    Lines wanted;
    for (const auto& [line, one] : seen) {
      wanted.push_back(line + " " + std::to_string(one.first) + ".." + std::to_string(one.last) + " " +
                       std::to_string(one.snapshots));
    }
    Found found = find(blobs, row, [](const std::string& path, const v1::Node& node) {
      return is_file(path, node) && !path.ends_with("/b");
    });
    // The naive one has the versions of a path by their sizes.
    std::sort(found.lines.begin(), found.lines.end());
    std::sort(wanted.begin(), wanted.end());
    RC_ASSERT(found.lines == wanted);
  }));
}

}  // namespace
}  // namespace garner::snapshot
