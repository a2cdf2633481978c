// An index segment's payload: what is behind its seal.
#include "store/segment.h"

#include "fuzz/fuzz.h"
#include "fuzz/keys.h"
#include "store/segment_layout.h"

void garner::fuzz::try_one(ByteView bytes) {
  std::uint64_t entries = 0;
  if (!accepts([&] { entries = store::check_segment_payload(bytes); })) return;
  const store::PayloadView view = store::view_payload(bytes);
  require(view.entries == entries, "entries are counted once");
  for (std::uint64_t i = 0; i < entries; ++i) {
    const store::EntryRow entry = view.entry(i);
    const store::PackRow pack = view.pack(entry.pack);
    const store::FrameRow frame = view.frame(pack.first_frame + entry.frame);
    require(std::uint64_t{entry.offset} + entry.length <= frame.raw_length &&
                frame.offset + frame.stored_length <= pack.size,
            "an entry that passed is within its frame, and that within its pack");
  }
  const store::SealedSegment sealed = store::seal_segment(bytes, keyring(), repository(), writer());
  const Bytes opened = store::open_segment(sealed.name, sealed.object, keyring(), repository());
  require(std::ranges::equal(opened, bytes), "what is sealed is opened");
}
