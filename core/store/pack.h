// A pack: an immutable file of frames of one kind (data or metadata).
//
//   header     clear: magic, version, kind, wrap type, epoch, salt, wrapped-key field; the recovery slot
//   frames     sealed under the header's salt, one after the other; a frame's counter is its offset in the
//   file directory  sealed under the trailer's salt: length, garner.store.v1.PackDirectory, zero bytes that
//   pad the pack trailer    clear: salt; sealed: where the directory is, the pack's whole size
//
// The directory has a salt of its own because a pack whose writer died is closed by another process: sealing
// a second directory under the header's salt would use a nonce twice. For the same reason no frame is ever
// added after a crash, nor after a write that failed.
//
// Layout, integers little-endian:
//   header   8 "GARNPACK" · u16 version (1) · u8 kind (1 data, 2 metadata) · u8 wrap type (0) · u32 epoch ·
//   32 salt ·
//            1,232 wrapped key (zero for wrap type 0: the key derives from epoch and salt) · u16 length of
//            the recovery slot · the recovery slot (a serialized garner.store.v1.KeySlotFile; may be empty)
//   frame    sealed message, part body, counter: its offset. Plain: frame.h
//   directory  sealed message, part directory, counter 0. Plain: u32 length · PackDirectory · zero bytes
//   trailer  32 salt · sealed message, part trailer, counter 0. Plain: u64 offset of the sealed directory ·
//   u64 its
//            sealed length · u64 size of the pack · u64 zero
// All messages are bound to BLAKE3(header, recovery slot included) as associated data, so that no byte of a
// pack can change unnoticed. The padding is within the sealed directory, where nobody can tell it from the
// directory.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/error.h"
#include "base/file.h"
#include "base/scratch.h"
#include "base/uuid.h"
#include "crypto/hash.h"
#include "crypto/keyring.h"
#include "crypto/seal.h"
#include "destination/destination.h"
#include "garner/v1/store.pb.h"
#include "store/frame.h"
#include "store/object_name.h"

namespace garner::store {

struct KeptPack;  // metadata_cache.h

// A sealed frame is never longer.
inline constexpr std::size_t kMaximumSealedFrame = kFrameHeader + kMaximumFrame + crypto::kSealOverhead;
// The directory of a pack is never longer, padding apart.
inline constexpr std::size_t kMaximumPackDirectory = 64u << 20;

enum class PackKind : std::uint8_t { kData = 1, kMetadata = 2 };

// Data blobs go to data packs, all others to metadata packs.
PackKind pack_kind(crypto::BlobKind kind);

struct PackedFrame {
  std::uint64_t offset = 0;         // of the sealed frame in the pack
  std::uint32_t stored_length = 0;  // sealed
  std::uint32_t raw_length = 0;
  std::vector<FrameBlob> blobs;  // one after the other from raw offset 0
};

// What packs of one writer share.
struct PackContext {
  const crypto::Keyring* keyring = nullptr;
  Uuid writer;
  Bytes recovery_slot;  // serialized KeySlotFile; empty in an unencrypted repository
  v1::Parameters parameters;
  Uuid log_uuid;  // the newest record read when the pack is begun
  std::uint64_t generation = 0;
  // What it means that there is no room for the pack's file: it is the destination's own staging folder that
  // has none, unless the file lies in the spool.
  ErrorKind full = ErrorKind::kDestinationFull;
};

struct FinishedPack {
  ObjectName name;
  PackKind kind = PackKind::kData;
  std::uint64_t size = 0;  // bytes
  std::vector<PackedFrame> frames;
  // For the further destinations that it was made for: no object has the name of another.
  std::vector<ObjectName> other_names = {};

  std::uint64_t blob_count() const {
    std::uint64_t count = 0;
    for (const PackedFrame& frame : frames) count += frame.blobs.size();
    return count;
  }
};

// The clear part of a pack.
struct PackHeader {
  PackKind kind = PackKind::kData;
  std::uint32_t epoch = 0;
  crypto::Salt salt{};
  Bytes recovery_slot;
  std::uint64_t length = 0;  // bytes of the header in the file
  crypto::Digest hash{};     // of those bytes: what every sealed message of the pack is bound to
};
// The longest header: reading this much of a pack's start is enough.
inline constexpr std::size_t kMaximumPackHeader = 64u << 10;
// Error(kDamaged); Error(kNewerFormat) for a version or wrap type this program does not know.
PackHeader parse_pack_header(ByteView start);
// The sealer of a pack's messages: the header's salt for frames, the trailer's for directory and trailer.
crypto::Sealer make_pack_sealer(const crypto::Keyring& keyring, const PackHeader& header,
                                const crypto::Salt& salt);

// Writes one pack into a file of a staging folder. One thread at a time, but for sync(). Destroying it leaves
// the file.
class PackWriter {
 public:
  // Creates the file `path`, which must not exist. `names`: for how many destinations it is, at least one;
  // each has a name of its own for it.
  PackWriter(std::string path, const PackContext& context, PackKind kind, unsigned names = 1);

