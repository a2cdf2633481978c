// The key slots of a repository: objects keys/<slot uuid> (a serialized KeySlotFile without extensions) and
// keys/<slot uuid>-<epoch, 8 hex digits> (a serialized KeySlotExtension). Written once, deleted only by
// remove_slot. They are not sealed: each slot and extension proves itself (crypto/key_slot.h). Any thread.
#pragma once

#include <string>
#include <vector>

#include "crypto/key_slot.h"
#include "destination/destination.h"

namespace garner::store {

// keys/<slot uuid>
std::string slot_key(const Uuid& slot);
// keys/<slot uuid>-<epoch, 8 hex digits>
std::string extension_key(const Uuid& slot, std::uint32_t epoch);

// Every slot, by uuid, with its extensions in order of epoch. Extensions of a slot that is gone are left out.
// Error(kDamaged) for objects that cannot be parsed or hold another slot than their key says: the message
// names them and the slots that are in order.
std::vector<v1::KeySlotFile> list_slots(destination::Destination& destination);
// Reads and verifies all of them. Error(kDamaged) names those that are not in order, and is thrown, too,
// where an encrypted repository has none left: a single one that is missing looks as if it had been removed.
void verify_slots(destination::Destination& destination, const crypto::Keyring& keyring);
// Whether the keys may have been rotated further than `keyring` knows: keys/ has something for a later epoch,
// or nothing at all that could tell.
bool may_lack_keys(destination::Destination& destination, const crypto::Keyring& keyring);
// Durable. Error(kAlreadyExists).
void add_slot(destination::Destination& destination, const v1::KeySlot& slot);
void add_extension(destination::Destination& destination, const v1::KeySlotExtension& extension);
// `prefix`: at least four hex digits of the slot's uuid, with or without its dashes. The slot goes first,
// then its extensions: what a crash leaves opens nothing. Error(kNotFound); Error(kConflict) for the last
// slot that is in order; Error(kInvalidInput) for a prefix that is too short, is no prefix of a uuid, or fits
// several.
void remove_slot(destination::Destination& destination, const std::string& prefix);

// Tries the credential on every slot of its type; when keys/ has none that it opens and it is a recovery key,
// on the recovery slots in the headers of packs. A slot of another keyring than the header names is passed
// over. Error(kWrongKey); Error(kDamaged) when the only slots of its type are damaged.
crypto::Keyring open_with(destination::Destination& destination, const crypto::Credential& credential);

// The newest recovery slot that opens all of `keyring`, as packs carry it: a serialized KeySlotFile. Empty
// when there is none (an unencrypted repository).
Bytes recovery_slot(destination::Destination& destination, const crypto::Keyring& keyring);

}  // namespace garner::store
