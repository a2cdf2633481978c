#include "snapshot/walk_new.h"

#include <rapidcheck.h>
#include <catch2/catch.hpp>
#include <map>
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
using testing::MemoryBlobs;
using testing::numbered_id;
using testing::sample_file;
using testing::sample_folder;
using testing::sample_snapshot;
using testing::sample_source;
using testing::snapshot_of;

using Blobs = std::set<std::pair<BlobKind, BlobId>>;

v1::Node file_of(MemoryBlobs& blobs, const std::string& name, const std::vector<std::uint64_t>& chunks) {
  ContentListBuilder list;
  for (const std::uint64_t chunk : chunks) list.add_blob(numbered_id(chunk), 1 + chunk % 100, blobs);
  v1::Node node = sample_file(name, 0);
  node.set_size(list.length());
  for (v1::ContentEntry& entry : list.finish(blobs)) *node.add_content() = std::move(entry);
  return node;
}

struct NewFound {
  Blobs blobs;
  std::vector<std::string> unreadable;
};

NewFound walk_to_new(const v1::Snapshot& newer, const std::vector<const v1::Snapshot*>& owned,
                     store::BlobSource& source) {
  NewFound found;
  ClosureVisitor visitor;
  visitor.visit = [&](BlobKind kind, const BlobId& id, const std::string& path) {
    CHECK(path.starts_with("/home"));
    found.blobs.insert({kind, id});
    return true;
  };
  visitor.unreadable = [&](BlobKind, const BlobId&, const std::string& path, const std::string&) {
    found.unreadable.push_back(path);
  };
  walk_new(newer, owned, source, visitor);
  return found;
}

Blobs closure(const v1::Snapshot& snapshot, store::BlobSource& source) {
  return walk_to_new(snapshot, {}, source).blobs;
}

// Whether `found` is all of `newer` that is not in `owned`, and nothing that is not in `newer`.
bool is_enough(const Blobs& found, const Blobs& newer, const Blobs& owned) {
  for (const auto& blob : newer) {
    if (!owned.contains(blob) && !found.contains(blob)) return false;
  }
  return std::includes(newer.begin(), newer.end(), found.begin(), found.end());
}

std::vector<std::uint64_t> numbers(std::uint64_t first, std::uint64_t count) {
  std::vector<std::uint64_t> all;
  for (std::uint64_t i = 0; i < count; ++i) all.push_back(first + i);
  return all;
}

TEST_CASE("of an equal snapshot nothing is visited or read") {
  MemoryBlobs blobs;
  const v1::Snapshot snapshot = snapshot_of(build(blobs, {file_of(blobs, "a", numbers(0, 3000))}));
  blobs.reads = 0;
  CHECK(walk_to_new(snapshot, {&snapshot}, blobs).blobs.empty());
  CHECK(blobs.reads == 0);
}

