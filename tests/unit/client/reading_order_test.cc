#include "mount/reading_order.h"

#include <catch2/catch.hpp>

namespace garner::client::mount {
namespace {

constexpr std::uint64_t kPiece = 128u << 10;

TEST_CASE("a file that is read from front to back is in order once enough of it was read") {
  ReadingOrder order;
  std::uint64_t read = 0;
  for (; read < ReadingOrder::kEnough; read += kPiece) CHECK_FALSE(order.note(read, kPiece));
  for (int i = 0; i < 100; ++i, read += kPiece) CHECK(order.note(read, kPiece));
}

TEST_CASE("pieces that the kernel asks for at once are in order whichever comes first") {
  ReadingOrder order;
  for (std::uint64_t begin = 0; begin < 64; begin += 4) {
    for (const std::uint64_t piece : {2, 0, 3, 1}) {
      const bool in_order = order.note((begin + piece) * kPiece, kPiece);
      CHECK(in_order == (begin > 0 || piece == 3 || piece == 1));
    }
  }
}

TEST_CASE("who looks here and there reads nothing in order") {
  ReadingOrder order;
  for (std::uint64_t i = 0; i < 50; ++i)
    CHECK_FALSE(order.note((i * 37 % 50) * 10 * ReadingOrder::kNear, ReadingOrder::kEnough));
}

TEST_CASE("after a leap the order begins anew") {
  ReadingOrder order;
  for (std::uint64_t read = 0; read < 1u << 20; read += kPiece) order.note(read, kPiece);
  const std::uint64_t far = 100u << 20;
  CHECK_FALSE(order.note(far, kPiece));
  CHECK_FALSE(order.note(far + kPiece, kPiece));
  CHECK(order.note(far + 2 * kPiece, kPiece));
}

}  // namespace
}  // namespace garner::client::mount
