#include "snapshot/diff.h"

#include <rapidcheck.h>
#include <catch2/catch.hpp>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "memory_blobs.h"
#include "sample_nodes.h"
#include "sample_trees.h"
#include "snapshot/node.h"
#include "snapshot/tree.h"
#include "stored_files.h"

namespace garner::snapshot {
namespace {

using testing::build;
using testing::id_bytes;
using testing::MemoryBlobs;
using testing::sample_file;
using testing::sample_folder;
using testing::sample_link;
using testing::sample_node;
using testing::sample_snapshot;
using testing::sample_source;
using testing::snapshot_of;
using testing::stored_file;

std::string line(const Change& change) {
  std::string text;
  switch (change.kind) {
    case ChangeKind::kAdded:
      text = "+ " + change.path;
      break;
    case ChangeKind::kRemoved:
      text = "- " + change.path;
      break;
    case ChangeKind::kContent:
      text = "M " + change.path;
      break;
    case ChangeKind::kMetadata:
      text = "m " + change.path;
      break;
    case ChangeKind::kType:
      text = "T " + change.path;
      break;
    case ChangeKind::kRenamed:
      text = "R " + change.old_path + " -> " + change.path;
  }
  for (const std::string_view field : change.fields) text.append(" ").append(field);
  return text;
}

struct Differences {
  std::vector<std::string> lines;
  std::vector<std::string> unreadable;
  DiffSummary summary;
};

Differences diff(std::vector<PlacePair> places, store::BlobSource& source) {
  Differences found;
  Diff walk(std::move(places), source, source,
            {[&](const Change& change) { found.lines.push_back(line(change)); },
             [&](const std::string& path, const Error&) { found.unreadable.push_back(path); }});
  while (walk.step()) {
  }
  found.summary = walk.summary();
  return found;
}

Differences diff(const v1::Snapshot& before, const v1::Snapshot& after, store::BlobSource& source) {
  return diff(sources_side_by_side(before, source, after, source), source);
}

Differences diff(MemoryBlobs& blobs, const std::vector<v1::Node>& before,
                 const std::vector<v1::Node>& after) {
  return diff(snapshot_of(build(blobs, before)), snapshot_of(build(blobs, after)), blobs);
}

TEST_CASE("each kind of change is told once, in path order, and summed up") {
  MemoryBlobs blobs;
  v1::Node private_file = sample_file("mode", 3);
  private_file.set_mode(0600);
  const BuiltTree inner = build(blobs, {sample_file("inside", 50), sample_link("link", "inside")});
  const Differences found =
      diff(blobs,
           {sample_file("became folder", 9), sample_file("content", 100), sample_file("gone", 7),
            sample_folder("gone folder", inner), sample_file("mode", 3), sample_file("name 1", 1234),
            sample_file("same", 5)},
           {sample_folder("became folder", build(blobs, {sample_file("x", 11)})), sample_file("content", 130),
            private_file, sample_file("new", 8), sample_file("renamed", 1234), sample_file("same", 5)});
  CHECK(found.lines == std::vector<std::string>{"T /home/became folder", "+ /home/became folder/x",
                                                "M /home/content", "- /home/gone", "- /home/gone folder",
                                                "- /home/gone folder/inside", "- /home/gone folder/link",
                                                "m /home/mode mode", "+ /home/new",
                                                "R /home/name 1 -> /home/renamed"});
  CHECK(found.unreadable.empty());
  const DiffSummary& summary = found.summary;
  CHECK(summary.added.files() == 2);
  CHECK(summary.added.folders() == 1);
  CHECK(summary.added.bytes() == 11 + 8);
  CHECK(summary.removed.files() == 3);
  CHECK(summary.removed.folders() == 1);
  CHECK(summary.removed.others() == 1);
  CHECK(summary.removed.bytes() == 9 + 7 + 50);
  CHECK(summary.content == 1);
  CHECK(summary.content_bytes_before == 100);
  CHECK(summary.content_bytes_after == 130);
  CHECK(summary.metadata == 1);
  CHECK(summary.types == 1);
  CHECK(summary.renamed == 1);
  CHECK(summary.renamed_bytes == 1234);
}

TEST_CASE("which metadata differs is said; what only serves to detect changes is none") {
  MemoryBlobs blobs;
  const auto lines_of = [&](const v1::Node& before, const v1::Node& after) {
    return diff(blobs, {before}, {after}).lines;
  };
  const auto changed = [&](const auto& change) {
    v1::Node after = sample_file("f");
    change(after);
    const std::vector<std::string> lines = lines_of(sample_file("f"), after);
    return lines.empty() ? std::string() : lines.front();
  };
  const auto add_xattr = [](v1::Node& node, const char* name) {
    v1::Xattr& xattr = *node.add_xattrs();
    xattr.set_name(name);
    xattr.set_value("value");
  };
  CHECK(changed([](v1::Node& node) { node.set_gid(7); }) == "m /home/f owner");
  CHECK(changed([](v1::Node& node) { node.mutable_mtime()->set_nanos(5); }) == "m /home/f mtime");
  CHECK(changed([](v1::Node& node) { node.set_inode_flags(16); }) == "m /home/f flags");
  CHECK(changed([](v1::Node& node) { node.set_links(2); }) == "m /home/f links");
  CHECK(changed([&](v1::Node& node) { add_xattr(node, "user.note"); }) == "m /home/f xattrs");
  CHECK(changed([&](v1::Node& node) { add_xattr(node, "system.posix_acl_access"); }) == "m /home/f acl");
  CHECK(changed([](v1::Node& node) {
          node.set_mode(0600);
          node.set_uid(0);
        }) == "m /home/f mode owner");
  CHECK(changed([](v1::Node& node) {
          node.set_inode(77);
          node.mutable_ctime()->set_seconds(9);
          node.set_stale(true);
          node.set_inconsistent(true);
        }).empty());
  CHECK(lines_of(sample_link("l", "a"), sample_link("l", "b")) ==
        std::vector<std::string>{"M /home/l target"});
}

TEST_CASE("content that is stored as a difference in one snapshot is the same content") {
  MemoryBlobs blobs;
  const v1::Node whole = sample_file("f", 100);
  v1::Node patched = whole;
  v1::ContentEntry& entry = *patched.mutable_content(0);
  entry.set_type(v1::ENTRY_TYPE_DIFFERENCE);
  entry.set_base(id_bytes(1));
  entry.set_patch(id_bytes(2));
  CHECK(diff(blobs, {whole}, {patched}).lines.empty());
  v1::Node other = patched;
  other.mutable_content(0)->set_id(id_bytes(3));
  CHECK(diff(blobs, {whole}, {other}).lines == std::vector<std::string>{"M /home/f"});
}

TEST_CASE("so is that of a large file, where it stays and where it is moved") {
  MemoryBlobs blobs;
  const v1::Node whole = stored_file(blobs, "disk", 0, 500);
  const v1::Node patched = stored_file(blobs, "disk", 0, 500, {7});
  REQUIRE(whole.content(0).id() != patched.content(0).id());
  CHECK(diff(blobs, {whole}, {patched}).lines.empty());
  v1::Node moved = patched;
  moved.set_name("moved");
  CHECK(diff(blobs, {whole}, {moved}).lines == std::vector<std::string>{"R /home/disk -> /home/moved"});
  CHECK(diff(blobs, {whole}, {stored_file(blobs, "disk", 1, 501)}).lines ==
        std::vector<std::string>{"M /home/disk"});
}

TEST_CASE("a source that has become wider or narrower is compared with what was there before") {
  MemoryBlobs blobs;
  const v1::Node ann = sample_folder("ann", build(blobs, {sample_file("a", 5), sample_file("b", 6)}));
  const v1::Node changed = sample_folder("ann", build(blobs, {sample_file("a", 5), sample_file("b", 7)}));
  const v1::Node home = sample_folder("h", build(blobs, {changed, sample_file("other", 8)}));
  const v1::Snapshot narrow = sample_snapshot("one", 1000, sample_source("/h/ann", ann));
  const v1::Snapshot wide = sample_snapshot("one", 2000, sample_source("/h", home));
  const Differences found = diff(narrow, wide, blobs);
  CHECK(found.lines == std::vector<std::string>{"+ /h", "+ /h/other", "M /h/ann/b"});
  CHECK(found.summary.added.files() == 1);
  CHECK(diff(wide, narrow, blobs).lines == std::vector<std::string>{"- /h", "- /h/other", "M /h/ann/b"});
  // One that the wider source no longer has is gone.
  const v1::Snapshot two =
      sample_snapshot("one", 1000, sample_source("/h/ann", changed), sample_source("/h/ben", ann));
  CHECK(diff(two, wide, blobs).lines ==
        std::vector<std::string>{"+ /h", "+ /h/other", "- /h/ben", "- /h/ben/a", "- /h/ben/b"});
}

TEST_CASE("a file that is moved is renamed, be its new place before the old one or behind it") {
  MemoryBlobs blobs;
  const BuiltTree full = build(blobs, {sample_file("f", 5), sample_file("g", 6)});
  const BuiltTree empty = build(blobs, {});
  const std::vector<v1::Node> one{sample_folder("a", full), sample_folder("b", empty)};
  const std::vector<v1::Node> other{sample_folder("a", empty), sample_folder("b", full)};
  CHECK(diff(blobs, one, other).lines ==
        std::vector<std::string>{"R /home/a/f -> /home/b/f", "R /home/a/g -> /home/b/g"});
  CHECK(diff(blobs, other, one).lines ==
        std::vector<std::string>{"R /home/b/f -> /home/a/f", "R /home/b/g -> /home/a/g"});
}

TEST_CASE("a copy is added, and one of two that are alike is renamed") {
  MemoryBlobs blobs;
  CHECK(diff(blobs, {sample_file("a", 5)}, {sample_file("a", 5), sample_file("b", 5)}).lines ==
        std::vector<std::string>{"+ /home/b"});
  CHECK(diff(blobs, {sample_file("a", 5)}, {sample_file("b", 5), sample_file("c", 5)}).lines ==
        std::vector<std::string>{"R /home/a -> /home/b", "+ /home/c"});
}

TEST_CASE("types change both ways, and what was below a folder goes with it") {
  MemoryBlobs blobs;
  const v1::Node folder = sample_folder("x", build(blobs, {sample_file("in", 5)}));
  const v1::Node pipe = sample_node("x", v1::NODE_TYPE_FIFO);
  const Differences there = diff(blobs, {folder}, {pipe});
  CHECK(there.lines == std::vector<std::string>{"T /home/x", "- /home/x/in"});
  CHECK(there.summary.removed.folders() == 1);
  CHECK(there.summary.added.others() == 1);
  CHECK(diff(blobs, {pipe}, {folder}).lines == std::vector<std::string>{"T /home/x", "+ /home/x/in"});
  // What a file was that has become something else is not looked for elsewhere.
  CHECK(diff(blobs, {sample_file("x", 5)}, {folder}).lines ==
        std::vector<std::string>{"T /home/x", "+ /home/x/in"});
}

TEST_CASE("sources are matched by path, and one that only one snapshot has is new or gone as a whole") {
  MemoryBlobs blobs;
  const v1::Node root = sample_folder("x", build(blobs, {sample_file("f", 5)}));
  const v1::Node other = sample_folder("x", build(blobs, {sample_file("f", 6)}));
  const v1::Snapshot before =
      sample_snapshot("one", 1000, sample_source("/home", root), sample_source("/srv", root));
  const v1::Snapshot after =
      sample_snapshot("two", 2000, sample_source("/etc", other), sample_source("/home", root));
  CHECK(diff(before, after, blobs).lines ==
        std::vector<std::string>{"+ /etc", "+ /etc/f", "- /srv", "- /srv/f"});
}

TEST_CASE("a folder may be compared with one that lies elsewhere, and a file with a file") {
  MemoryBlobs blobs;
  const BuiltTree one = build(blobs, {sample_file("a", 1), sample_file("b", 2)});
  const BuiltTree other = build(blobs, {sample_file("b", 3), sample_file("c", 4)});
  CHECK(diff({{PlacedNode{"/home/ann", sample_folder("ann", one)},
               PlacedNode{"/srv/ann", sample_folder("ann", other)}}},
             blobs)
            .lines == std::vector<std::string>{"- /home/ann/a", "M /srv/ann/b", "+ /srv/ann/c"});
  CHECK(diff({{PlacedNode{"/a", sample_file("a", 1)}, PlacedNode{"/b", sample_file("b", 1)}}}, blobs)
            .lines.empty());
  CHECK(diff({{PlacedNode{"/a", sample_file("a", 1)}, PlacedNode{"/b", sample_file("b", 2)}}}, blobs).lines ==
        std::vector<std::string>{"M /b"});
}

TEST_CASE("what the walks cost is in proportion to what changed") {
  MemoryBlobs blobs;
  std::vector<v1::Node> folders;
  for (std::uint64_t i = 0; i < 300; ++i) {
    folders.push_back(
        sample_folder("f" + std::to_string(1000 + i), build(blobs, {sample_file("file", 1000 + i)})));
  }
  const v1::Snapshot before = snapshot_of(build(blobs, folders));
  blobs.reads = 0;
  CHECK(diff(before, before, blobs).lines.empty());
  CHECK(blobs.reads == 0);
  folders[200] = sample_folder(folders[200].name(), build(blobs, {sample_file("file", 5)}));
  const v1::Snapshot after = snapshot_of(build(blobs, folders));
  blobs.reads = 0;
  CHECK(diff(before, after, blobs).lines == std::vector<std::string>{"M /home/f1200/file"});
  // Twice, of either: the source's pages on the way, and the folder.
  CHECK(blobs.reads <= 2 * 2 * 4);
}

TEST_CASE("a folder that cannot be read is told of once and counted, and the rest is compared") {
  MemoryBlobs blobs;
  const BuiltTree lost = build(blobs, {sample_file("x", 1)});
  const std::vector<v1::Node> before{sample_folder("docs", lost), sample_file("z", 2)};
  const std::vector<v1::Node> after{sample_folder("docs", build(blobs, {sample_file("x", 9)})),
                                    sample_file("z", 3)};
  blobs.remove(crypto::BlobKind::kTree, lost.id);
  const Differences found = diff(blobs, before, after);
  CHECK(found.unreadable == std::vector<std::string>{"/home/docs"});
  CHECK(found.summary.unreadable == 1);
  CHECK(found.lines == std::vector<std::string>{"M /home/z"});
}

// ---- Against a model ----

// What a path holds; a folder's is made of what is below it.
struct Item {
  v1::NodeType type = v1::NODE_TYPE_FILE;
  std::uint64_t size = 0;  // of a file; its content as well
  std::uint32_t mode = 0644;
  bool operator==(const Item&) const = default;
};
using Listing = std::map<std::string, Item>;  // by path

// A folder of the model, by name.
struct Folder {
  std::map<std::string, std::pair<Item, std::unique_ptr<Folder>>> entries;
};

v1::Node node_of(MemoryBlobs& blobs, const std::string& name, const Item& item, const Folder* folder);

BuiltTree store_folder(MemoryBlobs& blobs, const Folder& folder) {
  std::vector<v1::Node> nodes;
  for (const auto& [name, entry] : folder.entries)
    nodes.push_back(node_of(blobs, name, entry.first, entry.second.get()));
  return build(blobs, nodes);
}

v1::Node node_of(MemoryBlobs& blobs, const std::string& name, const Item& item, const Folder* folder) {
  v1::Node node;
  switch (item.type) {
    case v1::NODE_TYPE_FOLDER:
      node = sample_folder(name, store_folder(blobs, *folder));
      break;
    case v1::NODE_TYPE_FILE:
      node = sample_file(name, item.size);
      break;
    default:
      node = sample_node(name, item.type);
  }
  node.set_mode(item.mode);
  return node;
}

void list(const Folder& folder, const std::string& path, Listing& listing) {
  for (const auto& [name, entry] : folder.entries) {
    std::string below = path;
    below.append("/").append(name);
    listing[below] = entry.first;
    if (entry.second) list(*entry.second, below, listing);
  }
}

Folder random_folder(int depth) {
  Folder folder;
  const int entries = *rc::gen::inRange(0, 6);
  for (int i = 0; i < entries; ++i) {
    const std::string name(1, *rc::gen::inRange('a', 'h'));
    Item item;
    item.mode = *rc::gen::element(0644u, 0644u, 0644u, 0600u);
    std::unique_ptr<Folder> below;
    switch (*rc::gen::inRange(0, 5)) {
      case 0:
        item.type = v1::NODE_TYPE_FIFO;
        break;
      case 1:
      case 2:
        if (depth > 0) {
          item.type = v1::NODE_TYPE_FOLDER;
          below = std::make_unique<Folder>(random_folder(depth - 1));
          break;
        }
        [[fallthrough]];
      default:
        item.size = *rc::gen::inRange<std::uint64_t>(0, 5);
    }
    folder.entries[name] = {item, std::move(below)};
  }
  // Sometimes so many more that it has pages.
  if (depth > 0 && *rc::gen::inRange(0, 8) == 0) {
    const int first = *rc::gen::inRange(0, 300);
    for (int more = first; more < first + 1500; ++more)
      folder.entries["n" + std::to_string(10'000 + more)] = {Item{v1::NODE_TYPE_FILE, 3, 0644}, nullptr};
  }
  return folder;
}

Item item_of(const v1::Node& node) { return {node.type(), node.size(), node.mode()}; }

TEST_CASE("the first listing with all changes made is the second, and the summary is the difference") {
  REQUIRE(rc::check([] {
    MemoryBlobs blobs;
    const Folder older = random_folder(3);
    const Folder newer = random_folder(3);
    Listing listing;
    Listing wanted;
    list(older, "/home", listing);
    list(newer, "/home", wanted);
    const v1::Snapshot before = snapshot_of(store_folder(blobs, older));
    const v1::Snapshot after = snapshot_of(store_folder(blobs, newer));

    DiffVisitor visitor;
    visitor.unreadable = [](const std::string&, const Error& error) { RC_FAIL(error.what()); };
    visitor.change = [&](const Change& change) {
      switch (change.kind) {
        case ChangeKind::kAdded:
          RC_ASSERT(listing.emplace(change.path, item_of(*change.after)).second);
          break;
        case ChangeKind::kRemoved:
          RC_ASSERT(listing.at(change.path) == item_of(*change.before));
          listing.erase(change.path);
          break;
        case ChangeKind::kRenamed:
          RC_ASSERT(change.after->size() > 0);
          RC_ASSERT(listing.at(change.old_path).size == change.after->size());
          listing.erase(change.old_path);
          RC_ASSERT(listing.emplace(change.path, item_of(*change.after)).second);
          break;
        default:
          RC_ASSERT(listing.at(change.path) == item_of(*change.before));
          RC_ASSERT(!(item_of(*change.before) == item_of(*change.after)));
          listing[change.path] = item_of(*change.after);
      }
    };
    Diff walk(sources_side_by_side(before, blobs, after, blobs), blobs, blobs, visitor);
    while (walk.step()) {
    }
    RC_ASSERT(listing == wanted);

    const DiffSummary& summary = walk.summary();
    RC_ASSERT(before.totals().files() + summary.added.files() ==
              after.totals().files() + summary.removed.files());
    RC_ASSERT(before.totals().folders() + summary.added.folders() ==
              after.totals().folders() + summary.removed.folders());
    RC_ASSERT(before.totals().others() + summary.added.others() ==
              after.totals().others() + summary.removed.others());
    RC_ASSERT(before.totals().bytes() + summary.added.bytes() + summary.content_bytes_after ==
              after.totals().bytes() + summary.removed.bytes() + summary.content_bytes_before);
  }));
}

}  // namespace
}  // namespace garner::snapshot