TEST_CASE("beside an older snapshot only the way to what has changed is visited and read") {
  MemoryBlobs blobs;
  const auto folder = [&](const std::string& name, std::uint64_t first) {
    return sample_folder(name, build(blobs, {file_of(blobs, "file", numbers(first, 500)),
                                             file_of(blobs, "other", numbers(first + 1000, 500))}));
  };
  std::vector<v1::Node> nodes;
  for (std::uint64_t i = 0; i < 50; ++i) nodes.push_back(folder("f" + std::to_string(100 + i), i * 10'000));
  const v1::Snapshot older = snapshot_of(build(blobs, nodes));
  nodes[20] = folder("f120", 900'000);
  const v1::Snapshot newer = snapshot_of(build(blobs, nodes));
  blobs.reads = 0;
  const NewFound found = walk_to_new(newer, {&older}, blobs);
  // Of either version the first page, the folder, and the lists of its two files.
  CHECK(blobs.reads <= 20);
  CHECK(is_enough(found.blobs, closure(newer, blobs), closure(older, blobs)));
  const Blobs all = closure(newer, blobs);
  CHECK(found.blobs.size() < all.size() / 20);
}

TEST_CASE("of a huge folder the pages that are new are visited") {
  MemoryBlobs blobs;
  std::vector<v1::Node> nodes;
  for (int i = 0; i < 20'000; ++i) nodes.push_back(sample_file(std::to_string(100'000 + i), 0));
  const v1::Snapshot older = snapshot_of(build(blobs, nodes));
  nodes[10'000].set_mode(0600);
  nodes.push_back(file_of(blobs, "zebra", numbers(0, 3)));
  const v1::Snapshot newer = snapshot_of(build(blobs, nodes));
  blobs.reads = 0;
  const NewFound found = walk_to_new(newer, {&older}, blobs);
  CHECK(found.unreadable.empty());
  // The first page, the two that have changed, and three chunks.
  CHECK(found.blobs.size() == 6);
  CHECK(blobs.reads <= 6);
}

TEST_CASE("of a huge file the lists that are new are visited, wherever they have moved") {
  MemoryBlobs blobs;
  std::vector<std::uint64_t> chunks = numbers(0, 100'000);
  const v1::Snapshot older = snapshot_of(build(blobs, {file_of(blobs, "image", chunks)}));
  chunks[70'000] = 1'000'000;
  chunks.insert(chunks.begin(), {2'000'000, 2'000'001});
  const v1::Snapshot newer = snapshot_of(build(blobs, {file_of(blobs, "image", chunks)}));
  const Blobs all = closure(newer, blobs);
  blobs.reads = 0;
  const NewFound found = walk_to_new(newer, {&older}, blobs);
  CHECK(is_enough(found.blobs, all, closure(older, blobs)));
  std::size_t lists = 0;
  for (const auto& [kind, id] : found.blobs) lists += kind == BlobKind::kList ? 1 : 0;
  CHECK(lists <= 6);
}

TEST_CASE("a small file that was huge is read without the lists of what it was") {
  MemoryBlobs blobs;
  const v1::Snapshot older = snapshot_of(build(blobs, {file_of(blobs, "log", numbers(0, 200'000))}));
  const v1::Snapshot newer = snapshot_of(build(blobs, {file_of(blobs, "log", numbers(900'000, 20))}));
  blobs.reads = 0;
  CHECK(walk_to_new(newer, {&older}, blobs).blobs.size() == 22);
  CHECK(blobs.reads < 100);
}

TEST_CASE("a tree of the older snapshot that cannot be read saves nothing and is not reported") {
  MemoryBlobs blobs;
  const auto docs = [&](std::uint64_t first) {
    return build(blobs, {file_of(blobs, "a", numbers(first, 30)), file_of(blobs, "b", numbers(0, 30))});
  };
  const BuiltTree before = docs(100);
  const v1::Snapshot older = snapshot_of(build(blobs, {sample_folder("docs", before)}));
  const v1::Snapshot newer = snapshot_of(build(blobs, {sample_folder("docs", docs(200))}));
  blobs.remove(BlobKind::kTree, before.id);
  const NewFound found = walk_to_new(newer, {&older}, blobs);
  CHECK(found.unreadable.empty());
  CHECK(found.blobs == closure(newer, blobs));
}

TEST_CASE("a tree of the newer snapshot that cannot be read is reported, and the rest is visited") {
  MemoryBlobs blobs;
  const v1::Snapshot older = snapshot_of(build(blobs, {}));
  const BuiltTree lost = build(blobs, {file_of(blobs, "a", {1})});
  const v1::Snapshot newer =
      snapshot_of(build(blobs, {sample_folder("docs", lost), file_of(blobs, "z", {2})}));
  blobs.remove(BlobKind::kTree, lost.id);
  const NewFound found = walk_to_new(newer, {&older}, blobs);
  CHECK(found.unreadable == std::vector<std::string>{"/home/docs"});
  CHECK(found.blobs.contains({BlobKind::kData, numbered_id(2)}));
}

TEST_CASE("folders that are nested deeply are walked beside their older versions") {
  MemoryBlobs blobs;
  const auto nested = [&](std::uint64_t chunk) {
    BuiltTree tree = build(blobs, {file_of(blobs, "last", {chunk})});
    for (int depth = 0; depth < 100; ++depth) {
      tree = build(blobs, {sample_folder("a", tree), file_of(blobs, "b", {std::uint64_t(depth) + 1000})});
    }
    return snapshot_of(tree);
  };
  const v1::Snapshot older = nested(1);
  const v1::Snapshot newer = nested(2);
  const NewFound found = walk_to_new(newer, {&older}, blobs);
  CHECK(is_enough(found.blobs, closure(newer, blobs), closure(older, blobs)));
  // Trees and the one file: what lies beside the way down is not visited.
  CHECK(found.blobs.size() == 102);
}

// ---- Against a model ----

// A file system of a few folders, in which a test changes something from one snapshot to the next.
using Files =
    std::map<std::string, std::map<std::string, std::vector<std::uint64_t>>>;  // folder, name, chunks

v1::Snapshot store_files(MemoryBlobs& blobs, const Files& files) {
  std::vector<v1::Node> folders;
  for (const auto& [folder, content] : files) {
    std::vector<v1::Node> nodes;
    for (const auto& [name, chunks] : content) nodes.push_back(file_of(blobs, name, chunks));
    folders.push_back(sample_folder(folder, build(blobs, nodes)));
  }
  return snapshot_of(build(blobs, folders));
}

void change(Files& files) {
  const auto folder = std::to_string(*rc::gen::inRange(0, 5));
  const auto name = std::to_string(*rc::gen::inRange(100, 700));
  auto& content = files[folder];
  switch (*rc::gen::inRange(0, 5)) {
    case 0:
      content[name] = numbers(*rc::gen::inRange<std::uint64_t>(0, 1'000'000), *rc::gen::inRange(0, 2000));
      break;
    case 1:
      content.erase(name);
      break;
    case 2:
      files.erase(folder);
      break;
    case 3:
      // So that it needs pages.
      for (int i = 0; i < 600; ++i) content.try_emplace(std::to_string(100 + i));
      break;
    default:
      if (!content.empty()) {
        auto& chunks = content.begin()->second;
        const auto place = *rc::gen::inRange<std::size_t>(0, chunks.size() + 1);
        chunks.insert(chunks.begin() + static_cast<std::ptrdiff_t>(place),
                      *rc::gen::inRange<std::uint64_t>(0, 1'000'000));
      }
  }
}

TEST_CASE("whatever has happened in between, everything that is not owned is visited") {
  REQUIRE(rc::check([] {
    MemoryBlobs blobs;
    Files files;
    std::vector<v1::Snapshot> history;
    const int snapshots = *rc::gen::inRange(2, 5);
    for (int i = 0; i < snapshots; ++i) {
      const int changes = *rc::gen::inRange(0, 8);
      for (int j = 0; j < changes; ++j) change(files);
      history.push_back(store_files(blobs, files));
    }
    std::vector<const v1::Snapshot*> owned;
    Blobs there;
    for (std::size_t i = 0; i + 1 < history.size(); ++i) {
      if (!*rc::gen::arbitrary<bool>()) continue;
      owned.push_back(&history[i]);
      there.merge(closure(history[i], blobs));
    }
    const NewFound found = walk_to_new(history.back(), owned, blobs);
    RC_ASSERT(found.unreadable.empty());
    RC_ASSERT(is_enough(found.blobs, closure(history.back(), blobs), there));
  }));
}

}  // namespace
}  // namespace garner::snapshot
