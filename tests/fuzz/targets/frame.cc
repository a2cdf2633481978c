// A frame behind its seal: u24 raw length as an index has it, then the frame.
#include "store/frame.h"

#include "fuzz/fuzz.h"

void garner::fuzz::try_one(ByteView bytes) {
  static store::FrameCodec codec;
  Input input(bytes);
  const std::uint64_t length = input.number(3);
  Bytes raw;
  if (!accepts([&] { raw = codec.decode(input.rest(), length); })) return;
  require(raw.size() == length && length <= store::kMaximumFrame, "a frame gives as much as was asked for");
  const ByteView encoded = codec.encode(raw);
  const Bytes copy(encoded.begin(), encoded.end());
  require(codec.decode(copy, length) == raw, "what is encoded is decoded");
}
