// Key slots: a keyring, sealed so that a password, a key file or the recovery key opens it. A slot is made
// once and never changed; a rotation adds an extension for each slot, for which only the slot's public key is
// needed. An extension proves itself under the epoch before it, so that nobody who lacks that key can slip in
// an epoch; and a slot proves itself under the newest epoch that it opens, so that nobody can have the next
// one sealed to a slot of his own.
//
// A slot (‖ joins bytes; "serialized" is canonical, as the bytes lie in the file):
//
//   slot secret     32 bytes. PASSWORD and KEY_FILE: Argon2id (version 1.3, one lane, argon2_passes,
//                   argon2_memory bytes, argon2_salt) of the credential's bytes. RECOVERY: the recovery key's
//                   32 bytes; the three argon2 fields are left out
//   seal key        BLAKE3 derive_key(context::kSlotSeal, slot secret ‖ seal_salt), 32 bytes
//   sealed_keyring  the serialized Keyring under AES-256-GCM: ciphertext ‖ 16 bytes of tag. Key: seal key.
//                   Nonce: 12 zero bytes. Associated data: the serialized KeySlot without sealed_keyring, mac
//   mac             BLAKE3 keyed_hash(keyring.derive(KeySlot.epoch, context::kSlotMac),
//                                     serialized KeySlot without mac), 32 bytes
//   private key     BLAKE3 derive_key(context::kSlotBox, slot secret), 32 bytes: a scalar of X25519, clamped
//                   (RFC 7748) where it is used
//   public_key      X25519(private key, 9); it also tells a wrong credential from a damaged slot
//
// An extension for epoch n:
//
//   proof           BLAKE3 keyed_hash(keyring.derive(n - 1, context::kEpochProof), serialized KeyEpoch)
//   sealed_epoch    libsodium's crypto_box_seal(serialized AuthenticatedEpoch, public_key): an ephemeral
//                   public key (32 bytes) ‖ crypto_box (X25519, XSalsa20-Poly1305: 16 bytes of tag, then the
//                   ciphertext) with the nonce BLAKE2b-192(ephemeral public key ‖ public_key)
//   slot_mac        BLAKE3 keyed_hash(keyring.derive(n, context::kSlotMac), serialized KeySlot with mac)
//   mac             BLAKE3 keyed_hash(keyring.derive(n, context::kExtensionMac),
//                                     serialized KeySlotExtension without mac)
//
// The recovery key as text: its 32 bytes ‖ checksum, as 280 bits, the highest of each byte first; every 5
// bits are a character of 0123456789ABCDEFGHJKMNPQRSTVWXYZ, and groups of seven are joined by dashes.
//
//   checksum        the 3 bytes of BLAKE3 derive_key(context::kRecoveryChecksum, recovery key)
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "crypto/keyring.h"
#include "garner/v1/store.pb.h"

namespace garner::crypto {

// What a person or a file gives to open a slot.
struct Credential {
  store::v1::SlotType type = store::v1::SLOT_TYPE_UNSPECIFIED;
  Secret secret;  // password or key file: the bytes; recovery key: its 32 bytes
};

struct Argon2Cost {
  std::uint32_t passes = 3;
  std::uint64_t memory = 64u << 20;  // bytes
};
// Bounds on what a slot found at a destination may ask for: beyond them it is refused before any work is
// done.
inline constexpr std::uint32_t kMaximumPasses = 16;
inline constexpr std::uint64_t kMaximumArgon2Memory = 1u << 30;
inline constexpr std::size_t kMaximumLabel = 256;

// Checks a credential's form: a password is 1 to 4,096 bytes, a key file 32 bytes to 64 KiB.
// Error(kInvalidInput).
void check_credential(const Credential& credential);

// Opens every epoch of `keyring`. `label` is for people: UTF-8 of at most kMaximumLabel bytes.
// Error(kInvalidInput) for a label, credential or cost out of bounds and for an unencrypted keyring;
// Error(kUnavailable) when there is no memory for Argon2id.
store::v1::KeySlot make_slot(const Keyring& keyring, const Credential& credential, std::string label,
                             TimePoint now, Argon2Cost cost = {});
// For the newest epoch of `keyring`, which has at least two. `file`: the slot with the extensions that it
// has. Error(kDamaged) unless they were made by somebody who had the keys, and open the epoch before;
// Error(kInvalidInput) for a slot that needs no extension.
store::v1::KeySlotExtension make_extension(const Keyring& keyring, const store::v1::KeySlotFile& file);
// Whether the slot and its extensions are what somebody made who had the keys, and open all epochs of
// `keyring`. Extensions to epochs that it lacks are passed over. Error(kDamaged).
void verify_slot(const Keyring& keyring, const store::v1::KeySlotFile& file);
// The keyring, with every extension of `file` (in order of epoch). Error(kWrongKey) when the credential does
// not open the slot; Error(kDamaged) for a slot or extension that is malformed, out of order or proves
// nothing, or a slot that asks for more than the bounds above; Error(kInvalidInput) as check_credential;
// Error(kUnavailable) as make_slot.
Keyring open_slot(const store::v1::KeySlotFile& file, const Credential& credential);

// The recovery key: 256 random bits, printed as eight groups of seven characters of base 32 with a checksum.

Secret generate_recovery_key();
std::string print_recovery_key(const Secret& key);
// Takes either case, spaces, missing dashes, and 0/O, 1/I/L as alike. Error(kInvalidInput) says what is off.
Secret parse_recovery_key(std::string_view text);

}  // namespace garner::crypto
