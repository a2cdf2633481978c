#include "store/frame.h"

#include <zstd.h>

#include <rapidcheck.h>
#include <catch2/catch.hpp>

#include "support/random_packs.h"

namespace garner::store {
namespace {

using testing::kind_of;
using testing::Random;

TEST_CASE("a frame builder gathers blobs up to its target and never beyond the largest frame") {
  FrameBuilder builder(1000);
  REQUIRE(builder.empty());
  REQUIRE(builder.fits(kMaximumFrame));
  Random random(1);
  crypto::BlobId id = testing::random_id(random);
  builder.add(id, crypto::BlobKind::kTree, {});
  REQUIRE_FALSE(builder.empty());
  REQUIRE(builder.raw().empty());
  builder.add(id, crypto::BlobKind::kTree, Bytes(999, 7));
  REQUIRE_FALSE(builder.full());
  builder.add(id, crypto::BlobKind::kList, Bytes(2, 8));
  REQUIRE(builder.full());
  REQUIRE(builder.raw().size() == 1001);
  REQUIRE(builder.blobs().size() == 3);
  REQUIRE(builder.blobs()[2].length == 2);
  REQUIRE(builder.blobs()[2].kind == crypto::BlobKind::kList);
  REQUIRE(builder.fits(kMaximumFrame - 1001));
  REQUIRE_FALSE(builder.fits(kMaximumFrame - 1000));
  REQUIRE(kind_of([&] { builder.add(id, crypto::BlobKind::kTree, Bytes(kMaximumFrame)); }) ==
          ErrorKind::kInternal);
}

TEST_CASE("frames come back as they were") {
  REQUIRE(rc::check("encode, decode", [](std::uint64_t seed) {
    Random random(seed);
    FrameCodec codec;
    for (int i = 0; i < 4; ++i) {
      std::size_t size = testing::below(random, std::size_t{1} << (1 + testing::below(random, 21)));
      Bytes raw =
          random() % 2 == 0 ? testing::random_text(random, size) : testing::random_bytes(random, size);
      const ByteView encoded = codec.encode(raw);
      const Bytes frame(encoded.begin(), encoded.end());
      RC_ASSERT(frame.size() <= raw.size() + kFrameHeader);
      RC_ASSERT(codec.decode(frame, raw.size()) == raw);
    }
  }));
}

TEST_CASE("thoroughly compressed text is smaller, and read back alike") {
  Random random(3);
  const Bytes text = testing::random_text(random, 100'000);
  FrameCodec codec;
  const std::size_t fast = codec.encode(text).size();
  const ByteView thorough = codec.encode(text, true);
  REQUIRE(thorough.size() < fast);
  REQUIRE(codec.decode(thorough, text.size()) == text);
  REQUIRE(codec.encode(text).size() == fast);
}

TEST_CASE("the smallest and the largest frame") {
  FrameCodec codec;
  Random random(3);
  REQUIRE(codec.decode(codec.encode({}), 0).empty());
  Bytes largest = testing::random_text(random, kMaximumFrame);
  const ByteView encoded = codec.encode(largest);
  Bytes frame(encoded.begin(), encoded.end());
  REQUIRE(frame.size() < largest.size() / 2);
  REQUIRE(codec.decode(frame, largest.size()) == largest);
  largest.push_back(0);
  REQUIRE(kind_of([&] { codec.encode(largest); }) == ErrorKind::kInternal);
}

TEST_CASE("what does not compress is stored, and what hides in it is still compressed") {
  FrameCodec codec;
  Random random(4);
  Bytes noise = testing::random_bytes(random, 1u << 20);
  REQUIRE(codec.encode(noise).size() == noise.size() + kFrameHeader);
  Bytes small_noise = testing::random_bytes(random, 5000);
  REQUIRE(codec.encode(small_noise).size() == small_noise.size() + kFrameHeader);

  // A quarter of text among noise, and noise that repeats.
  Bytes mixed = testing::random_bytes(random, 768u << 10);
  Bytes text = testing::random_text(random, 256u << 10);
  mixed.insert(mixed.begin() + (300u << 10), text.begin(), text.end());
  REQUIRE(codec.encode(mixed).size() < mixed.size() * 9 / 10);
  Bytes block = testing::random_bytes(random, 2048);
  Bytes repeated;
  for (int i = 0; i < 512; ++i) repeated.insert(repeated.end(), block.begin(), block.end());
  REQUIRE(codec.encode(repeated).size() < repeated.size() / 10);
}

TEST_CASE("equal content gives equal frames, whatever was encoded before") {
  Random random(5);
  Bytes text = testing::random_text(random, 300000);
  FrameCodec used;
  used.encode(testing::random_bytes(random, 400000));
  FrameCodec fresh;
  REQUIRE(std::ranges::equal(used.encode(text), fresh.encode(text)));
}

TEST_CASE("a damaged frame is found, without more memory than it may have") {
  FrameCodec codec;
  Random random(6);
  Bytes raw = testing::random_text(random, 3000);
  const auto encoded = [&](const Bytes& content) {
    const ByteView frame = codec.encode(content);
    return Bytes(frame.begin(), frame.end());
  };
  for (const Bytes& whole : {encoded(raw), encoded(testing::random_bytes(random, 3000))}) {
    for (std::size_t length = 0; length < whole.size(); ++length) {
      REQUIRE(kind_of([&] { codec.decode(ByteView(whole).first(length), 3000); }) == ErrorKind::kDamaged);
    }
    Bytes longer = whole;
    longer.push_back(0);
    REQUIRE(kind_of([&] { codec.decode(longer, 3000); }) == ErrorKind::kDamaged);
    REQUIRE(kind_of([&] { codec.decode(whole, 2999); }) == ErrorKind::kDamaged);
    REQUIRE(kind_of([&] { codec.decode(whole, kMaximumFrame + 1); }) == ErrorKind::kDamaged);
    // A flip that zstd cannot see gives other bytes of the same length: the seal and the blob id find that.
    for (std::size_t i = 0; i < whole.size() * 8; ++i) {
      Bytes flipped = whole;
      flipped[i / 8] = static_cast<std::uint8_t>(flipped[i / 8] ^ (1u << (i % 8)));
      Bytes decoded(3000);
      try {
        decoded = codec.decode(flipped, 3000);
      } catch (const Error& error) {
        REQUIRE((error.kind() == ErrorKind::kDamaged || error.kind() == ErrorKind::kNewerFormat));
      }
      REQUIRE(decoded.size() == 3000);
    }
  }
}

TEST_CASE("a frame that decompresses to more than it declares is damaged") {
  Bytes zeros(1u << 20);
  Bytes bomb = {1, 100, 0, 0, 0};
  bomb.resize(kFrameHeader + ZSTD_compressBound(zeros.size()));
  bomb.resize(kFrameHeader + ZSTD_compress(bomb.data() + kFrameHeader, bomb.size() - kFrameHeader,
                                           zeros.data(), zeros.size(), 3));
  FrameCodec codec;
  REQUIRE(kind_of([&] { codec.decode(bomb, 100); }) == ErrorKind::kDamaged);
}

TEST_CASE("an unknown codec is a newer format") {
  FrameCodec codec;
  Bytes frame = {2, 1, 0, 0, 0, 42};
  REQUIRE(kind_of([&] { codec.decode(frame, 1); }) == ErrorKind::kNewerFormat);
}

}  // namespace
}  // namespace garner::store
