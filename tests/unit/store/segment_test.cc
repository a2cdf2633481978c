#include "store/segment.h"

#include <algorithm>
#include <catch2/catch.hpp>

#include "store/padding.h"
#include "store/segment_layout.h"
#include "support/random_packs.h"

namespace garner::store {
namespace {

using testing::kind_of;
using testing::Random;

struct SegmentFixture {
  SegmentFixture() { crypto::initialize_crypto(); }
  crypto::Keyring keyring = [] {
    crypto::initialize_crypto();
    return crypto::Keyring::generate({});
  }();
  Uuid repository = Uuid::random();
  Uuid writer = Uuid::random();
  Random random{1};

  std::vector<FinishedPack> packs(std::size_t count, std::size_t frames, std::size_t blobs) {
    std::vector<FinishedPack> made;
    for (std::size_t i = 0; i < count; ++i) made.push_back(testing::random_pack(random, frames, blobs));
    return made;
  }
  SealedSegment seal(ByteView payload) { return seal_segment(payload, keyring, repository, writer); }
  Bytes open(const SealedSegment& segment) {
    return open_segment(segment.name, segment.object, keyring, repository);
  }
};

TEST_CASE_METHOD(SegmentFixture, "a payload has every blob of every pack, ascending") {
  std::vector<FinishedPack> packs = this->packs(5, 4, 6);
  packs[1].frames[2].blobs[3].id = packs[0].frames[0].blobs[0].id;
  packs[2].frames[0].blobs[1].id = packs[2].frames[0].blobs[0].id;
  Bytes payload = build_segment_payload(packs);
  REQUIRE(check_segment_payload(payload) == 5 * 4 * 6);
  PayloadView view = view_payload(payload);
  for (const FinishedPack& pack : packs) {
    for (std::size_t i = 0; i < pack.frames.size(); ++i) {
      std::uint32_t offset = 0;
      for (const FrameBlob& blob : pack.frames[i].blobs) {
        std::size_t found = 0;
        for (std::uint64_t j = 0; j < view.entries; ++j) {
          EntryRow entry = view.entry(j);
          PackRow row = view.pack(entry.pack);
          FrameRow frame = view.frame(row.first_frame + entry.frame);
          if (entry.id == blob.id && row.name == pack.name && entry.frame == i && entry.offset == offset) {
            REQUIRE(entry.length == blob.length);
            REQUIRE(entry.kind == static_cast<std::uint8_t>(blob.kind));
            REQUIRE(frame.offset == pack.frames[i].offset);
            REQUIRE(frame.stored_length == pack.frames[i].stored_length);
            REQUIRE(frame.raw_length == pack.frames[i].raw_length);
            REQUIRE(row.size == pack.size);
            ++found;
          }
        }
        REQUIRE(found == 1);
        offset += blob.length;
      }
    }
  }
  std::vector<FinishedPack> reversed(packs.rbegin(), packs.rend());
  REQUIRE(build_segment_payload(reversed) == payload);
  REQUIRE(check_segment_payload(build_segment_payload({})) == 0);
}

TEST_CASE_METHOD(SegmentFixture, "a pack that is named twice is no segment") {
  std::vector<FinishedPack> packs = this->packs(1, 1, 1);
  packs.push_back(packs[0]);
  REQUIRE(kind_of([&] { check_segment_payload(build_segment_payload(packs)); }) == ErrorKind::kDamaged);
}

TEST_CASE_METHOD(SegmentFixture, "a payload that is cut off or changed is found, or is still consistent") {
  Bytes payload = build_segment_payload(packs(2, 2, 2));
  for (std::size_t length = 0; length < payload.size(); ++length) {
    REQUIRE(kind_of([&] { check_segment_payload(ByteView(payload).first(length)); }) == ErrorKind::kDamaged);
  }
  std::size_t found = 0;
  for (std::size_t bit = 0; bit < payload.size() * 8; ++bit) {
    Bytes flipped = payload;
    flipped[bit / 8] = static_cast<std::uint8_t>(flipped[bit / 8] ^ (1u << (bit % 8)));
    try {
      check_segment_payload(flipped);
    } catch (const Error& error) {
      REQUIRE((error.kind() == ErrorKind::kDamaged || error.kind() == ErrorKind::kNewerFormat));
      ++found;
    }
  }
  REQUIRE(found > payload.size());
}

TEST_CASE_METHOD(SegmentFixture, "locations in replicated files and later versions are a newer format") {
  Bytes payload = build_segment_payload(packs(1, 1, 1));
  Bytes mirror = payload;
  mirror.back() = static_cast<std::uint8_t>((mirror.back() & 0x0f) | 0x20);
  REQUIRE(kind_of([&] { check_segment_payload(mirror); }) == ErrorKind::kNewerFormat);
  Bytes newer = payload;
  newer[4] = 2;
  REQUIRE(kind_of([&] { check_segment_payload(newer); }) == ErrorKind::kNewerFormat);
}

TEST_CASE_METHOD(SegmentFixture, "counts that overflow are damage, not memory") {
  Bytes payload = build_segment_payload(packs(1, 1, 1));
  for (std::size_t field : {8u, 12u, 16u, 20u}) {
    Bytes bad = payload;
    std::fill_n(bad.begin() + static_cast<std::ptrdiff_t>(field), 4, std::uint8_t{0xff});
    REQUIRE(kind_of([&] { check_segment_payload(bad); }) == ErrorKind::kDamaged);
  }
}

TEST_CASE_METHOD(SegmentFixture, "a segment comes back as it was, padded") {
  for (std::size_t blobs : {0u, 1u, 60u, 500u, 60000u}) {
    Bytes payload = build_segment_payload(blobs == 0 ? packs(0, 0, 0) : packs(1, 1, blobs));
    SealedSegment segment = seal(payload);
    REQUIRE(segment.object.size() == padded_object_size(segment.object.size()));
    REQUIRE(segment.entries == blobs);
    REQUIRE(is_name_of(segment.name, segment.object));
    REQUIRE(open(segment) == payload);
    REQUIRE(seal(payload).name != segment.name);
  }
}

TEST_CASE_METHOD(SegmentFixture, "a small commit's segment is short enough for its record") {
  REQUIRE(seal(build_segment_payload(packs(2, 1, 35))).object.size() <= kMaximumInlinedSegment);
}

TEST_CASE_METHOD(SegmentFixture, "a segment is bound to its bytes, its repository and its keyring") {
  Bytes payload = build_segment_payload(packs(1, 2, 40));
  SealedSegment segment = seal(payload);
  for (std::size_t i = 0; i < segment.object.size(); ++i) {
    Bytes flipped = segment.object;
    flipped[i] ^= 4;
    REQUIRE(kind_of([&] { open_segment(segment.name, flipped, keyring, repository); }) ==
            ErrorKind::kDamaged);
    // Whoever can name objects cannot seal them.
    ErrorKind kind = kind_of([&] { open_segment(make_name(flipped), flipped, keyring, repository); });
    REQUIRE((kind == ErrorKind::kDamaged || (kind == ErrorKind::kNewerFormat && i >= 8 && i < 10) ||
             (kind == ErrorKind::kWrongKey && i >= 12 && i < 16)));
  }
  for (std::size_t length = 0; length < segment.object.size(); ++length) {
    ByteView cut = ByteView(segment.object).first(length);
    REQUIRE(kind_of([&] { open_segment(make_name(cut), cut, keyring, repository); }) == ErrorKind::kDamaged);
  }
  REQUIRE(kind_of([&] { open_segment(segment.name, segment.object, keyring, Uuid::random()); }) ==
          ErrorKind::kDamaged);
  crypto::Keyring other = crypto::Keyring::generate({});
  REQUIRE(kind_of([&] { open_segment(segment.name, segment.object, other, repository); }) ==
          ErrorKind::kDamaged);
  keyring.rotate({});
  REQUIRE(open(segment) == payload);
}

TEST_CASE_METHOD(SegmentFixture, "messages of a long segment cannot be left out or swapped") {
  SealedSegment segment = seal(build_segment_payload(packs(1, 1, 60000)));
  constexpr std::ptrdiff_t kMessage = (1 << 20) + 16;
  Bytes swapped = segment.object;
  std::swap_ranges(swapped.begin() + 48, swapped.begin() + 48 + kMessage, swapped.begin() + 48 + kMessage);
  REQUIRE(kind_of([&] { open_segment(make_name(swapped), swapped, keyring, repository); }) ==
          ErrorKind::kDamaged);
  Bytes shorter = segment.object;
  shorter.resize(48 + static_cast<std::size_t>(kMessage));
  REQUIRE(kind_of([&] { open_segment(make_name(shorter), shorter, keyring, repository); }) ==
          ErrorKind::kDamaged);
}

}  // namespace
}  // namespace garner::store
