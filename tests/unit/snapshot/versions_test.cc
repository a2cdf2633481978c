#include "snapshot/versions.h"

#include <rapidcheck.h>

#include <catch2/catch.hpp>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "memory_blobs.h"
#include "sample_nodes.h"
#include "sample_trees.h"
#include "snapshot/snapshot.h"

namespace garner::snapshot {
namespace {

using testing::id_bytes;
using testing::MemoryBlobs;
using testing::sample_entry;
using testing::sample_file;
using testing::sample_folder;
using testing::sample_link;
using testing::sample_snapshot;
using testing::sample_source;
using Kind = Sight::Kind;

struct Trees {
  v1::Node folder(const std::string& name, const std::vector<v1::Node>& nodes) {
    return sample_folder(name, testing::build(blobs, nodes));
  }
  // Of /home, in which these are.
  v1::Snapshot snapshot(const std::vector<v1::Node>& nodes) {
    return sample_snapshot("home", 1000, sample_source("/home", folder("home", nodes)));
  }

  MemoryBlobs blobs;
};

// Which versions snapshots that have only this node, each, are of.
std::vector<std::size_t> versions_of(const std::vector<v1::Node>& nodes) {
  Trees trees;
  PathVersions seen("/home/" + nodes.front().name());
  std::vector<std::size_t> versions;
  for (const v1::Node& node : nodes) {
    const Sight sight = seen.look(trees.snapshot({node}), trees.blobs, 0);
    REQUIRE(sight.kind == Kind::kPresent);
    versions.push_back(sight.version);
  }
  return versions;
}

using Numbers = std::vector<std::size_t>;

TEST_CASE("a path is found in the innermost source, is absent there, or is in none") {
  Trees trees;
  const v1::Node letters = trees.folder("letters", {sample_file("one")});
  v1::Snapshot snapshot = sample_snapshot(
      "home", 1000,
      sample_source("/home", trees.folder("home", {trees.folder("ann", {}), sample_file("note")})),
      sample_source("/home/ann", trees.folder("ann", {letters})),
      sample_source("/fstab", sample_file("fstab")));
  const auto look = [&](const std::string& path) {
    return PathVersions(path).look(snapshot, trees.blobs, 0).kind;
  };
  for (const char* path : {"/home", "/home/note", "/home/ann", "/home/ann/letters/one", "/fstab"}) {
    INFO(path);
    CHECK(look(path) == Kind::kPresent);
  }
  for (const char* path : {"/home/other", "/home/ann/note", "/home/note/below", "/fstab/below"}) {
    INFO(path);
    CHECK(look(path) == Kind::kAbsent);
  }
  for (const char* path : {"/", "/hom", "/homes", "/etc/fstab"}) {
    INFO(path);
    CHECK(look(path) == Kind::kOutside);
  }
  PathVersions whole("/any/path");
  CHECK(whole.look(sample_snapshot("all", 1000, sample_source("/", trees.folder("x", {}))), trees.blobs, 0)
            .kind == Kind::kAbsent);
}

TEST_CASE("versions differ in all that makes one, and in nothing else") {
  const auto is_another = [](const auto& change) {
    v1::Node after = sample_file("f");
    change(after);
    return versions_of({sample_file("f"), after}) == Numbers{0, 1};
  };
  CHECK(is_another([](v1::Node& node) { node.set_mode(0600); }));
  CHECK(is_another([](v1::Node& node) { node.set_uid(5); }));
  CHECK(is_another([](v1::Node& node) { node.set_gid(5); }));
  CHECK(is_another([](v1::Node& node) { node.mutable_mtime()->set_nanos(1); }));
  CHECK(is_another([](v1::Node& node) { node.mutable_content(0)->set_id(id_bytes(7)); }));
  CHECK(is_another([](v1::Node& node) { node = sample_file("f", 101); }));
  CHECK(is_another([](v1::Node& node) { node = sample_link("f", "target"); }));
  CHECK(is_another([](v1::Node& node) {
    // The same bytes, cut elsewhere, cannot be known for the same.
    node.clear_content();
    *node.add_content() = sample_entry(v1::ENTRY_TYPE_BLOB, 40, 40);
    *node.add_content() = sample_entry(v1::ENTRY_TYPE_BLOB, 60, 60);
  }));
  CHECK_FALSE(is_another([](v1::Node& node) { node.mutable_ctime()->set_nanos(6); }));
  CHECK_FALSE(is_another([](v1::Node& node) { node.set_inode(43); }));
  CHECK_FALSE(is_another([](v1::Node& node) { node.set_stale(true); }));
  CHECK_FALSE(is_another([](v1::Node& node) {
    v1::Xattr& xattr = *node.add_xattrs();
    xattr.set_name("user.x");
    xattr.set_value("y");
  }));
  CHECK(versions_of({sample_link("l", "a"), sample_link("l", "b"), sample_link("l", "a")}) ==
        Numbers{0, 1, 0});
}

TEST_CASE("a folder is another version when anything in it is") {
  Trees trees;
  PathVersions seen("/home/letters");
  const auto look = [&](std::uint64_t size) {
    return seen
        .look(trees.snapshot({trees.folder("letters", {trees.folder("old", {sample_file("f", size)})})}),
              trees.blobs, 0)
        .version;
  };
  CHECK(Numbers{look(1), look(2), look(1)} == Numbers{0, 1, 0});
  CHECK(seen.count() == 2);
  CHECK(seen.version(1).node.totals().bytes() == 2);
}

TEST_CASE("under other keys what is alike in all but content is the same version, as long as none is known") {
  Trees trees;
  PathVersions seen("/home/f");
  const auto look = [&](std::uint64_t content, std::uint32_t names) {
    v1::Node node = sample_file("f");
    node.mutable_content(0)->set_id(id_bytes(content));
    return seen.look(trees.snapshot({node}), trees.blobs, names).version;
  };
  CHECK(look(1, 0) == 0);
  CHECK(look(50, 1) == 0);  // its content there
  CHECK(look(2, 0) == 1);
  CHECK(look(51, 1) == 1);  // not that of the first
  CHECK(look(50, 1) == 0);
  CHECK(look(52, 1) == 2);  // of neither
  CHECK(look(1, 0) == 0);
}

TEST_CASE("a folder that snapshots share is read once, and what was not there is remembered as well") {
  Trees trees;
  std::vector<v1::Node> many;
  for (int i = 1000; i < 4000; ++i) many.push_back(sample_file(std::to_string(i)));
  const v1::Node shared = trees.folder("shared", many);
  PathVersions seen("/home/shared/2500");
  PathVersions missing("/home/shared/9");
  for (std::uint64_t i = 0; i < 50; ++i) {
    const v1::Snapshot snapshot = trees.snapshot({sample_file("other", i + 1), shared});
    seen.look(snapshot, trees.blobs, 0);
    missing.look(snapshot, trees.blobs, 0);
    const std::size_t before = trees.blobs.reads;
    CHECK(seen.look(snapshot, trees.blobs, 0).kind == Kind::kPresent);
    CHECK(missing.look(snapshot, trees.blobs, 0).kind == Kind::kAbsent);
    CHECK(trees.blobs.reads == before);
    // Of each snapshot its top, for each of the two; of what they share, the pages on the way.
    CHECK(trees.blobs.reads <= 2 * (i + 1) + 2 * 3);
  }
  CHECK(seen.count() == 1);
}

TEST_CASE("what cannot be read is an error, and is read again the next time") {
  Trees trees;
  const v1::Snapshot snapshot = trees.snapshot({sample_file("f")});
  MemoryBlobs empty;
  PathVersions seen("/home/f");
  CHECK_THROWS_AS(seen.look(snapshot, empty, 0), Error);
  CHECK(seen.look(snapshot, trees.blobs, 0).kind == Kind::kPresent);
}

TEST_CASE("each version has when it was first and last there, and in how many snapshots") {
  VersionHistory history;
  const auto present = [](std::size_t version) { return Sight{Kind::kPresent, version}; };
  history.add(0, "home", {});
  history.add(1, "home", present(0));
  history.add(2, "home", present(1));
  history.add(5, "home", present(0));
  history.add(6, "home", present(2));
  history.add(7, "home", present(2));
  const auto all = history.newest_first();
  REQUIRE(all.size() == 3);
  const auto is = [](const VersionHistory::Appearance& one, std::size_t version, std::size_t first,
                     std::size_t last, std::uint64_t snapshots) {
    return one.version == version && one.first == first && one.last == last && one.snapshots == snapshots;
  };
  CHECK(is(all[0], 2, 6, 7, 2));
  CHECK(is(all[1], 0, 1, 5, 2));
  CHECK(is(all[2], 1, 2, 2, 1));
  CHECK(history.gaps().empty());
  CHECK(history.snapshots() == 5);
}

TEST_CASE("a gap is where every set that ever had it does not") {
  VersionHistory history;
  const Sight present{Kind::kPresent, 0};
  const Sight absent{Kind::kAbsent};
  history.add(0, "home", absent);  // not yet
  history.add(1, "home", present);
  history.add(2, "etc", absent);  // leaves it out, always
  history.add(3, "home", absent);
  history.add(4, "etc", absent);
  history.add(5, "mail", {});
  history.add(6, "home", absent);
  history.add(7, "home", present);
  history.add(8, "all", present);
  history.add(9, "home", absent);  // still in the other one
  history.add(10, "all", absent);
  const auto& gaps = history.gaps();
  REQUIRE(gaps.size() == 2);
  CHECK((gaps[0].first == 3 && gaps[0].last == 6 && gaps[0].snapshots == 2 && gaps[0].ended));
  CHECK((gaps[1].first == 10 && gaps[1].last == 10 && gaps[1].snapshots == 1 && !gaps[1].ended));
}

TEST_CASE("whatever a path has been, find_node() finds the same in each snapshot") {
  REQUIRE(rc::check([] {
    Trees trees;
    PathVersions seen("/home/a/b");
    std::map<std::size_t, std::string> known;  // the size of a version
    const auto steps = *rc::gen::container<std::vector<int>>(rc::gen::inRange(0, 7));
    for (const int step : steps) {
      std::vector<v1::Node> top;
      if (step == 1) top = {sample_file("a")};
      if (step == 2) top = {trees.folder("a", {sample_file("c")})};
      if (step > 2) top = {trees.folder("a", {sample_file("b", static_cast<std::uint64_t>(step))})};
      const v1::Snapshot snapshot = trees.snapshot(top);
      const Sight sight = seen.look(snapshot, trees.blobs, 0);
      std::optional<std::string> found;
      try {
        found = std::to_string(find_node(snapshot, "/home/a/b", trees.blobs).named.node.size());
      } catch (const Error&) {
        RC_ASSERT(sight.kind == Kind::kAbsent);
        continue;
      }
      RC_ASSERT(sight.kind == Kind::kPresent);
      RC_ASSERT(std::to_string(seen.version(sight.version).node.size()) == *found);
      RC_ASSERT(known.emplace(sight.version, *found).first->second == *found);
    }
    std::map<std::string, int> sizes;
    for (const auto& [version, size] : known) RC_ASSERT(++sizes[size] == 1);
  }));
}

}  // namespace
}  // namespace garner::snapshot
