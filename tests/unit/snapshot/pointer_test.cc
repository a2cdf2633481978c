#include "snapshot/pointer.h"

#include <algorithm>
#include <catch2/catch.hpp>

#include "memory_blobs.h"
#include "sample_nodes.h"
#include "sample_trees.h"
#include "snapshot/content_list.h"

namespace garner::snapshot {
namespace {

using testing::build;
using testing::id_bytes;
using testing::MemoryBlobs;
using testing::numbered_id;
using testing::sample_file;
using testing::sample_folder;
using testing::sample_node;
using testing::sample_snapshot;
using testing::sample_source;

using PointerKind = Pointer::Kind;

std::string file_name(std::size_t number) { return std::to_string(100'000 + number); }

// /s: file "small" of one blob, "large" of so many that it has lists, and the folder "many" of several pages.
struct Sample {
  static constexpr std::uint64_t kLarge = 3'000;  // blobs
  static constexpr std::size_t kMany = 3'000;     // files

  Sample() {
    ContentListBuilder list;
    for (std::uint64_t i = 0; i < kLarge; ++i) list.add_blob(numbered_id(1'000'000 + i), 1, blobs);
    v1::Node large = sample_node("large", v1::NODE_TYPE_FILE);
    large.set_size(kLarge);
    for (auto& entry : list.finish(blobs)) *large.add_content() = std::move(entry);
    std::vector<v1::Node> files;
    for (std::size_t i = 0; i < kMany; ++i) files.push_back(sample_file(file_name(i), 5'000 + i));
    many = build(blobs, files);
    top = build(blobs, {large, sample_folder("many", many), sample_file("small", 7)});
    snapshot = sample_snapshot("home", 1, sample_source("/s", sample_folder("s", top)));
    lists = large.content();
  }

  std::optional<Pointer> find(const std::string& path, const std::string& id) {
    return find_pointer(snapshot, path, blobs, [&](std::string_view other) { return other == id; });
  }

  MemoryBlobs blobs;
  BuiltTree many, top;
  google::protobuf::RepeatedPtrField<v1::ContentEntry> lists;
  v1::Snapshot snapshot;
};

TEST_CASE("a file's blob is named by the page that has the file, or by one of its lists") {
  Sample sample;
  const auto small = sample.find("/s/small", id_bytes(7));
  REQUIRE(small);
  CHECK(small->kind == PointerKind::kTreePage);
  CHECK(small->id == sample.top.id);

  // In the list that has the blob as an entry.
  for (const std::uint64_t number : {std::uint64_t{0}, Sample::kLarge / 2, Sample::kLarge - 1}) {
    const std::string id = id_bytes(1'000'000 + number);
    const auto in_list = sample.find("/s/large", id);
    REQUIRE(in_list);
    REQUIRE(in_list->kind == PointerKind::kList);
    v1::ContentList list;
    const Bytes bytes = sample.blobs.read(crypto::BlobKind::kList, in_list->id);
    REQUIRE(list.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())));
    CHECK(std::any_of(list.entries().begin(), list.entries().end(),
                      [&](const v1::ContentEntry& entry) { return entry.id() == id; }));
  }
  const auto list = sample.find("/s/large", sample.lists[0].id());
  REQUIRE(list);
  CHECK(list->kind == PointerKind::kTreePage);
  CHECK_FALSE(sample.find("/s/large", id_bytes(7)));
}

TEST_CASE("the page of a large folder is the one in which the name stands") {
  Sample sample;
  for (const std::size_t number : {std::size_t{0}, Sample::kMany / 2, Sample::kMany - 1}) {
    const auto found = sample.find("/s/many/" + file_name(number), id_bytes(5'000 + number));
    REQUIRE(found);
    REQUIRE(found->kind == PointerKind::kTreePage);
    CHECK(found->id != sample.many.id);
    v1::TreePage page;
    const Bytes bytes = sample.blobs.read(crypto::BlobKind::kTree, found->id);
    REQUIRE(page.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())));
    CHECK(std::any_of(page.nodes().begin(), page.nodes().end(),
                      [&](const v1::Node& node) { return node.name() == file_name(number); }));
    // And that page is named by the folder's first one.
    const auto above = sample.find("/s/many", id_bytes(found->id));
    REQUIRE(above);
    CHECK(above->kind == PointerKind::kTreePage);
    CHECK(above->id == sample.many.id);
  }
}

TEST_CASE("trees are named by what has the folder: of a source's root that is the snapshot") {
  Sample sample;
  const auto many = sample.find("/s/many", id_bytes(sample.many.id));
  REQUIRE(many);
  CHECK(many->kind == PointerKind::kTreePage);
  CHECK(many->id == sample.top.id);
  const auto top = sample.find("/s", id_bytes(sample.top.id));
  REQUIRE(top);
  CHECK(top->kind == PointerKind::kSnapshot);
  CHECK_FALSE(sample.find("/s", id_bytes(7)));
}

}  // namespace
}  // namespace garner::snapshot
