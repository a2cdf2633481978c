#include "chunking/chunker.h"

#include <rapidcheck.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <ctime>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "base/error.h"
#include "crypto/contexts.h"
#include "crypto/hash.h"

using namespace garner;
using namespace garner::chunking;

namespace {

// Small ones, so that little data has many chunks.
constexpr ChunkSizes kSmall{1u << 10, 4u << 10, 16u << 10};

Bytes random_bytes(std::size_t size, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  Bytes bytes(size);
  for (std::uint8_t& byte : bytes) byte = static_cast<std::uint8_t>(random());
  return bytes;
}

const crypto::Keyring& keyring() {
  static const crypto::Keyring instance = [] {
    crypto::initialize_crypto();
    return crypto::Keyring::generate({1'700'000'000, 0});
  }();
  return instance;
}

std::vector<Bytes> chunks_of(const Chunker& chunker, ByteView data) {
  std::vector<Bytes> chunks;
  while (!data.empty()) {
    const std::size_t length = chunker.next(data);
    REQUIRE(length > 0);
    REQUIRE(length <= data.size());
    chunks.emplace_back(data.begin(), data.begin() + static_cast<std::ptrdiff_t>(length));
    data = data.subspan(length);
  }
  return chunks;
}

std::vector<std::size_t> lengths_of(const std::vector<Bytes>& chunks) {
  std::vector<std::size_t> lengths;
  for (const Bytes& chunk : chunks) lengths.push_back(chunk.size());
  return lengths;
}

// Bytes in chunks of `after` that `before` does not have.
std::size_t new_bytes(const std::vector<Bytes>& before, const std::vector<Bytes>& after) {
  const std::set<Bytes> known(before.begin(), before.end());
  std::size_t bytes = 0;
  for (const Bytes& chunk : after) {
    if (!known.contains(chunk)) bytes += chunk.size();
  }
  return bytes;
}

// The rule of the header, written as plainly as it can be.
std::size_t length_by_rule(ByteView data, const ChunkSizes& sizes) {
  const crypto::Secret table = crypto::derive_key(
      crypto::context::kGearTableBytes, keyring().derive(1, crypto::context::kGearTable).view(), 2048);
  const auto gear = [&](std::uint8_t byte) {
    std::uint64_t value = 0;
    for (std::size_t at = 8; at-- > 0;) value = (value << 8) | table.view()[byte * std::size_t{8} + at];
    return value;
  };
  unsigned bits = 0;
  while ((1u << bits) < sizes.average) ++bits;
  const std::size_t end = std::min<std::size_t>(data.size(), sizes.maximum);
  for (std::size_t n = sizes.minimum; n <= end; ++n) {
    std::uint64_t hash = 0;
    for (std::size_t k = 0; k < 64; ++k) hash += gear(data[n - 1 - k]) << k;
    if (hash >> (64 - (n < sizes.average ? bits + 2 : bits - 2)) == 0) return n;
  }
  return end;
}

}  // namespace

TEST_CASE("chunks follow the rule that the header states") {
  const Chunker chunker(keyring(), kSmall);
  const bool holds = rc::check("lengths are those of the rule", [&] {
    const auto size = *rc::gen::inRange<std::size_t>(0, 20'000);
    const Bytes data = random_bytes(size, *rc::gen::arbitrary<std::uint64_t>());
    // Few different bytes are another distribution of hashes.
    const auto kept = static_cast<std::uint8_t>(*rc::gen::element(0xff, 0x0f, 0x01));
    Bytes reduced = data;
    for (std::uint8_t& byte : reduced) byte &= kept;
    RC_ASSERT(chunker.next(reduced) == length_by_rule(reduced, kSmall));
  });
  CHECK(holds);
}

TEST_CASE("a boundary depends on the bytes of its chunk only") {
  const Chunker chunker(keyring(), kSmall);
  const bool holds = rc::check("what comes after a chunk does not change it", [&] {
    const Bytes data = random_bytes(kSmall.maximum, *rc::gen::arbitrary<std::uint64_t>());
    const std::size_t length = chunker.next(data);
    const Bytes chunk(data.begin(), data.begin() + static_cast<std::ptrdiff_t>(length));
    RC_ASSERT(chunker.next(chunk) == length);
    Bytes continued = chunk;
    const Bytes other = random_bytes(kSmall.maximum * 2, *rc::gen::arbitrary<std::uint64_t>());
    continued.insert(continued.end(), other.begin(), other.end());
    RC_ASSERT(chunker.next(continued) == length);
    // And it has no earlier boundary.
    RC_ASSERT(chunker.next(ByteView(chunk).first(length - 1)) == length - 1);
  });
  CHECK(holds);
}

TEST_CASE("chunks add up to the data, within their bounds, from any key") {
  const bool holds = rc::check("sizes are within bounds", [] {
    const crypto::Keyring any = crypto::Keyring::generate({1, 0});
    const ChunkSizes sizes = *rc::gen::element(ChunkSizes{1u << 10, 2u << 10, (2u << 10) + 1}, kSmall,
                                               ChunkSizes{(4u << 10) - 1, 4u << 10, 32u << 10},
                                               ChunkSizes{1u << 10, 64u << 10, 128u << 10});
    const Chunker chunker(any, sizes);
    const Bytes data =
        random_bytes(*rc::gen::inRange<std::size_t>(0, 300'000), *rc::gen::arbitrary<std::uint64_t>());
    const std::vector<Bytes> chunks = chunks_of(chunker, data);
    Bytes joined;
    for (const Bytes& chunk : chunks) joined.insert(joined.end(), chunk.begin(), chunk.end());
    RC_ASSERT(joined == data);
    for (std::size_t at = 0; at + 1 < chunks.size(); ++at) {
      RC_ASSERT(chunks[at].size() >= sizes.minimum);
      RC_ASSERT(chunks[at].size() <= sizes.maximum);
    }
    if (!chunks.empty()) RC_ASSERT(chunks.back().size() <= sizes.maximum);
  });
  CHECK(holds);
}

TEST_CASE("chunks are cut alike however much data is at hand") {
  const Chunker chunker(keyring(), kSmall);
  const Bytes data = random_bytes(2u << 20, 11);
  ByteView rest = data;
  std::vector<std::size_t> lengths;
  while (!rest.empty()) {
    lengths.push_back(chunker.next(rest.first(std::min<std::size_t>(rest.size(), kSmall.maximum))));
    rest = rest.subspan(lengths.back());
  }
  CHECK(lengths == lengths_of(chunks_of(chunker, data)));
}

TEST_CASE("an inserted, removed or changed byte changes only the chunks around it") {
  const Chunker chunker(keyring(), kSmall);
  const std::size_t size = 2u << 20;
  // Until the streams fall into step again some chunks differ; how many is chance, with a thin tail.
  const std::size_t bound = 24 * kSmall.average;
  const bool holds = rc::check("edits stay local", [&] {
    const Bytes data = random_bytes(size, *rc::gen::arbitrary<std::uint64_t>());
    const auto before = chunks_of(chunker, data);
    const auto at = static_cast<std::ptrdiff_t>(*rc::gen::inRange<std::size_t>(0, size));
    Bytes edited = data;
    edited.insert(edited.begin() + at, 0x5a);
    RC_ASSERT(new_bytes(before, chunks_of(chunker, edited)) <= bound);
    edited = data;
    edited.erase(edited.begin() + at);
    RC_ASSERT(new_bytes(before, chunks_of(chunker, edited)) <= bound);
    edited = data;
    edited[static_cast<std::size_t>(at)] ^= 1;
    RC_ASSERT(new_bytes(before, chunks_of(chunker, edited)) <= bound);
  });
  CHECK(holds);
}

TEST_CASE("a byte put in front of a large file changes less than 4 MiB of it, with the default sizes") {
  const Chunker chunker(keyring(), {});
  Bytes data = random_bytes(64u << 20, 12);
  const auto before = chunks_of(chunker, data);
  data.insert(data.begin(), 0x5a);
  CHECK(new_bytes(before, chunks_of(chunker, data)) < 4u << 20);
}

TEST_CASE("chunks are about as long as the average says") {
  for (const ChunkSizes sizes : {ChunkSizes{}, kSmall}) {
    const Chunker chunker(keyring(), sizes);
    const std::size_t size = std::size_t{sizes.average} * 256;
    const auto chunks = chunks_of(chunker, random_bytes(size, 13));
    const double average = static_cast<double>(size) / static_cast<double>(chunks.size());
    CHECK(average > 0.8 * sizes.average);
    CHECK(average < 1.6 * sizes.average);
    // Normalization: few chunks are cut off by the maximum.
    const auto lengths = lengths_of(chunks);
    CHECK(std::count(lengths.begin(), lengths.end(), sizes.maximum) <
          static_cast<std::ptrdiff_t>(chunks.size() / 50 + 3));
  }
}

TEST_CASE("another key cuts elsewhere, a rotation does not") {
  const Bytes data = random_bytes(1u << 20, 14);
  const auto lengths = [&](const crypto::Keyring& with) {
    return lengths_of(chunks_of(Chunker(with, kSmall), data));
  };
  const crypto::Keyring other = crypto::Keyring::generate({1'700'000'000, 0});
  CHECK(lengths(keyring()) != lengths(other));
  CHECK(new_bytes(chunks_of(Chunker(keyring(), kSmall), data), chunks_of(Chunker(other, kSmall), data)) >
        data.size() / 2);

  crypto::Keyring rotated = keyring().copy();
  rotated.rotate({1'700'000'001, 0});
  CHECK(lengths(keyring()) == lengths(rotated));
  CHECK(lengths(crypto::Keyring::unencrypted()) == lengths(crypto::Keyring::unencrypted()));
}

TEST_CASE("with the published key the boundaries are these") {
  // What is stored everywhere deduplicates against these lengths: they may never change.
  const Chunker chunker(crypto::Keyring::unencrypted(), kSmall);
  Bytes data(40'000);
  std::uint32_t state = 1;
  for (std::uint8_t& byte : data) {
    state = state * 1'664'525 + 1'013'904'223;
    byte = static_cast<std::uint8_t>(state >> 24);
  }
  CHECK(lengths_of(chunks_of(chunker, data)) ==
        std::vector<std::size_t>{3692, 4255, 3227, 7782, 5513, 4779, 6809, 3943});
}

TEST_CASE("equal bytes make equal chunks") {
  const Chunker chunker(keyring(), kSmall);
  for (int value = 0; value < 256; ++value) {
    const Bytes data(100'000, static_cast<std::uint8_t>(value));
    const auto lengths = lengths_of(chunks_of(chunker, data));
    // The hash is the same at every place, so the first place of a mask decides for all.
    CHECK((lengths[0] == kSmall.minimum || lengths[0] == kSmall.average || lengths[0] == kSmall.maximum));
    CHECK(std::all_of(lengths.begin(), lengths.end() - 1,
                      [&](std::size_t length) { return length == lengths[0]; }));
  }
}

TEST_CASE("short data is one chunk") {
  const Chunker chunker(keyring(), kSmall);
  CHECK(chunker.next({}) == 0);
  for (const std::size_t size : {1u, 2u, 63u, 64u, 65u, 1023u, 1024u}) {
    const Bytes data = random_bytes(size, size);
    CHECK(chunker.next(data) == size);
  }
}

TEST_CASE("sizes that make no sense are refused") {
  CHECK_NOTHROW(check({}));
  CHECK_NOTHROW(check({1u << 10, 2u << 10, 4u << 20}));
  for (const ChunkSizes sizes :
       {ChunkSizes{1023, 4096, 8192}, ChunkSizes{4096, 4096, 8192}, ChunkSizes{1024, 8192, 8192},
        ChunkSizes{1024, 5000, 8192}, ChunkSizes{1024, 4096, (4u << 20) + 1}, ChunkSizes{8192, 4096, 16384},
        ChunkSizes{0, 0, 0}}) {
    CHECK_THROWS_AS(check(sizes), Error);
    CHECK_THROWS_AS(Chunker(keyring(), sizes), Error);
  }
}

TEST_CASE("throughput", "[.bench]") {
  const Chunker chunker(keyring(), {});
  const Bytes data = random_bytes(64u << 20, 15);
  double best = 0;
  for (int round = 0; round < 30; ++round) {
    const std::clock_t start = std::clock();  // processor time: other programs do not count
    std::size_t chunks = 0;
    for (ByteView rest = data; !rest.empty(); rest = rest.subspan(chunker.next(rest))) ++chunks;
    const double seconds = static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
    CHECK(chunks > 64);
    best = std::max(best, static_cast<double>(data.size()) / seconds / 1e9);
  }
  WARN("best of 30: " << best << " GB/s");
}
