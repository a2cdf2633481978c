// Every context string that a key is derived with (BLAKE3's derive_key mode), in one place: none may ever be
// used for two things, and none may change, for what was stored could not be read any more. The strings are
// ASCII, without a NUL at the end. Where it says "of epoch 1" or "of an epoch" the key material is that
// epoch's 32-byte master key.
#pragma once

#include <string_view>

namespace garner::crypto::context {

// ---- Of epoch 1, for they must outlive every rotation ----

// Keys of blob ids, one for each kind of blob (crypto/blob_id.h).
inline constexpr std::string_view kDataId = "garner 2026 v1 blob id: data";
inline constexpr std::string_view kTreeId = "garner 2026 v1 blob id: tree";
inline constexpr std::string_view kListId = "garner 2026 v1 blob id: content list";
inline constexpr std::string_view kSnapshotId = "garner 2026 v1 blob id: snapshot";
// The key of the chunker's gear table.
inline constexpr std::string_view kGearTable = "garner 2026 v1 chunking: gear table";
// The key of the MAC in garner.repo.
inline constexpr std::string_view kHeaderMac = "garner 2026 v1 repository header: mac";

// ---- Of the epoch an object is sealed under: purpose keys, by the kind of object (crypto/seal.h) ----

inline constexpr std::string_view kSealData = "garner 2026 v1 seal: data pack";
inline constexpr std::string_view kSealMetadata = "garner 2026 v1 seal: metadata pack";
inline constexpr std::string_view kSealIndex = "garner 2026 v1 seal: index segment";
inline constexpr std::string_view kSealLog = "garner 2026 v1 seal: log record";
inline constexpr std::string_view kSealState = "garner 2026 v1 seal: state";

// ---- Of other key material ----

// The key of one object: of its purpose key, followed by the object's salt.
inline constexpr std::string_view kObjectKey = "garner 2026 v1 seal: object key";
// A salt: of what fresh_salt() gathers. Never derived again by anyone; readers take salts from objects.
inline constexpr std::string_view kFreshSalt = "garner 2026 v1 seal: fresh salt";
// The 2,048 bytes of the gear table (chunking/chunker.h): of the key derived with kGearTable.
inline constexpr std::string_view kGearTableBytes = "garner 2026 v1 chunking: gear table bytes";
// What a slot's keyring is sealed with: of the slot secret, followed by the slot's seal_salt
// (crypto/key_slot.h).
inline constexpr std::string_view kSlotSeal = "garner 2026 v1 key slot: seal";
// A slot's X25519 private key: of the slot secret.
inline constexpr std::string_view kSlotBox = "garner 2026 v1 key slot: box private key";
// The key of a slot's MACs: of the master key of the epoch they are made under.
inline constexpr std::string_view kSlotMac = "garner 2026 v1 key slot: mac";
// The key of the MAC of a slot's extension: of the master key of the epoch that it is for.
inline constexpr std::string_view kExtensionMac = "garner 2026 v1 key slot: mac of an extension";
// The key of the proof of an epoch: of the master key of the epoch before it.
inline constexpr std::string_view kEpochProof = "garner 2026 v1 key slot: proof of the next epoch";
// The checksum at the end of a printed recovery key: of the 32 bytes of the key.
inline constexpr std::string_view kRecoveryChecksum = "garner 2026 v1 recovery key: checksum";

// The master key of every unencrypted repository is the plain BLAKE3 hash of this sentence (ASCII, without
// the quotes and without a NUL at the end). It is published, so it keeps nothing secret.
inline constexpr std::string_view kUnencryptedSentence =
    "This garner repository is not encrypted: everyone knows this key, so it finds accidents and no "
    "attackers.";

}  // namespace garner::crypto::context
