#include "maintenance/kept_copies.h"

#include <algorithm>
#include <optional>

#include "base/error.h"
#include "base/parallel.h"
#include "base/scratch.h"
#include "maintenance/damage.h"

namespace garner::maintenance {
namespace {

using store::BlobLocation;
using store::ObjectName;

// Of one thread.
class CopyReader {
 public:
  explicit CopyReader(store::Repository& repository) : repository_(repository) {}

  // Whether the blob is there, whole.
  bool is_sound(const store::FrameBlob& blob, const BlobLocation& location) {
    try {
      const ByteView raw = frame_of(location);
      if (location.offset > raw.size() || location.length > raw.size() - location.offset) return false;
      return repository_.hasher().id(blob.kind, raw.subspan(location.offset, location.length)) == blob.id;
    } catch (const Error& error) {
      if (!is_damage(error)) throw;
      return false;
    }
  }

 private:
  // Blobs that lie together in one pack mostly do in another.
  ByteView frame_of(const BlobLocation& location) {
    if (!at_ || at_->pack != location.pack || at_->frame_offset != location.frame_offset ||
        at_->frame_stored_length != location.frame_stored_length ||
        at_->frame_raw_length != location.frame_raw_length) {
      at_.reset();
      frame_ = repository_.read_frame(location, memory_);
      at_ = location;
    }
    return frame_;
  }

  store::Repository& repository_;
  std::optional<BlobLocation> at_;  // what frame_ is
  Scratch memory_;
  ByteView frame_;
};

// Of a blob in `pack`.
Kept find_copy(store::Repository& repository, const Marks& marks, CopyReader& reader,
               const store::FrameBlob& blob, const ObjectName& pack, const std::set<ObjectName>& going) {
  bool in_going = false;
  for (const BlobLocation& location : repository.index().find_all(blob.id)) {
    if (location.pack == pack) continue;
    if (going.contains(location.pack)) {
      // One that is not marked there is copied nowhere, and would wait for this pack as this one for it.
      in_going = in_going || marks.is_kept_in(blob.id, location.pack);
    } else if (reader.is_sound(blob, location)) {
      return Kept::kElsewhere;
    }
  }
  return in_going ? Kept::kInGoing : Kept::kNowhere;
}

Kept find_copies(store::Repository& repository, const Marks& marks, const ObjectName& pack,
                 const std::set<ObjectName>& going) {
  std::vector<store::PackedFrame> frames;
  try {
    frames = store::PackReader(repository.destination(), repository.keyring(), pack).read_directory().frames;
  } catch (const Error& error) {
    if (!is_damage(error)) throw;
    if (error.kind() != ErrorKind::kNotFound) return Kept::kNowhere;
  }
  CopyReader reader(repository);
  Kept kept = Kept::kElsewhere;
  for (const store::PackedFrame& frame : frames) {
    for (const store::FrameBlob& blob : frame.blobs) {
      if (!marks.is_in_use(blob.id) || marks.is_kept_in(blob.id, pack)) continue;
      kept = std::max(kept, find_copy(repository, marks, reader, blob, pack, going));
      if (kept == Kept::kNowhere) return kept;
    }
  }
  return kept;
}

}  // namespace

bool has_adding_writers(const store::v1::RepositoryState& state) {
  return std::ranges::any_of(state.writers(), [](const store::v1::Writer& writer) {
    return writer.role() != store::v1::ROLE_REMOVE;
  });
}

std::vector<Kept> find_kept_copies(store::Repository& repository, const Marks& marks,
                                   const std::vector<ObjectName>& packs, const std::set<ObjectName>& going,
                                   unsigned threads, const std::function<void()>& checked) {
  std::vector<Kept> kept(packs.size());
  for_each_in_parallel(packs.size(), threads, [&](std::size_t number) {
    kept[number] = find_copies(repository, marks, packs[number], going);
    checked();
  });
  return kept;
}

}  // namespace garner::maintenance
