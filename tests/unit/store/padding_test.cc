#include "store/padding.h"

#include <catch2/catch.hpp>
#include <set>

#include "support/random_packs.h"

namespace garner::store {
namespace {

TEST_CASE("padding is zeros alone") {
  CHECK(is_padding({}));
  for (const std::size_t length : {1u, 2u, 63u, 4096u}) {
    Bytes bytes(length, 0);
    CHECK(is_padding(bytes));
    for (const std::size_t at : {std::size_t{0}, length / 2, length - 1}) {
      bytes[at] = 1;
      CHECK_FALSE(is_padding(bytes));
      bytes[at] = 0;
    }
  }
}

TEST_CASE("packs measure 128 KiB, powers of two up to 1 MiB, whole MiB above") {
  constexpr std::uint64_t kKiB = 1u << 10;
  constexpr std::uint64_t kMiB = 1u << 20;
  REQUIRE(padded_pack_size(0) == 128 * kKiB);
  REQUIRE(padded_pack_size(1) == 128 * kKiB);
  REQUIRE(padded_pack_size(128 * kKiB) == 128 * kKiB);
  REQUIRE(padded_pack_size(128 * kKiB + 1) == 256 * kKiB);
  REQUIRE(padded_pack_size(256 * kKiB + 1) == 512 * kKiB);
  REQUIRE(padded_pack_size(512 * kKiB + 1) == kMiB);
  REQUIRE(padded_pack_size(kMiB) == kMiB);
  REQUIRE(padded_pack_size(kMiB + 1) == 2 * kMiB);
  REQUIRE(padded_pack_size(32 * kMiB) == 32 * kMiB);
  REQUIRE(padded_pack_size(32 * kMiB + 1) == 33 * kMiB);
}

TEST_CASE("other objects are padded by at most 12 %, to few sizes") {
  REQUIRE(padded_object_size(0) == 1024);
  REQUIRE(padded_object_size(1024) == 1024);
  REQUIRE(padded_object_size(4096) == 4096);
  std::set<std::uint64_t> sizes;
  for (std::uint64_t size = 1025; size < (1u << 20); size += 13) {
    std::uint64_t padded = padded_object_size(size);
    REQUIRE(padded >= size);
    REQUIRE(padded * 100 <= size * 112);
    REQUIRE(padded_object_size(padded) == padded);
    sizes.insert(padded);
  }
  REQUIRE(sizes.size() < 250);
  // Examples of the paper: its rounding keeps floor(log2(floor(log2 L))) + 1 bits after the first.
  REQUIRE(padded_object_size(9000) == 9216);
  REQUIRE(padded_object_size(1000001) == 1015808);
}

TEST_CASE("a size that cannot be is refused") {
  REQUIRE(testing::kind_of([] { padded_pack_size(~std::uint64_t{0}); }) == ErrorKind::kInternal);
  REQUIRE(testing::kind_of([] { padded_object_size(~std::uint64_t{0}); }) == ErrorKind::kInternal);
}

}  // namespace
}  // namespace garner::store