  // Seals and writes a frame that FrameCodec encoded; returns it with its place (valid until the next call).
  // After an error, as of a full disk (PackContext::full), the file is cut back to the frames before and
  // takes no more frames: it is to be finished, or closed later, when there is room.
  const PackedFrame& append(ByteView encoded, std::uint32_t raw_length, std::vector<FrameBlob> blobs);
  // After it returns, every frame that was appended before the call survives a crash (file and its name); at
  // least one was. After an error only those that were durable before do: it is neither synced again nor
  // finished, and all that is left is to close the pack later. A thread of its own may call it while others
  // append and finish.
  void sync();
  // What the pack would measure if it was finished now (an upper bound, before padding): header, frames,
  // directory, trailer. Many tiny blobs make a long directory: whoever holds a pack to its target goes by
  // this.
  std::uint64_t size() const;
  const std::vector<PackedFrame>& frames() const { return frames_; }
  const std::string& path() const { return path_; }
  PackKind kind() const { return kind_; }

  // Adds directory, padding and trailer and fsyncs, file and name. Afterwards the file may be published under
  // pack_key(name); nothing else may be called. After an error the file is cut back to its frames, for
  // close_pack. At least one frame.
  FinishedPack finish();

 private:
  friend FinishedPack close_pack(const std::string& path, const PackContext& context, PackKind kind,
                                 std::vector<PackedFrame> frames, unsigned names);
  PackWriter(std::string path, const PackContext& context, Fd fd, PackHeader header, unsigned names);
  void update_names(ByteView bytes);
  void make_durable();
  void cut_back() noexcept;

  PackContext context_;
  std::string path_;
  PackKind kind_;
  Fd fd_;
  PackHeader header_;
  Bytes header_bytes_;  // until they are written, with the first frame
  std::optional<crypto::Sealer> sealer_;
  Scratch sealed_;  // one frame
  std::vector<NameHasher> names_;
  std::uint64_t end_ = 0;  // of the frames, in the file
  std::uint64_t directory_size_ = 0;
  bool takes_frames_ = true;
  // The file's fsyncs, and its closing. The kernel tells of lost writes in one fsync only: whoever syncs next
  // must see what the one before has met.
  std::mutex sync_mutex_;
  bool name_is_durable_ = false;
  bool is_lost_ = false;
  std::vector<PackedFrame> frames_;
};

// Closes the pack that a dead process left in `path` at its last durable frame: reads and verifies `frames`
// (all that the checkpoint knows, in order of offset, at least one), cuts off what follows them, and finishes
// it. May be repeated after an error. Error(kNotFound) when the file is missing, is shorter than its durable
// frames, or has a second name (it is published: what is published is never written to); Error(kDamaged) when
// it does not hold its frames, or not the header they are bound to.
FinishedPack close_pack(const std::string& path, const PackContext& context, PackKind kind,
                        std::vector<PackedFrame> frames, unsigned names = 1);

// Further names for the finished pack of that size in `path`, which is read and verified as by close_pack,
// and left as it is. Error(kNotFound) when the file is missing or has another size; Error(kDamaged).
std::vector<ObjectName> name_pack(const std::string& path, const crypto::Keyring& keyring, PackKind kind,
                                  std::uint64_t size, const std::vector<PackedFrame>& frames, unsigned names);

// Reads one pack at a destination. Reads are windows of whole 64 KiB (the size of every pack is a multiple of
// that; of a truncated one what is there is read). Const use is safe from any thread.
class PackReader {
 public:
  // Reads the header. Errors of the destination; Error(kDamaged); Error(kNewerFormat); Error(kWrongKey) for
  // an unknown epoch. Destination and keyring must outlive the reader. `kept`: the whole pack as it is kept
  // on this machine, from which it is read then.
  PackReader(destination::Destination& destination, const crypto::Keyring& keyring, const ObjectName& name,
             std::shared_ptr<const KeptPack> kept = nullptr);

  // A part of the pack.
  struct Window {
    std::uint64_t start = 0;  // in the pack
    Scratch memory;
    MutableByteView bytes;  // in `memory`
    MutableByteView view(std::uint64_t offset, std::uint64_t length) const;
  };

  const PackHeader& header() const { return header_; }
  bool is_kept() const { return kept_ != nullptr; }
  // The window that has the range, in this memory if there is room in it. Error(kDamaged) when the pack ends
  // before the range does.
  Window read_window(std::uint64_t offset, std::uint64_t length, Scratch memory = {}) const;
  // How much memory read_frame() takes, for a frame of this length.
  static std::size_t memory_for(std::uint32_t stored_length);
  // Reads and opens the sealed frame, in `memory`: what FrameCodec::decode takes. Error(kDamaged).
  ByteView read_frame(std::uint64_t offset, std::uint32_t stored_length, Scratch& memory) const;
  // The same from a window that has the frame.
  ByteView open_frame(const Window& window, std::uint64_t offset, std::uint32_t stored_length,
                      Scratch& memory) const;
  // Reads trailer and directory, and validates it: frames without gaps from the header to the directory,
  // blobs of the pack's kind, lengths that add up. Error(kDamaged).
  struct Directory {
    std::vector<PackedFrame> frames;
    v1::Parameters parameters;
    Uuid log_uuid;
    std::uint64_t generation = 0;
  };
  Directory read_directory() const;

 private:
  void get(std::uint64_t offset, MutableByteView memory) const;
  std::optional<std::uint64_t> size() const;
  bool is_as_named(const ObjectName& name) const;  // reads all of it
  void check_frame(std::uint64_t offset, std::uint32_t stored_length) const;
  ByteView open_in(MutableByteView sealed, std::uint64_t offset) const;
  Directory read_sealed_directory(std::uint64_t size) const;

  destination::Destination& destination_;
  const std::shared_ptr<const KeptPack> kept_;
  std::string key_;
  PackHeader header_;
  std::optional<crypto::Sealer> sealer_;
  const crypto::Keyring& keyring_;
};

}  // namespace garner::store
