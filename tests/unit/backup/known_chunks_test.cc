#include "backup/known_chunks.h"

#include <catch2/catch.hpp>

#include "unit/snapshot/memory_blobs.h"
#include "unit/snapshot/sample_nodes.h"

namespace garner::backup {
namespace {

using testing::MemoryBlobs;
using testing::numbered_id;

// 20 chunks of 1000 bytes, numbers 0 to 19, every fourth a difference, a hole of 500 after the tenth.
struct Earlier {
  MemoryBlobs blobs;
  v1::Node node = testing::sample_file("file", 0);
  Earlier() {
    snapshot::ContentListBuilder list;
    for (std::uint64_t number = 0; number < 20; ++number) {
      if (number % 4 == 3) {
        list.add_difference({numbered_id(number), numbered_id(100 + number), numbered_id(200 + number)}, 1000,
                            blobs);
      } else {
        list.add_blob(numbered_id(number), 1000, blobs);
      }
      if (number == 9) list.add_hole(500);
    }
    node.set_size(list.length());
    for (v1::ContentEntry& entry : list.finish(blobs)) *node.add_content() = std::move(entry);
  }
};

TEST_CASE("a file without an earlier version has no known chunks") {
  MemoryBlobs blobs;
  KnownChunks none(nullptr, blobs);
  CHECK(none.at(0) == nullptr);
  CHECK(none.find(numbered_id(0), 0) == nullptr);
  CHECK(none.instead_of(0, 1000) == nullptr);
}

TEST_CASE("known chunks are found where they were, differences with what they are made of") {
  Earlier earlier;
  KnownChunks known(&earlier.node, earlier.blobs);
  CHECK(known.at(0)->id == numbered_id(0));
  CHECK_FALSE(known.at(0)->difference);
  CHECK(known.at(500) == nullptr);
  const auto difference = known.at(3000)->difference;
  REQUIRE(difference);
  CHECK(known.at(9000)->id == numbered_id(9));
  CHECK_FALSE(known.at(9000)->cut_by_content);
  CHECK(known.at(10'000) == nullptr);
  CHECK(known.at(10'500)->id == numbered_id(10));
  CHECK(known.at(10'500)->cut_by_content);
  CHECK(difference->id == numbered_id(3));
  CHECK(difference->base == numbered_id(103));
  CHECK(difference->patch == numbered_id(203));
}

TEST_CASE("what moved is found again, and teaches where the rest is") {
  Earlier earlier;
  KnownChunks known(&earlier.node, earlier.blobs);
  // 1700 bytes were inserted in front.
  CHECK(known.at(1700) == nullptr);
  CHECK(known.find(numbered_id(0), 1700)->id == numbered_id(0));
  CHECK(known.at(2700)->id == numbered_id(1));
  CHECK(known.at(1000) == nullptr);
  // Then 3000 were taken out.
  CHECK(known.find(numbered_id(8), 6700)->id == numbered_id(8));
  CHECK(known.at(7700)->id == numbered_id(9));
  CHECK(known.find(numbered_id(77), 8000) == nullptr);
  CHECK(known.at(7700)->id == numbered_id(9));
}

TEST_CASE("in place of changed bytes stands the chunk that most of them lie in") {
  Earlier earlier;
  KnownChunks known(&earlier.node, earlier.blobs);
  CHECK(known.instead_of(0, 1000)->id == numbered_id(0));
  CHECK(known.instead_of(0, 10)->id == numbered_id(0));
  CHECK(known.instead_of(4000, 1300)->id == numbered_id(4));
  CHECK(known.instead_of(4600, 1000)->id == numbered_id(5));
  CHECK(known.instead_of(9900, 400)->id == numbered_id(9));  // the hole's
  CHECK(known.instead_of(50'000, 1000)->id == numbered_id(19));
  known.find(numbered_id(5), 4000);
  CHECK(known.instead_of(4000, 1000)->id == numbered_id(5));
  // Before the first of them, as far as it is known.
  KnownChunks inserted(&earlier.node, earlier.blobs);
  inserted.find(numbered_id(1), 1'000'000);
  CHECK(inserted.instead_of(0, 1000)->id == numbered_id(0));
}

TEST_CASE("of a file of many chunks a few are known at a time, wherever it is read") {
  MemoryBlobs blobs;
  snapshot::ContentListBuilder list;
  for (std::uint64_t number = 0; number < 20'000; ++number) list.add_blob(numbered_id(number), 1000, blobs);
  v1::Node node = testing::sample_file("file", 0);
  node.set_size(list.length());
  for (v1::ContentEntry& entry : list.finish(blobs)) *node.add_content() = std::move(entry);
  KnownChunks known(&node, blobs);
  std::size_t reads = blobs.reads;
  CHECK(known.at(0)->id == numbered_id(0));
  CHECK(blobs.reads <= reads + 3);
  // Each fourth is changed, and grows by 10.
  std::uint64_t offset = 0;
  for (std::uint64_t number = 0; number < 20'000; ++number) {
    if (number % 4 == 1) {
      CHECK(known.find(numbered_id(100'000 + number), offset) == nullptr);
      CHECK(known.instead_of(offset, 1010)->id == numbered_id(number));
      offset += 1010;
    } else {
      const KnownChunks::Chunk* chunk = known.find(numbered_id(number), offset);
      REQUIRE(chunk != nullptr);
      CHECK(chunk->offset == number * 1000);
      CHECK(known.at(offset) == chunk);
      CHECK(chunk->cut_by_content == (number + 1 < 20'000));
      offset += 1000;
    }
  }
  // A file read from the middle on, as after an interruption.
  KnownChunks later(&node, blobs);
  CHECK(later.at(15'000'000)->id == numbered_id(15'000));
}

TEST_CASE("a list that cannot be read is no earlier version") {
  Earlier earlier;
  MemoryBlobs empty;
  KnownChunks known(&earlier.node, empty);
  CHECK(known.at(0) == nullptr);
  CHECK(known.instead_of(0, 1000) == nullptr);
}

}  // namespace
}  // namespace garner::backup
