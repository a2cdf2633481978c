// A pack: an immutable file of frames of one kind (data or metadata).
//
//   header     clear: magic, version, kind, wrap type, epoch, salt, wrapped-key field; the recovery slot
//   frames     sealed under the header's salt; a frame's counter is its offset in the file
//   directory  sealed under the trailer's salt: length, garner.store.v1.PackDirectory, zero bytes that pad the pack
//   trailer    clear: salt; sealed: where the directory is, the pack's whole size
//
// The directory has a salt of its own because a pack whose writer died is closed by another process: sealing a second
// directory under the header's salt would use a nonce twice. For the same reason no frame is ever added after a crash.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/file.h"
#include "base/uuid.h"
#include "crypto/keyring.h"
#include "crypto/seal.h"
#include "destination/destination.h"
#include "garner/v1/store.pb.h"
#include "store/frame.h"
#include "store/object_name.h"

namespace garner::store {

enum class PackKind : std::uint8_t { kData = 1, kMetadata = 2 };

// Data blobs go to data packs, all others to metadata packs.
PackKind pack_kind(crypto::BlobKind kind);

struct PackedFrame {
  std::uint64_t offset = 0;         // of the sealed frame in the pack
  std::uint32_t stored_length = 0;  // sealed
  std::uint32_t raw_length = 0;
  std::vector<FrameBlob> blobs;     // one after the other from raw offset 0
};

// What packs of one writer share.
struct PackContext {
  const crypto::Keyring* keyring = nullptr;
  Uuid writer;
  Bytes recovery_slot;          // serialized KeySlotFile; empty in an unencrypted repository
  v1::Parameters parameters;
  Uuid log_uuid;                // the newest record read when the pack is begun
  std::uint64_t generation = 0;
};

struct FinishedPack {
  ObjectName name;
  PackKind kind = PackKind::kData;
  std::uint64_t size = 0;  // bytes
  std::vector<PackedFrame> frames;
};

// Writes one pack into a file of a staging folder. One thread at a time. Destroying it leaves the file.
class PackWriter {
 public:
  // Creates the file `path`, which must not exist.
  PackWriter(std::string path, const PackContext& context, PackKind kind);

  // Seals and writes a frame that FrameCodec encoded; returns it with its place. Error(kDestinationFull) truncates the
  // file to the frames before.
  const PackedFrame& append(ByteView encoded, std::uint32_t raw_length, std::vector<FrameBlob> blobs);
  // After it returns, every frame appended so far survives a crash (file and its name).
  void sync();
  // Stored bytes so far, header included.
  std::uint64_t size() const { return end_; }
  const std::vector<PackedFrame>& frames() const { return frames_; }
  const std::string& path() const { return path_; }
  PackKind kind() const { return kind_; }

  // Adds directory, padding and trailer and fsyncs. Afterwards the file may be published under pack_key(name); nothing
  // else may be called.
  FinishedPack finish();

 private:
  friend FinishedPack close_pack(const std::string& path, const PackContext& context, PackKind kind,
                                 std::vector<PackedFrame> frames);
  PackContext context_;
  std::string path_;
  PackKind kind_;
  Fd fd_;
  std::optional<crypto::Sealer> sealer_;
  NameHasher name_;
  std::uint64_t end_ = 0;
  std::vector<PackedFrame> frames_;
};

// Closes the pack that a dead process left in `path` at its last durable frame: cuts off what follows `frames` (all
// that the checkpoint knows, in order of offset, at least one) and finishes it. Error(kNotFound) when the file is
// missing or shorter than its durable frames.
FinishedPack close_pack(const std::string& path, const PackContext& context, PackKind kind,
                        std::vector<PackedFrame> frames);

// The clear part of a pack.
struct PackHeader {
  PackKind kind = PackKind::kData;
  std::uint32_t epoch = 0;
  crypto::Salt salt{};
  Bytes recovery_slot;
  std::uint64_t length = 0;  // bytes of the header in the file
};
// The longest header: reading this much of a pack's start is enough.
inline constexpr std::size_t kMaximumPackHeader = 64u << 10;
// Error(kDamaged); Error(kNewerFormat) for a version or wrap type this program does not know.
PackHeader parse_pack_header(ByteView start);

// Reads one pack at a destination. Reads are windows of whole 64 KiB. Const use is safe from any thread.
class PackReader {
 public:
  // Reads the header. Errors of the destination; Error(kDamaged); Error(kWrongKey) for an unknown epoch.
  PackReader(destination::Destination& destination, const crypto::Keyring& keyring, const ObjectName& name);

  const PackHeader& header() const { return header_; }
  // Reads and opens the sealed frame: what FrameCodec::decode takes. Error(kDamaged).
  Bytes read_frame(std::uint64_t offset, std::uint32_t stored_length) const;
  // Reads trailer and directory, and validates it: frames ascending, within the file, lengths that add up.
  struct Directory {
    std::vector<PackedFrame> frames;
    v1::Parameters parameters;
    Uuid log_uuid;
    std::uint64_t generation = 0;
  };
  Directory read_directory() const;

 private:
  destination::Destination& destination_;
  std::string key_;
  PackHeader header_;
  std::optional<crypto::Sealer> sealer_;
  const crypto::Keyring& keyring_;
};

}  // namespace garner::store
