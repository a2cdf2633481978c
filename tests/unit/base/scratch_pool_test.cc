// Memory is handed on, to whoever needs about as much, and not kept without bound.
#include "base/scratch_pool.h"

#include <catch2/catch.hpp>

using namespace garner;

namespace {

constexpr std::size_t kMiB = 1u << 20;

Scratch piece(std::size_t size) {
  Scratch memory;
  memory.take(size);
  return memory;
}

}  // namespace

TEST_CASE("memory that was moved away is not there any more") {
  Scratch first = piece(100);
  const Scratch second = std::move(first);
  CHECK(second.capacity() == 100);
  CHECK(first.capacity() == 0);
  CHECK(first.take(50).size() == 50);
  first = piece(10);
  CHECK(first.capacity() == 10);
}

TEST_CASE("memory comes again to whoever needs about as much") {
  ScratchPool pool(8 * kMiB);
  CHECK(pool.take(kMiB).capacity() == 0);
  pool.give_back(piece(3 * kMiB));
  pool.give_back(piece(2 * kMiB));
  CHECK(pool.take(kMiB).capacity() == 0);
  CHECK(pool.take(4 * kMiB).capacity() == 0);
  CHECK(pool.take(2 * kMiB).capacity() == 2 * kMiB);
  CHECK(pool.take(2 * kMiB).capacity() == 3 * kMiB);
  CHECK(pool.take(2 * kMiB).capacity() == 0);
}

TEST_CASE("what lies idle longest goes when it would be too much") {
  ScratchPool pool(4 * kMiB);
  pool.give_back(piece(2 * kMiB));
  pool.give_back(piece(kMiB));
  pool.give_back(piece(3 * kMiB));
  CHECK(pool.take(2 * kMiB).capacity() == 3 * kMiB);
  CHECK(pool.take(kMiB).capacity() == kMiB);
  // Neither what would not find room at all, nor what the heap keeps anyway.
  pool.give_back(piece(5 * kMiB));
  pool.give_back(piece(1000));
  CHECK(pool.take(4 * kMiB).capacity() == 0);
  CHECK(pool.take(1000).capacity() == 0);
}
