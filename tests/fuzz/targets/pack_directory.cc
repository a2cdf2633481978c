// A pack's directory behind its seal: u8 kind, u32 end of the frames, then the message.
#include "store/pack_directory.h"

#include "fuzz/fuzz.h"
#include "store/pack_layout.h"

void garner::fuzz::try_one(ByteView bytes) {
  Input input(bytes);
  const auto kind = static_cast<store::PackKind>(1 + input.number(1) % 2);
  const std::uint64_t end = input.number(4);
  store::PackReader::Directory directory;
  if (!accepts(
          [&] { directory = store::parse_directory(input.rest(), kind, store::kFixedPackHeader, end); })) {
    return;
  }
  store::PackContext context;
  context.parameters = directory.parameters;
  context.log_uuid = directory.log_uuid;
  context.generation = directory.generation;
  const Bytes written = store::serialize_directory(directory.frames, context);
  require(accepts([&] {
            const auto again = store::parse_directory(written, kind, store::kFixedPackHeader, end);
            require(
                again.frames.size() == directory.frames.size() && again.generation == directory.generation,
                "a directory that was parsed is written as it is");
          }),
          "a directory that was written is parsed");
}
