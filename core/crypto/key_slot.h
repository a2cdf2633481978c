// Key slots: a keyring, sealed so that a password, a key file or the recovery key opens it. A slot is made once and
// never changed; a rotation adds an extension for each slot, for which only the slot's public key is needed. An
// extension proves itself under the epoch before it, so that nobody who lacks that key can slip in an epoch.
#pragma once

#include <optional>
#include <string>

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
// Bounds on what a slot found at a destination may ask for: beyond them it is refused before any work is done.
inline constexpr std::uint32_t kMaximumPasses = 16;
inline constexpr std::uint64_t kMaximumArgon2Memory = 1u << 30;

// Checks a credential's form: a password is 1 to 4,096 bytes, a key file 32 bytes to 64 KiB. Error(kInvalidInput).
void check_credential(const Credential& credential);

store::v1::KeySlot make_slot(const Keyring& keyring, const Credential& credential, std::string label, TimePoint now,
                             Argon2Cost cost = {});
// For the newest epoch of `keyring`, which has at least two.
store::v1::KeySlotExtension make_extension(const Keyring& keyring, const store::v1::KeySlot& slot);
// The keyring, with every extension that follows on. Error(kWrongKey) when the credential does not open the slot;
// Error(kDamaged) for a slot or extension that is malformed or proves nothing.
Keyring open_slot(const store::v1::KeySlotFile& file, const Credential& credential);

// ---- The recovery key: 256 random bits, printed as eight groups of seven characters of base 32 with a checksum ----

Secret generate_recovery_key();
std::string print_recovery_key(const Secret& key);
// Takes either case, spaces, missing dashes, and 0/O, 1/I/L as alike. Error(kInvalidInput) says what is off.
Secret parse_recovery_key(std::string_view text);

}  // namespace garner::crypto
