// A commit record as an object: docs/format.md has the bytes. In front of the protobuf body stands a frozen part of
// fixed layout (feature flags, parameters), which every future version can read.
#pragma once

#include <cstdint>
#include <string>

#include "crypto/keyring.h"
#include "crypto/signing.h"
#include "garner/v1/store.pb.h"
#include "store/object_name.h"

namespace garner::store {

// Bits of the feature words. This version knows none: whoever lacks a flag refuses what it forbids.
struct FeatureFlags {
  std::uint64_t read = 0;
  std::uint64_t write = 0;
  std::uint64_t prune = 0;
  bool operator==(const FeatureFlags&) const = default;
};
inline constexpr FeatureFlags kKnownFeatures{};

struct Record {
  FeatureFlags features;
  v1::Parameters parameters;
  v1::RecordBody body;
};

struct SealedRecord {
  Bytes object;
  crypto::Digest hash{};  // BLAKE3 of the object: what the next record and pins name
};

// log/<generation, 16 hex digits>
std::string record_key(std::uint64_t generation);
// 0 for a key that is no record's.
std::uint64_t generation_of(const std::string& key);

SealedRecord seal_record(const Record& record, const crypto::WriterKey& writer, const crypto::Keyring& keyring,
                         const Uuid& repository);

struct OpenedRecord {
  Record record;
  crypto::Digest hash{};
  Bytes signed_bytes;      // what the signature is over
  Bytes signature;
};
// Error(kDamaged) unless it is sealed for this repository and generation and well-formed; Error(kNewerFormat) for an
// unknown must-know-to-read flag. The signature is checked by apply(), which knows the writers.
OpenedRecord open_record(ByteView object, std::uint64_t generation, const crypto::Keyring& keyring,
                         const Uuid& repository);

}  // namespace garner::store
