// Secrets as calls carry them.
#pragma once

#include "crypto/key_slot.h"
#include "garner/v1/service.pb.h"

namespace garner::daemon {

// Error(kInvalidInput) for a secret that is empty or malformed.
crypto::Credential to_credential(const v1::Secret& secret);
// "password", "key file", "recovery key".
std::string describe(store::v1::SlotType type);

}  // namespace garner::daemon
