// A patch and the base that it is applied to: u16 length of the base, u24 length of the result, base, patch.
#include "store/difference.h"

#include "fuzz/fuzz.h"
#include "store/frame.h"

void garner::fuzz::try_one(ByteView bytes) {
  static store::DifferenceCodec codec;
  Input input(bytes);
  const std::uint64_t base_length = input.number(2);
  const std::uint64_t length = input.number(3);
  const ByteView base = input.piece(base_length);
  Scratch memory;
  accepts([&] {
    require(
        codec.decode(base, input.rest(), length, memory).size() == length && length <= store::kMaximumFrame,
        "a patch gives as much as was asked for");
  });
}
