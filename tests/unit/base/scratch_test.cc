#include "base/scratch.h"

#include <catch2/catch.hpp>

namespace garner {

TEST_CASE("memory is kept while no more of it is asked for") {
  Scratch scratch;
  const MutableByteView first = scratch.take(100);
  REQUIRE(first.size() == 100);
  first[0] = 7;
  const MutableByteView less = scratch.take(10);
  CHECK(less.size() == 10);
  CHECK(less.data() == first.data());
  CHECK(less[0] == 7);
  const MutableByteView more = scratch.take(1000);
  REQUIRE(more.size() == 1000);
  more[999] = 1;
  CHECK(scratch.take(0).empty());
}

}  // namespace garner
