// A commit record as an object, and its signature. In front of the protobuf body stands a frozen part of
// fixed layout (feature flags, parameters), which every future version can read.
//
//   object       a sealed object (sealed_object.h) with magic "GARNRECD", of kind kRecord, its caller's
//                associated data: repository uuid (16 bytes) · u64 generation
//   content      u32 length of the frozen part · frozen part · u32 length · SignedRecord
//   frozen part  u64 must-know-to-read flags · u64 must-know-to-write · u64 must-know-to-prune · u32 each of
//                chunk_minimum, chunk_average, chunk_maximum, frame_target, pack_target                (44
//                bytes) A later version may make it longer, and then sets a must-know-to-write flag; readers
//                take what they know from its start.
//   signed       "garner record v1" (16 characters) · repository uuid · u32 length of the frozen part ·
//                frozen part · SignedRecord.body
//   hash         BLAKE3 of the whole object: the next record's `previous`
//
// Integers are little-endian. Pure functions but for salts; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "crypto/keyring.h"
#include "crypto/signing.h"
#include "destination/md5.h"
#include "garner/v1/store.pb.h"
#include "store/object_name.h"

namespace garner::store {

// Bits of the feature words: whoever lacks a flag refuses what it forbids.
struct FeatureFlags {
  std::uint64_t read = 0;
  std::uint64_t write = 0;
  std::uint64_t prune = 0;
  bool operator==(const FeatureFlags&) const = default;
};
// Must be known to prune: snapshots may be pinned. Set by the first record that pins one.
inline constexpr std::uint64_t kPinsFeature = 1;
// Must be known to read: content may be stored as differences. Set by the first record whose snapshot or root
// may have any.
inline constexpr std::uint64_t kDifferencesFeature = 1;
// Must be known to write: snapshots may have tags. Set by the first record that gives any. Whoever does not
// know them reads past them, and would leave states without them, which others begin with; nothing that is
// only read or restored depends on them.
inline constexpr std::uint64_t kTagsFeature = 1;
inline constexpr FeatureFlags kKnownFeatures{kDifferencesFeature, kTagsFeature, kPinsFeature};

// Error(kNewerFormat) when `flags` has a must-know-to-read flag this version does not know.
void require_readable(const FeatureFlags& flags);
// The same for must-know-to-write, which whoever commits looks at.
void require_writable(const FeatureFlags& flags);
// The same for must-know-to-prune, which whoever removes anything looks at.
void require_prunable(const FeatureFlags& flags);

// A record that is longer is not read: room for 100,000 recovered snapshots.
inline constexpr std::uint64_t kMaximumRecord = std::uint64_t{64} << 20;

struct Record {
  FeatureFlags features;
  v1::Parameters parameters;
  v1::RecordBody body;
};

struct SealedRecord {
  Bytes object;
  crypto::Digest hash{};  // BLAKE3 of the object: what the next record and pins name
};

inline constexpr std::string_view kLogPrefix = "log/";
inline constexpr std::size_t kGenerationDigits = 16;
// log/<generation, 16 hex digits>
std::string record_key(std::uint64_t generation);
// 0 for a key that is no record's.
std::uint64_t generation_of(const std::string& key);

SealedRecord seal_record(const Record& record, const crypto::WriterKey& writer,
                         const crypto::Keyring& keyring, const Uuid& repository);

struct OpenedRecord {
  Record record;
  crypto::Digest hash{};
  destination::Md5 md5{};  // of the object, to compare with what a place says of it
  Bytes signed_bytes;      // what the signature is over
  Bytes signature;
};
// Error(kDamaged) unless it is sealed for this repository and generation and well-formed; Error(kNewerFormat)
// for another version or an unknown must-know-to-read flag; Error(kWrongKey) for an epoch that the keyring
// lacks. The signature is checked by apply(), which knows the writers.
OpenedRecord open_record(ByteView object, std::uint64_t generation, const crypto::Keyring& keyring,
                         const Uuid& repository);

}  // namespace garner::store
