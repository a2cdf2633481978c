#include "store/pack_directory.h"

#include <catch2/catch.hpp>

#include "support/random_packs.h"

namespace garner::store {
namespace {

using testing::kind_of;
using testing::Random;

PackContext some_context() {
  PackContext context;
  context.parameters.set_chunk_minimum(65536);
  context.parameters.set_pack_target(32u << 20);
  context.log_uuid = Uuid::random();
  context.generation = 7;
  return context;
}

std::uint64_t end_of(const FinishedPack& pack) {
  return pack.frames.back().offset + pack.frames.back().stored_length;
}

bool is_same(const std::vector<PackedFrame>& a, const std::vector<PackedFrame>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const PackedFrame& x, const PackedFrame& y) {
    return x.offset == y.offset && x.stored_length == y.stored_length && x.raw_length == y.raw_length &&
           std::equal(x.blobs.begin(), x.blobs.end(), y.blobs.begin(), y.blobs.end(),
                      [](const FrameBlob& v, const FrameBlob& w) {
                        return v.id == w.id && v.kind == w.kind && v.length == w.length;
                      });
  });
}

TEST_CASE("a directory comes back as it was, and is the canonical message") {
  Random random(1);
  FinishedPack pack = testing::random_pack(random, 20, 30);
  PackContext context = some_context();
  Bytes bytes = serialize_directory(pack.frames, context);
  PackReader::Directory directory = parse_directory(bytes, pack.kind, 1282, end_of(pack));
  REQUIRE(is_same(directory.frames, pack.frames));
  REQUIRE(directory.parameters.pack_target() == 32u << 20);
  REQUIRE(directory.log_uuid == context.log_uuid);
  REQUIRE(directory.generation == 7);

  v1::PackDirectory message;
  REQUIRE(message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())));
  REQUIRE(message.frames_size() == 20);
  REQUIRE(message.SerializeAsString() == as_text(bytes));
  std::uint64_t bound = kDirectoryRest;
  for (const PackedFrame& frame : pack.frames) bound += directory_bytes(frame);
  REQUIRE(bytes.size() <= bound);
}

TEST_CASE("a directory whose frames cannot be is damaged") {
  Random random(2);
  FinishedPack good = testing::random_pack(random, 3, 4);
  good.kind = PackKind::kData;
  for (PackedFrame& frame : good.frames) {
    for (FrameBlob& blob : frame.blobs) blob.kind = crypto::BlobKind::kData;
  }
  PackContext context = some_context();
  auto refuses = [&](const std::function<void(FinishedPack&)>& change) {
    FinishedPack bad = good;
    change(bad);
    Bytes bytes = serialize_directory(bad.frames, context);
    return kind_of([&] { parse_directory(bytes, bad.kind, 1282, end_of(good)); }) == ErrorKind::kDamaged;
  };
  REQUIRE(refuses([](FinishedPack& pack) { pack.frames.clear(); }));
  REQUIRE(refuses([](FinishedPack& pack) { pack.frames.pop_back(); }));
  REQUIRE(refuses([](FinishedPack& pack) { pack.frames[1].offset += 1; }));
  REQUIRE(refuses([](FinishedPack& pack) { pack.frames[1].offset = ~std::uint64_t{0}; }));
  REQUIRE(refuses([](FinishedPack& pack) { pack.frames[1].stored_length = 0; }));
  REQUIRE(refuses([](FinishedPack& pack) { pack.frames[2].stored_length = ~std::uint32_t{0}; }));
  REQUIRE(refuses([](FinishedPack& pack) { pack.frames[0].raw_length += 1; }));
  REQUIRE(refuses([](FinishedPack& pack) { pack.frames[0].blobs.clear(); }));
  REQUIRE(refuses([](FinishedPack& pack) { pack.frames[0].blobs[0].length += 1; }));
  REQUIRE(refuses([](FinishedPack& pack) { pack.frames[0].blobs[3].kind = crypto::BlobKind::kTree; }));
  REQUIRE(refuses([](FinishedPack& pack) { pack.frames[0].blobs[3].kind = crypto::BlobKind{9}; }));
  REQUIRE(refuses([](FinishedPack& pack) { pack.kind = PackKind::kMetadata; }));
  // Lengths that add up only modulo 2^32.
  REQUIRE(refuses([](FinishedPack& pack) {
    pack.frames[0].blobs[0].length += 0x80000000u;
    pack.frames[0].blobs[1].length += 0x80000000u;
  }));
}

TEST_CASE("a cut or flipped directory is damaged, or at least possible") {
  Random random(3);
  FinishedPack pack = testing::random_pack(random, 3, 3);
  PackContext context = some_context();
  Bytes bytes = serialize_directory(pack.frames, context);
  std::size_t frames_end = bytes.size();
  // The generation comes last and may be missing, as zero is.
  for (std::size_t length = 0; length + 2 < frames_end; ++length) {
    REQUIRE(kind_of([&] { parse_directory(ByteView(bytes).first(length), pack.kind, 1282, end_of(pack)); }) ==
            ErrorKind::kDamaged);
  }
  for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    Bytes flipped = bytes;
    flipped[bit / 8] = static_cast<std::uint8_t>(flipped[bit / 8] ^ (1u << (bit % 8)));
    std::uint64_t end = end_of(pack);
    try {
      PackReader::Directory directory = parse_directory(flipped, pack.kind, 1282, end);
      REQUIRE(directory.frames.back().offset + directory.frames.back().stored_length == end);
    } catch (const Error& error) {
      REQUIRE(error.kind() == ErrorKind::kDamaged);
    }
  }
}

}  // namespace
}  // namespace garner::store
