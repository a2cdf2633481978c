#include "store/frame_run.h"

#include <algorithm>

#include "base/error.h"

namespace garner::store {

namespace {

// What is fetched at once, at most: a few frames. Each thread that reads holds as much.
constexpr std::uint64_t kLongestFetch = 4u << 20;

}  // namespace

bool FrameRun::holds(const FramePlace& place) const {
  return pack_ == place.pack && place.offset >= window_.start &&
         place.end() <= window_.start + window_.bytes.size();
}

ByteView FrameRun::read(const PackReader& pack, const FramePlace& place, Scratch& memory) {
  if (gap_ > 0 && !holds(place)) fetch(pack, place);
  if (!holds(place)) return pack.read_frame(place.offset, place.stored_length, memory);
  return pack.open_frame(window_, place.offset, place.stored_length, memory);
}

void FrameRun::fetch(const PackReader& pack, const FramePlace& place) {
  Scratch memory = std::move(window_.memory);
  window_ = {};
  const auto first = std::find(frames_.begin() + static_cast<std::ptrdiff_t>(next_), frames_.end(), place);
  if (first == frames_.end()) return;
  auto last = first;
  for (auto next = first + 1; next != frames_.end(); ++next) {
    const bool close = next->pack == place.pack && next->offset >= last->end() &&
                       next->offset - last->end() <= gap_ && next->end() - place.offset <= kLongestFetch;
    if (!close) break;
    last = next;
  }
  next_ = static_cast<std::size_t>(last - frames_.begin()) + 1;
  if (last == first) return;
  try {
    window_ = pack.read_window(place.offset, last->end() - place.offset, std::move(memory));
    pack_ = place.pack;
  } catch (const Error& error) {
    // The pack ends before the last one does: each by itself then, and only those that are cut off suffer.
    if (error.kind() != ErrorKind::kDamaged) throw;
  }
}

}  // namespace garner::store
