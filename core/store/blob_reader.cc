#include "store/blob_reader.h"

#include <optional>
#include <string>
#include <utility>

#include "base/error.h"
#include "base/stop_scope.h"

namespace garner::store {

namespace {

constexpr std::size_t kOpenPacks = 64;  // each holds a key in locked memory
constexpr std::size_t kIdleCodecs = 8;
// A pack of metadata that is not larger is read whole: as much as its header and a frame take, or little
// more, and the next frame is here then. One that is larger, when so many of its frames were asked for: who
// looks for one file needs a few, a backup nearly all. None that is longer than any pack of ours.
constexpr std::uint64_t kReadWhole = 4u << 20;
constexpr unsigned kReadWholeAt = 3;
constexpr std::uint64_t kLongestKept = 64u << 20;

// What one location may fail with while another still has the blob.
bool is_of_location(ErrorKind kind) {
  return kind == ErrorKind::kDamaged || kind == ErrorKind::kNotFound || kind == ErrorKind::kReadFailed ||
         kind == ErrorKind::kWrongKey || kind == ErrorKind::kNewerFormat;
}

const char* kind_text(crypto::BlobKind kind) {
  switch (kind) {
    case crypto::BlobKind::kData:
      return "data blob ";
    case crypto::BlobKind::kTree:
      return "tree ";
    case crypto::BlobKind::kList:
      return "content list ";
    case crypto::BlobKind::kSnapshot:
      return "snapshot ";
  }
  return "blob ";
}

Bytes copy_of(const BlobView& blob) { return {blob.content.begin(), blob.content.end()}; }

// What is not compressed stays where it was read, unless much would be kept with it. `plain` is in `sealed`.
std::shared_ptr<const RawFrame> raw_frame(FrameCodec& codec, ByteView plain, Scratch& sealed,
                                          std::size_t raw_length,
                                          const std::shared_ptr<ScratchPool>& memory) {
  const std::optional<ByteView> stored = FrameCodec::stored(plain, raw_length);
  if (stored && stored->size() >= sealed.capacity() / 2)
    return std::make_shared<const RawFrame>(std::move(sealed), *stored, memory);
  Scratch raw = memory->take(raw_length);
  const ByteView content = codec.decode(plain, raw_length, raw);
  return std::make_shared<const RawFrame>(std::move(raw), content, memory);
}

}  // namespace

BlobReader::BlobReader(destination::Destination& destination, const crypto::BlobHasher& hasher,
                       const Index& index, std::shared_ptr<FrameCache> frames, MetadataCache* kept)
    : destination_(destination),
      hasher_(hasher),
      index_(index),
      frames_(frames ? std::move(frames) : std::make_shared<FrameCache>()),
      kept_(kept),
      number_(frames_->new_reader()),
      packs_(kOpenPacks),
      kept_packs_(kOpenPacks),
      uncommitted_(std::make_shared<Uncommitted>()) {}

BlobReader::~BlobReader() = default;

BlobView BlobReader::view(const crypto::Keyring& keyring, crypto::BlobKind kind, const crypto::BlobId& id) {
  return view_by({number_, true}, keyring, kind, id);
}

Bytes BlobReader::read(const crypto::Keyring& keyring, crypto::BlobKind kind, const crypto::BlobId& id) {
  return copy_of(view(keyring, kind, id));
}

Bytes BlobReader::read_stored(const crypto::Keyring& keyring, crypto::BlobKind kind, const crypto::BlobId& id,
                              std::uint64_t view) {
  return copy_of(view_by({view, false}, keyring, kind, id));
}

Bytes BlobReader::read_kept(const crypto::Keyring& keyring, crypto::BlobKind kind, const crypto::BlobId& id) {
  return copy_of(view_by({number_, true, false}, keyring, kind, id));
}

BlobView BlobReader::view_by(const Way& way, const crypto::Keyring& keyring, crypto::BlobKind kind,
                             const crypto::BlobId& id) {
  std::optional<Error> failure;
  const auto attempt = [&](const BlobLocation& location) -> std::optional<BlobView> {
    try {
      return view_blob(way, keyring, kind, id, location);
    } catch (const Error& error) {
      if (!is_of_location(error.kind())) throw;
      failure = error;
      return std::nullopt;
    }
  };
  // Nearly always the first location has it, and then looking for the others would be work for nothing.
  const std::optional<BlobLocation> first = index_.find(id);
  if (first) {
    if (std::optional<BlobView> found = attempt(*first)) return *std::move(found);
    for (const BlobLocation& location : index_.find_all(id)) {
      if (location.pack == first->pack && location.frame_offset == first->frame_offset) continue;
      if (std::optional<BlobView> found = attempt(location)) return *std::move(found);
    }
  }
  std::shared_ptr<const Uncommitted> uncommitted;
  {
    std::lock_guard lock(mutex_);
    uncommitted = uncommitted_;
  }
  if (const auto place = uncommitted->find(id); place != uncommitted->end()) {
    if (std::optional<BlobView> found = attempt(place->second)) return *std::move(found);
  }
  const std::string what = kind_text(kind) + id.hex() + " at " + destination_.describe();
  if (failure) throw Error(ErrorKind::kDamaged, what + ": " + failure->what());
  throw Error(ErrorKind::kNotFound, what + " is in no pack");
}

Bytes BlobReader::read_condemned(const crypto::Keyring& keyring, crypto::BlobKind kind,
                                 const crypto::BlobId& id) {
  const std::optional<BlobLocation> location = index_.find_condemned(id);
  if (!location) {
    throw Error(ErrorKind::kNotFound,
                kind_text(kind) + id.hex() + " at " + destination_.describe() + " is in no condemned pack");
  }
  return copy_of(view_blob({number_, true}, keyring, kind, id, *location));
}

BlobView BlobReader::view_blob(const Way& way, const crypto::Keyring& keyring, crypto::BlobKind kind,
                               const crypto::BlobId& id, const BlobLocation& location) {
  const Frame frame = cached_frame(way, keyring, location);
  const ByteView raw = frame->content;
  const bool is_within = location.offset <= raw.size() && location.length <= raw.size() - location.offset;
  const ByteView content = is_within ? raw.subspan(location.offset, location.length) : ByteView();
  if (is_within && hasher_.id(kind, content) == id) return {frame, content};
  if (way.from_kept && way.from_place && kept_ != nullptr &&
      pack_kind(location.kind) == PackKind::kMetadata) {
    // What is kept may be another pack under this one's name, which is as sound; its frame is in memory now.
    note_unsound(location.pack);
    return view_blob({frames_->new_reader(), false}, keyring, kind, id, location);
  }
  throw Error(ErrorKind::kDamaged,
              pack_key(location.pack) +
                  (is_within ? ": the content is not what its id says" : ": the blob lies beyond its frame"));
}

template <typename Decode>
auto BlobReader::decode_frame(const crypto::Keyring& keyring, const BlobLocation& location, FrameRun* run,
                              const Decode& decode) {
  try {
    const std::shared_ptr<const PackReader> pack = open_pack(keyring, location.pack);
    const FramePlace place{location.pack, location.frame_offset, location.frame_stored_length};
    Scratch sealed = frames_->memory()->take(PackReader::memory_for(place.stored_length));
    const ByteView plain = run != nullptr ? run->read(*pack, place, sealed)
                                          : pack->read_frame(place.offset, place.stored_length, sealed);
    std::unique_ptr<FrameCodec> codec = take_codec();
    auto raw = decode(*codec, plain, sealed);
    give_back(std::move(codec));
    frames_->memory()->give_back(std::move(sealed));
    return raw;
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::kNotFound) throw;
    throw Error(ErrorKind::kDamaged, pack_key(location.pack) + " is missing");
  }
}

