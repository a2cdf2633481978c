#include "snapshot/same_content.h"

#include <rapidcheck.h>
#include <catch2/catch.hpp>
#include <set>

#include "base/error.h"
#include "stored_files.h"

namespace garner::snapshot {
namespace {

using testing::id_bytes;
using testing::MemoryBlobs;
using testing::sample_entry;
using testing::sample_file;
using testing::stored_file;

bool are_same(MemoryBlobs& blobs, const v1::Node& a, const v1::Node& b) {
  const bool same = have_same_content(a, blobs, b, blobs);
  CHECK(have_same_content(b, blobs, a, blobs) == same);
  return same;
}

TEST_CASE("short content is compared by its entries") {
  MemoryBlobs blobs;
  v1::Node patched = sample_file("f", 100);
  patched.mutable_content(0)->set_type(v1::ENTRY_TYPE_DIFFERENCE);
  patched.mutable_content(0)->set_base(id_bytes(1));
  CHECK(are_same(blobs, sample_file("f", 100), patched));
  CHECK(content_digest(sample_file("f", 100), blobs) == content_digest(patched, blobs));
  CHECK(are_same(blobs, sample_file("f", 0), sample_file("f", 0)));
  CHECK_FALSE(are_same(blobs, sample_file("f", 0), sample_file("f", 1)));
  v1::Node hole = sample_file("f", 0);
  hole.set_size(100);
  *hole.add_content() = sample_entry(v1::ENTRY_TYPE_HOLE, 100, 0);
  CHECK_FALSE(are_same(blobs, sample_file("f", 100), hole));
  CHECK(blobs.reads == 0);
}

TEST_CASE("lists that are the same are not read, nor those behind the first difference") {
  MemoryBlobs blobs;
  const v1::Node whole = stored_file(blobs, "f", 0, 5'000);
  CHECK(have_same_content(whole, blobs, whole, blobs));
  CHECK_FALSE(have_same_content(whole, blobs, stored_file(blobs, "f", 0, 5'001), blobs));
  CHECK(blobs.reads == 0);
  // Of either the list at the top, if there is one, and the one with that chunk.
  CHECK(have_same_content(whole, blobs, stored_file(blobs, "f", 0, 5'000, {2'500}), blobs));
  CHECK(blobs.reads <= 4);
  blobs.reads = 0;
  CHECK_FALSE(have_same_content(whole, blobs, stored_file(blobs, "f", 1, 5'001), blobs));
  CHECK(blobs.reads <= 4);
}

TEST_CASE("a list that cannot be read is an error") {
  MemoryBlobs blobs;
  MemoryBlobs empty;
  const v1::Node whole = stored_file(blobs, "f", 0, 1'000);
  CHECK_THROWS_AS(have_same_content(whole, blobs, stored_file(blobs, "f", 0, 1'000, {5}), empty), Error);
}

TEST_CASE("content is the same whatever of it is stored as differences, and another chunk makes it another") {
  REQUIRE(rc::check([] {
    MemoryBlobs blobs;
    const auto chunks = *rc::gen::element<std::uint64_t>(1, 9, 70, 1'000, 30'000);
    const auto some = [&] {
      const auto count = *rc::gen::element(0, 1, 3, 300);
      std::set<std::uint64_t> numbers;
      for (int i = 0; i < count; ++i) numbers.insert(*rc::gen::inRange<std::uint64_t>(0, chunks));
      return numbers;
    };
    const v1::Node one = stored_file(blobs, "f", 0, chunks, some());
    const v1::Node other = stored_file(blobs, "f", 0, chunks, some());
    RC_ASSERT(have_same_content(one, blobs, other, blobs));
    RC_ASSERT(content_digest(one, blobs) == content_digest(other, blobs));
    const v1::Node shifted = stored_file(blobs, "f", 1, chunks + 1, some());
    RC_ASSERT(!have_same_content(one, blobs, shifted, blobs));
    RC_ASSERT(content_digest(one, blobs) != content_digest(shifted, blobs));
  }));
}

}  // namespace
}  // namespace garner::snapshot
