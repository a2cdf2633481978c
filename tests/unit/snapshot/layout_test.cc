#include "snapshot/layout.h"

#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "base/error.h"
#include "memory_blobs.h"
#include "sample_nodes.h"
#include "sample_trees.h"

namespace garner::snapshot {
namespace {

using testing::MemoryBlobs;
using testing::sample_file;
using testing::sample_folder;
using testing::sample_snapshot;
using testing::sample_source;

using Names = std::vector<std::string>;

struct Trees {
  v1::Node folder(const std::string& name, const std::vector<v1::Node>& nodes) {
    return sample_folder(name, testing::build(blobs, nodes));
  }
  std::optional<Place> find(const Layout& layout, const std::string& path) {
    Place place = layout.root();
    for (std::size_t begin = 0; begin < path.size();) {
      const std::size_t end = std::min(path.find('/', begin), path.size());
      std::optional<Place> found = layout.find(place, path.substr(begin, end - begin), blobs);
      if (!found) return std::nullopt;
      place = std::move(*found);
      begin = end + 1;
    }
    CHECK(place.path == path);
    return place;
  }
  // Each is what find() finds, too.
  Names list(const Layout& layout, const std::string& path, const std::string& after = {}) {
    const std::optional<Place> folder = find(layout, path);
    REQUIRE(folder);
    Layout::Reader reader = layout.read(*folder, after, blobs);
    Names names;
    while (const std::optional<Place> place = reader.next()) {
      names.push_back(place->path.substr(path.empty() ? 0 : path.size() + 1));
      const std::optional<Place> found = layout.find(*folder, names.back(), blobs);
      REQUIRE(found);
      CHECK(found->path == place->path);
      CHECK(found->source == place->source);
      CHECK(found->on_the_way == place->on_the_way);
      CHECK(found->node.SerializeAsString() == place->node.SerializeAsString());
    }
    return names;
  }

