// garner.repo: what tells that a place is a repository, and which keyring opens it. It is not sealed: 8 bytes
// "GARNREPO" · u32 length (little-endian) · a RepositoryHeader of that length. Its `mac` is BLAKE3
// keyed_hash( keyring.derive(1, context::kHeaderMac), the message without `mac`, serialized). Its
// `format_version` is that of everything in the repository that has no version of its own.
#pragma once

#include <string>

#include "crypto/hash.h"
#include "crypto/keyring.h"
#include "destination/destination.h"
#include "garner/v1/store.pb.h"

namespace garner::store {

inline constexpr std::uint32_t kFormatVersion = 1;
inline constexpr const char* kHeaderKey = "garner.repo";

struct RepositoryHeader {
  Uuid repository;
  bool encrypted = true;
  Uuid keyring;
  crypto::Digest hash{};  // of the object's bytes: pinned when a destination is added
};

// "the repository at /mnt/disk", for messages.
std::string repository_at(const destination::Destination& destination);

inline constexpr std::uint64_t kMaximumHeader = 4u << 10;

// The object's bytes.
Bytes make_header(const Uuid& repository, const crypto::Keyring& keyring, TimePoint now);
// The bytes that are at the place, whatever they are. Error(kNotARepository) as read_header().
Bytes get_header(destination::Destination& destination);
// What these bytes say, without trusting them. Error(kDamaged); Error(kNewerFormat).
RepositoryHeader parse_header(ByteView object);
// Writes the header of a new repository, durably. Error(kAlreadyExists) when there is one.
RepositoryHeader create_header(destination::Destination& destination, const Uuid& repository,
                               const crypto::Keyring& keyring, TimePoint now);
// Reads it without trusting it: the MAC is not checked. Error(kNotARepository) when the place holds none (a
// message that tells an empty folder, the rest of a repository, and a place that holds something else);
// Error(kNewerFormat); Error(kDamaged).
RepositoryHeader read_header(destination::Destination& destination);
// Reads it and checks it under `keyring`. Error(kWrongKey) for another keyring, or an encrypted one where the
// repository is not and the other way round; Error(kDamaged); otherwise as read_header.
RepositoryHeader verify_header(destination::Destination& destination, const crypto::Keyring& keyring);
// The same, and read_header(), of bytes that get_header() has read there.
RepositoryHeader verify_header(const destination::Destination& destination, ByteView object,
                               const crypto::Keyring& keyring);
RepositoryHeader read_header(const destination::Destination& destination, ByteView object);

}  // namespace garner::store
