// Frames that somebody is about to read, in this order: those of one pack that lie close to each other are
// fetched with one request, where the destination says that this is cheaper (Destination::read_gap).
// Elsewhere each is read by itself, at no further cost. One thread at a time.
#pragma once

#include <cstdint>
#include <vector>

#include "store/object_name.h"
#include "store/pack.h"

namespace garner::store {

struct FramePlace {
  ObjectName pack;
  std::uint64_t offset = 0;
  std::uint32_t stored_length = 0;
  std::uint64_t end() const { return offset + stored_length; }
  bool operator==(const FramePlace&) const = default;
};

class FrameRun {
 public:
  // `gap`: bytes that may lie between two frames.
  FrameRun(std::vector<FramePlace> frames, std::uint64_t gap) : frames_(std::move(frames)), gap_(gap) {}

  // As PackReader::read_frame(), which it calls for what is not one of those frames. `pack` is that of the
  // place.
  ByteView read(const PackReader& pack, const FramePlace& place, Scratch& memory);

 private:
  bool holds(const FramePlace& place) const;
  void fetch(const PackReader& pack, const FramePlace& place);

  std::vector<FramePlace> frames_;
  std::uint64_t gap_ = 0;
  std::size_t next_ = 0;  // of frames_: those before were fetched, or passed over
  ObjectName pack_;       // of window_
  PackReader::Window window_;
};

}  // namespace garner::store
