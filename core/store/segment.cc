#include "store/segment.h"

#include <algorithm>
#include <limits>
#include <string_view>

#include "base/error.h"
#include "store/padding.h"
#include "store/segment_layout.h"

namespace garner::store {
namespace {

constexpr std::string_view kSegmentObjectMagic = "GARNINDX";
constexpr std::uint16_t kObjectVersion = 1;
constexpr std::size_t kObjectHeader = 48;
constexpr std::size_t kMessage = 1u << 20;  // plaintext bytes

[[noreturn]] void damaged_segment(const std::string& what) {
  throw Error(ErrorKind::kDamaged, "index segment: " + what);
}

[[noreturn]] void newer_segment(const std::string& what) {
  throw Error(ErrorKind::kNewerFormat, "index segment: " + what + " is not known to this version");
}

// An entry's bytes, for sorting in place.
struct RawEntry {
  std::uint8_t bytes[kEntryRow];
};
static_assert(sizeof(RawEntry) == kEntryRow && alignof(RawEntry) == 1);

bool comes_before(const RawEntry& a, const RawEntry& b) {
  int order = std::memcmp(a.bytes, b.bytes, 32);
  if (order != 0) return order < 0;
  return EntryRow::load(a.bytes) < EntryRow::load(b.bytes);
}

void check_packs(const PayloadView& view) {
  std::uint64_t next_frame = 0;
  for (std::uint32_t i = 0; i < view.packs; ++i) {
    PackRow pack = view.pack(i);
    if (i > 0 && !(view.pack(i - 1).name < pack.name)) damaged_segment("packs out of order");
    if (pack.kind != 1 && pack.kind != 2) damaged_segment("a pack of unknown kind");
    const std::uint8_t* row = view.pack_rows + i * kPackRow;
    if (std::any_of(row + 41, row + 48, [](std::uint8_t byte) { return byte != 0; }))
      damaged_segment("padding is not zero");
    if (pack.first_frame != next_frame || pack.frames > view.frames - next_frame)
      damaged_segment("frames out of order");
    std::uint64_t end = 0;
    for (std::uint32_t j = 0; j < pack.frames; ++j) {
      FrameRow frame = view.frame(pack.first_frame + j);
      if (frame.offset < end || frame.offset > pack.size || frame.stored_length > pack.size - frame.offset ||
          frame.stored_length < kFrameHeader + crypto::kSealOverhead ||
          frame.stored_length > kMaximumSealedFrame || frame.raw_length > kMaximumFrame) {
        damaged_segment("an impossible frame");
      }
      end = frame.offset + frame.stored_length;
    }
    next_frame += pack.frames;
  }
  if (next_frame != view.frames) damaged_segment("frames of no pack");
}

void check_entries(const PayloadView& view) {
  EntryRow previous;
  for (std::uint64_t i = 0; i < view.entries; ++i) {
    EntryRow entry = view.entry(i);
    if (entry.location_type == 0) damaged_segment("an entry without a type of location");
    if (entry.location_type != kInPack)
      newer_segment("type of location " + std::to_string(entry.location_type));
    if (i > 0 && !(previous < entry)) damaged_segment("entries out of order");
    if (entry.pack >= view.packs) damaged_segment("an entry of no pack");
    PackRow pack = view.pack(entry.pack);
    if (entry.kind < 1 || entry.kind > 4 ||
        static_cast<std::uint8_t>(pack_kind(crypto::BlobKind{entry.kind})) != pack.kind) {
      damaged_segment("a blob of the wrong kind");
    }
    if (entry.frame >= pack.frames) damaged_segment("an entry of no frame");
    FrameRow frame = view.frame(pack.first_frame + entry.frame);
    if (entry.offset > frame.raw_length || entry.length > frame.raw_length - entry.offset) {
      damaged_segment("a blob outside its frame");
    }
    previous = entry;
  }
}

// Bytes of an object whose messages hold `stream` bytes of plaintext.
std::uint64_t object_size(std::uint64_t stream) {
  return kObjectHeader + stream + (stream + kMessage - 1) / kMessage * crypto::kSealOverhead;
}

}  // namespace

PayloadView view_payload(ByteView payload) {
  if (payload.size() < kSegmentHeader) damaged_segment("cut off");
  ByteReader reader(payload);
  if (reader.u32() != kSegmentMagic) damaged_segment("the payload is something else");
  std::uint32_t version = reader.u32();
  if (version == 0) damaged_segment("version 0");
  if (version != kSegmentVersion) newer_segment("version " + std::to_string(version));
  PayloadView view;
  view.packs = reader.u32();
  view.frames = reader.u32();
  view.entries = reader.u64();
  std::uint64_t tables = view.packs * std::uint64_t{kPackRow} + view.frames * std::uint64_t{kFrameRow};
  std::uint64_t rest = reader.rest().size();
  if (tables > rest || (rest - tables) % kEntryRow != 0 || (rest - tables) / kEntryRow != view.entries) {
    damaged_segment("its parts do not fill it");
  }
  view.pack_rows = reader.rest().data();
  view.frame_rows = view.pack_rows + view.packs * kPackRow;
  view.entry_rows = view.frame_rows + view.frames * kFrameRow;
  return view;
}

Bytes build_segment_payload(const std::vector<FinishedPack>& packs) {
  std::vector<const FinishedPack*> sorted;
  std::uint64_t frames = 0;
  std::uint64_t entries = 0;
  for (const FinishedPack& pack : packs) {
    sorted.push_back(&pack);
    frames += pack.frames.size();
    for (const PackedFrame& frame : pack.frames) entries += frame.blobs.size();
  }
  if (frames > std::numeric_limits<std::uint32_t>::max()) {
    throw Error(ErrorKind::kInternal, "too many frames for a segment");
  }
  std::ranges::sort(sorted, {}, [](const FinishedPack* pack) { return pack->name; });

  Bytes payload(kSegmentHeader + packs.size() * kPackRow + frames * kFrameRow + entries * kEntryRow);
  std::uint8_t* header = payload.data();
  store_le(header, kSegmentMagic);
  store_le(header + 4, kSegmentVersion);
  store_le(header + 8, static_cast<std::uint32_t>(packs.size()));
  store_le(header + 12, static_cast<std::uint32_t>(frames));
  store_le(header + 16, entries);
  std::uint8_t* pack_row = header + kSegmentHeader;
  std::uint8_t* frame_row = pack_row + packs.size() * kPackRow;
  std::uint8_t* entry_row = frame_row + frames * kFrameRow;
  RawEntry* first_entry = reinterpret_cast<RawEntry*>(entry_row);
  std::uint32_t next_frame = 0;
  for (std::uint32_t number = 0; number < sorted.size(); ++number) {
    const FinishedPack& pack = *sorted[number];
    PackRow row{pack.name, pack.size, static_cast<std::uint8_t>(pack.kind), next_frame,
                static_cast<std::uint32_t>(pack.frames.size())};
    row.store(pack_row);
    pack_row += kPackRow;
    next_frame += row.frames;
    for (std::uint32_t i = 0; i < pack.frames.size(); ++i) {
      const PackedFrame& frame = pack.frames[i];
      FrameRow{frame.offset, frame.stored_length, frame.raw_length}.store(frame_row);
      frame_row += kFrameRow;
      std::uint32_t offset = 0;
      for (const FrameBlob& blob : frame.blobs) {
        EntryRow{blob.id, number, i, offset, blob.length, static_cast<std::uint8_t>(blob.kind)}.store(
            entry_row);
        entry_row += kEntryRow;
        offset += blob.length;
      }
    }
  }
  std::sort(first_entry, first_entry + entries, comes_before);
  return payload;
}

std::uint64_t check_segment_payload(ByteView payload) {
  PayloadView view = view_payload(payload);
  check_packs(view);
  check_entries(view);
  return view.entries;
}

SealedSegment seal_segment(ByteView payload, const crypto::Keyring& keyring, const Uuid& repository,
                           const Uuid& writer) {
  SealedSegment segment;
  segment.entries = check_segment_payload(payload);
  std::uint64_t size = padded_object_size(object_size(8 + payload.size()));
  std::uint64_t stream = size - kObjectHeader;
  stream -= (stream + kMessage + crypto::kSealOverhead - 1) / (kMessage + crypto::kSealOverhead) *
            crypto::kSealOverhead;
  if (object_size(stream) != size) throw Error(ErrorKind::kInternal, "a segment cannot be padded");
  if (size > kMaximumSegment) throw Error(ErrorKind::kInternal, "too many entries for a segment");

  crypto::Salt salt = crypto::fresh_salt(writer);
  std::uint32_t epoch = keyring.current_epoch();
  crypto::Sealer sealer(keyring, crypto::ObjectKind::kSegment, epoch, salt, repository.view());
  ByteWriter header;
  header.bytes(as_bytes(kSegmentObjectMagic));
  header.u16(kObjectVersion);
  header.u16(0);
  header.u32(epoch);
  header.bytes(salt);
  segment.object = header.take();
  segment.object.resize(size);

  ByteWriter length;
  length.u64(payload.size());
  Bytes message = length.take();
  MutableByteView out = MutableByteView(segment.object).subspan(kObjectHeader);
  for (std::uint64_t counter = 0; stream > 0; ++counter) {
    std::size_t plain = std::min<std::uint64_t>(stream, kMessage);
    ByteView taken = payload.first(std::min(payload.size(), plain - message.size()));
    message.insert(message.end(), taken.begin(), taken.end());
    payload = payload.subspan(taken.size());
    message.resize(plain);
    sealer.seal(crypto::SealPart::kBody, counter, message, out.first(plain + crypto::kSealOverhead));
    out = out.subspan(plain + crypto::kSealOverhead);
    stream -= plain;
    message.clear();
  }
  segment.name = make_name(segment.object);
  return segment;
}

Bytes open_segment(const ObjectName& name, ByteView object, const crypto::Keyring& keyring,
                   const Uuid& repository) {
  try {
    if (!is_name_of(name, object)) damaged_segment("its bytes are not those it was named for");
    ByteReader reader(object);
    if (as_text(reader.bytes(kSegmentObjectMagic.size())) != kSegmentObjectMagic)
      damaged_segment("not a segment");
    std::uint16_t version = reader.u16();
    if (version == 0) damaged_segment("version 0");
    if (version != kObjectVersion) newer_segment("version " + std::to_string(version));
    if (reader.u16() != 0) damaged_segment("a field that must be zero is not");
    std::uint32_t epoch = reader.u32();
    crypto::Salt salt;
    std::ranges::copy(reader.bytes(salt.size()), salt.begin());
    crypto::Sealer sealer(keyring, crypto::ObjectKind::kSegment, epoch, salt, repository.view());

    // The stream takes no more memory than the object has.
    Bytes stream(reader.rest().size());
    std::size_t length = 0;
    for (std::uint64_t counter = 0; !reader.at_end(); ++counter) {
      ByteView sealed = reader.bytes(std::min(reader.rest().size(), kMessage + crypto::kSealOverhead));
      if (sealed.size() < crypto::kSealOverhead) damaged_segment("cut off");
      std::size_t plain = sealed.size() - crypto::kSealOverhead;
      sealer.open(crypto::SealPart::kBody, counter, sealed, MutableByteView(stream).subspan(length, plain));
      length += plain;
    }
    stream.resize(length);
    std::uint64_t payload_length = ByteReader(stream).u64();
    if (payload_length > stream.size() - 8) damaged_segment("shorter than it declares");
    auto end = stream.begin() + 8 + static_cast<std::ptrdiff_t>(payload_length);
    if (!is_padding({end, stream.end()})) damaged_segment("padding is not zero");
    stream.erase(end, stream.end());
    stream.erase(stream.begin(), stream.begin() + 8);
    check_segment_payload(stream);
    return stream;
  } catch (const Error& error) {
    throw error.in(segment_key(name));
  }
}

}  // namespace garner::store
