// The directory of a pack, garner.store.v1.PackDirectory, written and read a frame at a time so that a pack
// of many tiny blobs needs no message tree in memory. Pure functions.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "store/pack.h"

namespace garner::store {

// Why `frame` cannot be the frame at `offset` of a pack of this kind; empty when it can.
std::string flaw_of(const PackedFrame& frame, PackKind kind, std::uint64_t offset);

// The canonical bytes of the message.
Bytes serialize_directory(const std::vector<PackedFrame>& frames, const PackContext& context);
// An upper bound of what a frame adds to them, and of all the rest.
std::uint64_t directory_bytes(const PackedFrame& frame);
inline constexpr std::uint64_t kDirectoryRest = 128;

// Frames must follow one another from `begin` to `end`. Error(kDamaged).
PackReader::Directory parse_directory(ByteView bytes, PackKind kind, std::uint64_t begin, std::uint64_t end);

}  // namespace garner::store