BlobReader::Frame BlobReader::cached_frame(const Way& way, const crypto::Keyring& keyring,
                                           const BlobLocation& location) {
  const PackKind kind = pack_kind(location.kind);
  FrameCache::Frames& cache = frames_->of(kind);
  const FrameCache::Key key{way.frames, location.pack, location.frame_offset};
  const auto read = [&] {
    Frame frame;
    if (way.from_kept && kept_ != nullptr && kind == PackKind::kMetadata)
      frame = kept_frame(way, keyring, location);
    return frame ? frame : stored_frame(way, keyring, location);
  };
  // Who reads a large file through a mount asks for several blocks at once, and neighbours stand in one
  // frame. Nobody waits for a run, which may be held back; nor for metadata, which may be read by who makes
  // way.
  if (kind == PackKind::kData && !StopScope::current().stop_possible()) {
    return cache.get(key, [&] {
      Frame frame = read();
      const std::size_t cost = frame->cost();
      return std::pair(std::move(frame), cost);
    });
  }
  if (Frame frame = cache.find(key)) return frame;
  Frame frame = read();
  cache.add(key, frame, frame->cost());
  return frame;
}

BlobReader::Frame BlobReader::stored_frame(const Way& way, const crypto::Keyring& keyring,
                                           const BlobLocation& location) {
  if (!way.from_place)
    throw Error(ErrorKind::kNotFound, pack_key(location.pack) + " is not kept on this machine");
  return decode_frame(keyring, location, nullptr, [&](FrameCodec& codec, ByteView plain, Scratch& sealed) {
    return raw_frame(codec, plain, sealed, location.frame_raw_length, frames_->memory());
  });
}

