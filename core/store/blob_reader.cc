#include "store/blob_reader.h"

#include <optional>
#include <string>

#include "base/error.h"

namespace garner::store {

namespace {

constexpr std::size_t kDataCache = 16u << 20;      // raw bytes
constexpr std::size_t kMetadataCache = 32u << 20;  // raw bytes
constexpr std::size_t kOpenPacks = 64;             // each holds a key in locked memory
constexpr std::size_t kIdleCodecs = 8;

// What one location may fail with while another still has the blob.
bool is_of_location(ErrorKind kind) {
  return kind == ErrorKind::kDamaged || kind == ErrorKind::kNotFound || kind == ErrorKind::kReadFailed ||
         kind == ErrorKind::kWrongKey || kind == ErrorKind::kNewerFormat;
}

const char* describe(crypto::BlobKind kind) {
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

}  // namespace

BlobReader::BlobReader(destination::Destination& destination, const crypto::BlobHasher& hasher,
                       const Index& index)
    : destination_(destination),
      hasher_(hasher),
      index_(index),
      data_frames_(kDataCache),
      metadata_frames_(kMetadataCache),
      packs_(kOpenPacks),
      uncommitted_(std::make_shared<Uncommitted>()) {}

BlobReader::~BlobReader() = default;

Bytes BlobReader::read(const crypto::Keyring& keyring, crypto::BlobKind kind, const crypto::BlobId& id) {
  std::optional<Error> failure;
  const auto attempt = [&](const BlobLocation& location) -> std::optional<Bytes> {
    try {
      return read_blob(keyring, kind, id, location);
    } catch (const Error& error) {
      if (!is_of_location(error.kind())) throw;
      failure = error;
      return std::nullopt;
    }
  };
  // Nearly always the first location has it, and then looking for the others would be work for nothing.
  const std::optional<BlobLocation> first = index_.find(id);
  if (first) {
    if (std::optional<Bytes> content = attempt(*first)) return std::move(*content);
    for (const BlobLocation& location : index_.find_all(id)) {
      if (location.pack == first->pack && location.frame_offset == first->frame_offset) continue;
      if (std::optional<Bytes> content = attempt(location)) return std::move(*content);
    }
  }
  std::shared_ptr<const Uncommitted> uncommitted;
  {
    std::lock_guard lock(mutex_);
    uncommitted = uncommitted_;
  }
  if (const auto found = uncommitted->find(id); found != uncommitted->end()) {
    if (std::optional<Bytes> content = attempt(found->second)) return std::move(*content);
  }
  const std::string what = describe(kind) + id.hex() + " at " + destination_.describe();
  if (failure) throw Error(ErrorKind::kDamaged, what + ": " + failure->what());
  throw Error(ErrorKind::kNotFound, what + " is in no pack");
}

Bytes BlobReader::read_condemned(const crypto::Keyring& keyring, crypto::BlobKind kind,
                                 const crypto::BlobId& id) {
  const std::optional<BlobLocation> location = index_.find_condemned(id);
  if (!location) {
    throw Error(ErrorKind::kNotFound,
                describe(kind) + id.hex() + " at " + destination_.describe() + " is in no condemned pack");
  }
  return read_blob(keyring, kind, id, *location);
}

Bytes BlobReader::read_blob(const crypto::Keyring& keyring, crypto::BlobKind kind, const crypto::BlobId& id,
                            const BlobLocation& location) {
  const std::shared_ptr<const Bytes> frame = cached_frame(keyring, location);
  if (location.offset > frame->size() || location.length > frame->size() - location.offset) {
    throw Error(ErrorKind::kDamaged, pack_key(location.pack) + ": the blob lies beyond its frame");
  }
  const ByteView content = ByteView(*frame).subspan(location.offset, location.length);
  if (hasher_.id(kind, content) != id) {
    throw Error(ErrorKind::kDamaged, pack_key(location.pack) + ": the content is not what its id says");
  }
  return Bytes(content.begin(), content.end());
}

template <typename Decode>
auto BlobReader::decode_frame(const crypto::Keyring& keyring, const BlobLocation& location,
                              const Decode& decode) {
  try {
    const std::shared_ptr<const PackReader> pack = open_pack(keyring, location.pack);
    Bytes sealed;
    const ByteView plain = pack->read_frame(location.frame_offset, location.frame_stored_length, sealed);
    std::unique_ptr<FrameCodec> codec = take_codec();
    auto raw = decode(*codec, plain);
    give_back(std::move(codec));
    return raw;
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::kNotFound) throw;
    throw Error(ErrorKind::kDamaged, pack_key(location.pack) + " is missing");
  }
}

std::shared_ptr<const Bytes> BlobReader::cached_frame(const crypto::Keyring& keyring,
                                                      const BlobLocation& location) {
  FrameCache& cache = pack_kind(location.kind) == PackKind::kData ? data_frames_ : metadata_frames_;
  const FrameKey key{location.pack, location.frame_offset};
  if (std::shared_ptr<const Bytes> frame = cache.find(key)) return frame;
  auto frame =
      std::make_shared<const Bytes>(decode_frame(keyring, location, [&](FrameCodec& codec, ByteView plain) {
        return codec.decode(plain, location.frame_raw_length);
      }));
  cache.add(key, frame, frame->size());
  return frame;
}

ByteView BlobReader::read_frame(const crypto::Keyring& keyring, const BlobLocation& location,
                                Scratch& memory) {
  return decode_frame(keyring, location, [&](FrameCodec& codec, ByteView plain) {
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
