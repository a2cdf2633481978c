// A whole pack by somebody who has the keys: u8 flags, u16 length of the frame behind its seal, the frame,
// (with flag 2) 32 bytes of trailer behind its seal, then the directory behind its.
#include "store/pack.h"

#include "fuzz/fuzz.h"
#include "fuzz/keys.h"
#include "store/pack_layout.h"
#include "support/memory_destination.h"

namespace garner::fuzz {
namespace {

constexpr std::size_t kPack = 128u << 10;

void append(Bytes& to, const Bytes& what) { to.insert(to.end(), what.begin(), what.end()); }

Bytes header_of(std::uint8_t kind) {
  ByteWriter header;
  header.bytes(as_bytes(store::kPackMagic));
  header.u16(store::kPackVersion);
  header.u8(kind);
  header.u8(store::kDerivedKey);
  header.u32(1);
  header.bytes(Bytes(32, 'S'));
  header.bytes(Bytes(store::kWrappedKeyField));
  header.u16(0);
  return header.take();
}

}  // namespace

void try_one(ByteView bytes) {
  Input input(bytes);
  const std::uint64_t flags = input.number(1);
  const ByteView frame = input.piece(std::min<std::uint64_t>(input.number(2), 60'000));
  const ByteView trailer = (flags & 2) != 0 ? input.piece(32) : ByteView();
  const ByteView directory = input.piece(60'000);

  Bytes pack = header_of(static_cast<std::uint8_t>(1 + (flags & 1)));
  const store::PackHeader header = store::parse_pack_header(pack);
  const crypto::Sealer sealer = store::make_pack_sealer(keyring(), header, header.salt);
  append(pack, sealer.seal(crypto::SealPart::kBody, pack.size(), frame));
  const std::uint64_t offset = pack.size();
  const std::size_t room = kPack - store::kPackTrailer - pack.size() - crypto::kSealOverhead;
  ByteWriter inner;
  inner.u32(static_cast<std::uint32_t>(directory.size()));
  inner.bytes(directory.first(std::min(directory.size(), room - 4)));
  Bytes padded = inner.take();
  padded.resize(room);
  append(pack, sealer.seal(crypto::SealPart::kDirectory, 0, padded));
  ByteWriter end;
  if (trailer.size() == 32) {
    end.bytes(trailer);
  } else {
    end.u64(offset);
    end.u64(kPack - store::kPackTrailer - offset);
    end.u64(kPack);
    end.u64(0);
  }
  append(pack, Bytes(header.salt.begin(), header.salt.end()));
  append(pack, sealer.seal(crypto::SealPart::kTrailer, 0, end.data()));
  require(pack.size() == kPack, "the target makes packs of the size that it means to");

  testing::MemoryDestination destination;
  const store::ObjectName name{};
  destination.put(store::pack_key(name), pack);
  accepts([&] {
    const store::PackReader reader(destination, keyring(), name);
    store::FrameCodec codec;
    Scratch memory;
    for (const store::PackedFrame& one : reader.read_directory().frames) {
      codec.decode(reader.read_frame(one.offset, one.stored_length, memory), one.raw_length);
    }
  });
}

}  // namespace garner::fuzz
