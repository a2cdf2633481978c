#include "store/difference.h"

#include <zstd.h>

#include <catch2/catch.hpp>
#include <random>

#include "base/error.h"
#include "support/noise.h"

namespace garner::store {
namespace {

using testing::noise;

std::string words(std::size_t size, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::string text;
  while (text.size() < size) text += "word" + std::to_string(random() % 5000) + (random() % 9 ? " " : "\n");
  text.resize(size);
  return text;
}

// A few places changed, and something inserted and taken out.
std::string edited(std::string text, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  for (int i = 0; i < 3; ++i) text[random() % text.size()] ^= 1;
  text.insert(random() % text.size(), "something new");
  text.erase(random() % (text.size() - 20), 17);
  return text;
}

std::optional<Bytes> encode(DifferenceCodec& codec, const std::string& base, const std::string& content,
                            bool thorough = true) {
  const auto patch = codec.encode(as_bytes(base), as_bytes(content), thorough);
  if (!patch) return std::nullopt;
  return Bytes(patch->begin(), patch->end());
}

ErrorKind error_of_decode(DifferenceCodec& codec, ByteView base, ByteView patch, std::size_t length) {
  Scratch memory;
  try {
    codec.decode(base, patch, length, memory);
  } catch (const Error& error) {
    return error.kind();
  }
  FAIL("accepted");
  return ErrorKind::kInternal;
}

TEST_CASE("a content that hardly changed is a small patch, and comes out as it was") {
  DifferenceCodec codec;
  const std::size_t size = GENERATE(2000u, 48u << 10, 256u << 10);
  const bool text = GENERATE(true, false);
  const bool thorough = GENERATE(true, false);
  CAPTURE(size, text, thorough);
  const std::string base = text ? words(size, 1) : noise(size, 1);
  const std::string content = edited(base, 2);
  const auto patch = encode(codec, base, content, thorough);
  REQUIRE(patch);
  CHECK(patch->size() < 400);
  Scratch memory;
  CHECK(as_text(codec.decode(as_bytes(base), *patch, content.size(), memory)) == content);
  // Another codec, which has seen nothing of it.
  DifferenceCodec other;
  CHECK(as_text(other.decode(as_bytes(base), *patch, content.size(), memory)) == content);
}

TEST_CASE("there is no patch where it would not pay") {
  DifferenceCodec codec;
  CHECK_FALSE(encode(codec, words(50'000, 1), words(50'000, 2)));
  CHECK_FALSE(encode(codec, noise(50'000, 1), noise(50'000, 2)));
  CHECK_FALSE(encode(codec, "", words(50'000, 2)));
  CHECK_FALSE(encode(codec, words(50'000, 2), ""));
  // What is tiny, or compresses to next to nothing by itself, is not worth three ids.
  CHECK_FALSE(encode(codec, words(150, 1), edited(words(150, 1), 2)));
  CHECK_FALSE(encode(codec, std::string(50'000, 'x'), std::string(50'001, 'x')));
  // Beyond the bound.
  const std::string large = noise((kMaximumDifference / 2) + 1, 1);
  CHECK_FALSE(encode(codec, large, large));
  // It goes on as if nothing had been.
  CHECK(encode(codec, words(50'000, 1), edited(words(50'000, 1), 2)));
}

TEST_CASE("content of any kind survives") {
  DifferenceCodec codec;
  Scratch memory;
  std::mt19937_64 random(GENERATE(1u, 2u, 3u));
  int made = 0;
  for (int round = 0; round < 100; ++round) {
    std::string base =
        random() % 2 ? words(1 + random() % 90'000, random()) : noise(1 + random() % 90'000, random());
    // What zstd would take for a dictionary of its own format.
    if (random() % 4 == 0 && base.size() > 4) base.replace(0, 4, "\x37\xa4\x30\xec");
    std::string content = base;
    for (std::uint64_t edits = random() % 6; edits > 0; --edits) {
      const std::size_t place = random() % (content.size() + 1);
      if (random() % 2) {
        content.insert(place, noise(random() % 3000, random()));
      } else {
        content.erase(place, random() % 3000);
      }
    }
    const auto patch = encode(codec, base, content, random() % 2 == 0);
    if (!patch) continue;
    ++made;
    REQUIRE(as_text(codec.decode(as_bytes(base), *patch, content.size(), memory)) == content);
  }
  CHECK(made > 30);
}

TEST_CASE("a patch on another base does not give the content") {
  DifferenceCodec codec;
  const std::string base = words(50'000, 1);
  const std::string content = edited(base, 2);
  const auto patch = encode(codec, base, content);
  REQUIRE(patch);
  Scratch memory;
  for (const std::string& other : {words(50'000, 3), base.substr(0, 20'000), std::string()}) {
    try {
      const bool same = as_text(codec.decode(as_bytes(other), *patch, content.size(), memory)) == content;
      CHECK_FALSE(same);
    } catch (const Error& error) {
      CHECK(error.kind() == ErrorKind::kDamaged);
    }
  }
}

TEST_CASE("a patch that gives another length is damaged") {
  DifferenceCodec codec;
  const std::string base = words(50'000, 1);
  const std::string content = edited(base, 2);
  const auto patch = encode(codec, base, content);
  REQUIRE(patch);
  for (const std::size_t length :
       {content.size() - 1, content.size() + 1, std::size_t{0}, std::size_t{4u << 20}}) {
    CHECK(error_of_decode(codec, as_bytes(base), *patch, length) == ErrorKind::kDamaged);
  }
  CHECK(error_of_decode(codec, as_bytes(base), *patch, (4u << 20) + 1) == ErrorKind::kDamaged);
}

TEST_CASE("truncated and flipped patches never crash, and are damaged or give something else") {
  DifferenceCodec codec;
  const std::string base = words(20'000, 1);
  const std::string content = edited(base, 2);
  const auto patch = encode(codec, base, content);
  REQUIRE(patch);
  Scratch memory;
  for (std::size_t size = 0; size < patch->size(); ++size) {
    REQUIRE(error_of_decode(codec, as_bytes(base), ByteView(*patch).first(size), content.size()) ==
            ErrorKind::kDamaged);
  }
  Bytes changed = *patch;
  for (std::size_t bit = 0; bit < changed.size() * 8; ++bit) {
    changed[bit / 8] = static_cast<std::uint8_t>(changed[bit / 8] ^ (1u << (bit % 8)));
    try {
      codec.decode(as_bytes(base), changed, content.size(), memory);
    } catch (const Error& error) {
      REQUIRE(error.kind() == ErrorKind::kDamaged);
    }
    changed[bit / 8] = static_cast<std::uint8_t>(changed[bit / 8] ^ (1u << (bit % 8)));
  }
  CHECK(as_text(codec.decode(as_bytes(base), changed, content.size(), memory)) == content);
}

TEST_CASE("a patch is one zstd frame") {
  DifferenceCodec codec;
  const std::string base = words(20'000, 1);
  const std::string content = edited(base, 2);
  const Bytes patch = *encode(codec, base, content);
  Bytes twice = patch;
  twice.insert(twice.end(), patch.begin(), patch.end());
  CHECK(error_of_decode(codec, as_bytes(base), twice, 2 * content.size()) == ErrorKind::kDamaged);
  Bytes longer = patch;
  longer.push_back(0);
  CHECK(error_of_decode(codec, as_bytes(base), longer, content.size()) == ErrorKind::kDamaged);
  // A skippable frame holds nothing.
  const Bytes skipped = {0x50, 0x2a, 0x4d, 0x18, 1, 0, 0, 0, 7};
  CHECK(error_of_decode(codec, as_bytes(base), skipped, content.size()) == ErrorKind::kDamaged);
  // A few bytes that expand to more than they are said to.
  Bytes bomb(ZSTD_compressBound(64u << 20));
  const Bytes zeros(64u << 20);
  bomb.resize(ZSTD_compress(bomb.data(), bomb.size(), zeros.data(), zeros.size(), 1));
  CHECK(error_of_decode(codec, as_bytes(base), bomb, content.size()) == ErrorKind::kDamaged);
}

}  // namespace
}  // namespace garner::store