  MemoryBlobs blobs;
};

TEST_CASE("one source alone is the root itself") {
  Trees trees;
  const v1::Node inner = trees.folder("inner", {sample_file("deep")});
  const Layout layout(sample_snapshot(
      "home", 1'700'000'000,
      sample_source("/home/ann", trees.folder("ann", {sample_file("a"), inner, sample_file("z")}))));
  CHECK_FALSE(layout.root().on_the_way);
  CHECK(layout.root().node.name() == "ann");
  CHECK(trees.list(layout, "") == Names{"a", "inner", "z"});
  CHECK(trees.list(layout, "inner") == Names{"deep"});
  CHECK_FALSE(trees.find(layout, "home"));
  CHECK_FALSE(trees.find(layout, "inner/other"));
  for (const char* name : {"", ".", "..", "inner/deep"})
    CHECK_FALSE(layout.find(layout.root(), name, trees.blobs));
  CHECK_THROWS_AS(layout.find(*trees.find(layout, "a"), "x", trees.blobs), Error);
  CHECK_THROWS_AS(layout.read(*trees.find(layout, "a"), "", trees.blobs), Error);
}

TEST_CASE("one source that is a file lies in the root under its name") {
  Trees trees;
  const Layout layout(
      sample_snapshot("home", 1'700'000'000, sample_source("/etc/fstab", sample_file("fstab"))));
  CHECK(layout.root().on_the_way);
  CHECK(trees.list(layout, "") == Names{"fstab"});
  CHECK(trees.find(layout, "fstab")->node.type() == v1::NODE_TYPE_FILE);
}

TEST_CASE("several sources keep their paths, and folders on the way belong to nobody") {
  Trees trees;
  const Layout layout(sample_snapshot("home", 1'700'000'000,
                                      sample_source("/home/ann", trees.folder("ann", {sample_file("a")})),
                                      sample_source("/home/bob", trees.folder("bob", {sample_file("b")})),
                                      sample_source("/etc/fstab", sample_file("fstab"))));
  CHECK(trees.list(layout, "") == Names{"etc", "home"});
  CHECK(trees.list(layout, "etc") == Names{"fstab"});
  CHECK(trees.list(layout, "home") == Names{"ann", "bob"});
  CHECK(trees.list(layout, "home/bob") == Names{"b"});
  CHECK(trees.list(layout, "home", "ann") == Names{"bob"});
  CHECK(trees.list(layout, "home", "bob").empty());
  const std::optional<Place> home = trees.find(layout, "home");
  CHECK(home->on_the_way);
  CHECK(home->node.mtime().seconds() == 1'700'000'000);
  CHECK_FALSE(trees.find(layout, "home/bob")->on_the_way);
  CHECK(trees.find(layout, "home/ann/a")->source == 0);
  CHECK(trees.find(layout, "home/bob/b")->source == 1);
}

TEST_CASE("a source in another is what is seen, and what leads to it is found though rules leave it out") {
  Trees trees;
  const v1::Node ann = trees.folder("ann", {sample_file("old")});
  const v1::Node home = trees.folder("home", {ann, sample_file("note")});
  const Layout layout(
      sample_snapshot("home", 1'700'000'000, sample_source("/", trees.folder("/", {home})),
                      sample_source("/home/ann", trees.folder("ann", {sample_file("new")})),
                      sample_source("/home/left/out", trees.folder("out", {sample_file("x")}))));
  CHECK_FALSE(layout.root().on_the_way);
  CHECK(trees.list(layout, "") == Names{"home"});
  CHECK_FALSE(trees.find(layout, "home")->on_the_way);
  CHECK(trees.list(layout, "home") == Names{"ann", "left", "note"});
  CHECK(trees.list(layout, "home/ann") == Names{"new"});
  CHECK(trees.find(layout, "home/left")->on_the_way);
  CHECK(trees.list(layout, "home/left/out") == Names{"x"});
}

TEST_CASE("a folder is read from any name on") {
  Trees trees;
  std::vector<v1::Node> nodes;
  Names all;
  for (int number = 10'000; number < 11'500; ++number) {
    all.push_back(std::to_string(number));
    nodes.push_back(sample_file(all.back()));
  }
  const Layout layout(
      sample_snapshot("home", 1'700'000'000, sample_source("/many", trees.folder("many", nodes))));
  for (const std::size_t from : {0, 1, 127, 128, 700, 1'499, 1'500}) {
    INFO(from);
    const std::string after = from == 0 ? "" : all[from - 1];
    CHECK(trees.list(layout, "", after) == Names(all.begin() + static_cast<std::ptrdiff_t>(from), all.end()));
  }
  // A name that is not there.
  CHECK(trees.list(layout, "", "11498x") == Names{"11499"});
  CHECK(trees.list(layout, "", "1").size() == all.size());
  CHECK(trees.list(layout, "", "2").empty());
}

TEST_CASE("a path of the machine has its place in the layout") {
  Trees trees;
  const Layout one(
      sample_snapshot("home", 1'700'000'000, sample_source("/home/ann", trees.folder("ann", {}))));
  CHECK(one.path_of("/home/ann") == "");
  CHECK(one.path_of("/home/ann/letters/one") == "letters/one");
  CHECK_FALSE(one.path_of("/home"));
  CHECK_FALSE(one.path_of("/home/anna"));
  const Layout file(
      sample_snapshot("home", 1'700'000'000, sample_source("/etc/fstab", sample_file("fstab"))));
  CHECK(file.path_of("/etc/fstab") == "fstab");
  const Layout several(sample_snapshot("home", 1'700'000'000,
                                       sample_source("/home/ann", trees.folder("ann", {})),
                                       sample_source("/home/ann/x", trees.folder("x", {}))));
  CHECK(several.path_of("/home/ann") == "home/ann");
  CHECK(several.path_of("/home/ann/x/y") == "home/ann/x/y");
  const Layout all(sample_snapshot("all", 1'700'000'000, sample_source("/", trees.folder("x", {}))));
  CHECK(all.path_of("/") == "");
  CHECK(all.path_of("/etc/fstab") == "etc/fstab");
}

}  // namespace
}  // namespace garner::snapshot
