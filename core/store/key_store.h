// The key slots of a repository: objects keys/<slot uuid> (a KeySlotFile with no extensions) and
// keys/<slot uuid>-<epoch, 8 hex digits> (a KeySlotExtension). Written once, deleted only by remove_slot.
#pragma once

#include <string>
#include <vector>

#include "crypto/key_slot.h"
#include "destination/destination.h"

namespace garner::store {

// Every slot with its extensions in order of epoch. Error(kDamaged) for an object that cannot be parsed; the others
// are listed in the message.
std::vector<store::v1::KeySlotFile> list_slots(destination::Destination& destination);
void add_slot(destination::Destination& destination, const v1::KeySlot& slot);
void add_extension(destination::Destination& destination, const v1::KeySlotExtension& extension);
// `prefix`: at least four hex digits of the slot's uuid. Error(kNotFound); Error(kConflict) for the last slot.
void remove_slot(destination::Destination& destination, const std::string& prefix);

// Tries the credential on every slot of its type; when keys/ has none that it opens and it is a recovery key, on the
// recovery slots in the headers of packs. Error(kWrongKey).
crypto::Keyring open_with(destination::Destination& destination, const crypto::Credential& credential);

// The recovery slot as packs carry it, serialized; empty when there is none (an unencrypted repository).
Bytes recovery_slot(destination::Destination& destination);

}  // namespace garner::store