// From the pack as it is kept here; the destination has it, too.
BlobReader::Frame BlobReader::kept_frame(const Way& way, const crypto::Keyring& keyring,
                                         const BlobLocation& location) {
  try {
    const std::shared_ptr<const PackReader> pack = open_kept(way, keyring, location.pack);
    if (!pack) return nullptr;
    Scratch sealed = frames_->memory()->take(PackReader::memory_for(location.frame_stored_length));
    const ByteView plain = pack->read_frame(location.frame_offset, location.frame_stored_length, sealed);
    std::unique_ptr<FrameCodec> codec = take_codec();
    Frame frame = raw_frame(*codec, plain, sealed, location.frame_raw_length, frames_->memory());
    give_back(std::move(codec));
    frames_->memory()->give_back(std::move(sealed));
    return frame;
  } catch (const Error& error) {
    if (!is_of_location(error.kind())) throw;
  }
  note_unsound(location.pack);
  return nullptr;
}

// Dropped, and not fetched again: it may be the one at the destination that is damaged.
void BlobReader::note_unsound(const ObjectName& name) {
  kept_packs_.clear();
  kept_->drop(name);
  const std::lock_guard lock(mutex_);
  unsound_.insert(name);
}

std::shared_ptr<const PackReader> BlobReader::open_kept(const Way& way, const crypto::Keyring& keyring,
                                                        const ObjectName& name) {
  if (std::shared_ptr<const PackReader> pack = kept_packs_.find(name)) return pack;
  std::shared_ptr<const KeptPack> file = kept_->open(name);
  if (!file && way.from_place) {
    const std::optional<std::uint64_t> size = index_.size_of(name);
    if (size && is_to_be_kept(name, *size)) {
      file = kept_->fetch(destination_, name, *size);
      // All of it was read for nothing, or nearly: not again for each frame.
      if (!file) note_unsound(name);
    }
  }
  if (!file) return nullptr;
  auto pack = std::make_shared<const PackReader>(destination_, keyring, name, std::move(file));
  kept_packs_.add(name, pack, 1);
  return pack;
}

bool BlobReader::is_to_be_kept(const ObjectName& name, std::uint64_t size) {
  const std::lock_guard lock(mutex_);
  if (size > kLongestKept || unsound_.contains(name)) return false;
  if (size > kReadWhole && ++asked_for_[name] < kReadWholeAt) return false;
  asked_for_.erase(name);
  return true;
}

ByteView BlobReader::read_frame(const crypto::Keyring& keyring, const BlobLocation& location, Scratch& memory,
                                FrameRun* run) {
  return decode_frame(keyring, location, run, [&](FrameCodec& codec, ByteView plain, const Scratch&) {
    return codec.decode(plain, location.frame_raw_length, memory);
  });
}

void BlobReader::set_uncommitted(const std::vector<FinishedPack>& packs) {
  auto uncommitted = std::make_shared<Uncommitted>();
  for (const FinishedPack& pack : packs) {
    for (const PackedFrame& frame : pack.frames) {
      std::uint32_t offset = 0;
      for (const FrameBlob& blob : frame.blobs) {
        uncommitted->try_emplace(blob.id, BlobLocation{pack.name, frame.offset, frame.stored_length,
                                                       frame.raw_length, offset, blob.length, blob.kind});
        offset += blob.length;
      }
    }
  }
  std::lock_guard lock(mutex_);
  uncommitted_ = std::move(uncommitted);
}

std::shared_ptr<const PackReader> BlobReader::open_pack(const crypto::Keyring& keyring,
                                                        const ObjectName& name) {
  if (std::shared_ptr<const PackReader> pack = packs_.find(name)) return pack;
  auto pack = std::make_shared<const PackReader>(destination_, keyring, name);
  packs_.add(name, pack, 1);
  return pack;
}

std::unique_ptr<FrameCodec> BlobReader::take_codec() {
  std::lock_guard lock(mutex_);
  if (idle_codecs_.empty()) return std::make_unique<FrameCodec>();
  std::unique_ptr<FrameCodec> codec = std::move(idle_codecs_.back());
  idle_codecs_.pop_back();
  return codec;
}

void BlobReader::give_back(std::unique_ptr<FrameCodec> codec) {
  std::lock_guard lock(mutex_);
  if (idle_codecs_.size() < kIdleCodecs) idle_codecs_.push_back(std::move(codec));
}

}  // namespace garner::store
