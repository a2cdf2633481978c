// Keys for what would otherwise stop at a seal: a target seals what it was given and has it opened.
#pragma once

#include <string>

#include "base/bytes.h"
#include "base/uuid.h"
#include "crypto/keyring.h"
#include "crypto/secret.h"
#include "garner/v1/store.pb.h"

namespace garner::fuzz {

// The same in every process, so that what is sealed can be opened, and a finding comes again.
inline const crypto::Keyring& keyring() {
  static const crypto::Keyring ring = [] {
    crypto::initialize_crypto();
    store::v1::Keyring message;
    message.set_id(std::string(16, 'K'));
    store::v1::KeyEpoch& epoch = *message.add_epochs();
    epoch.set_number(1);
    epoch.set_master(std::string(32, 'M'));
    epoch.mutable_created()->set_seconds(1);
    return crypto::Keyring::parse(as_bytes(message.SerializeAsString()));
  }();
  return ring;
}
inline Uuid repository() { return Uuid::from_bytes(as_bytes("a repository....")); }
inline Uuid writer() { return Uuid::from_bytes(as_bytes("a writer........")); }

}  // namespace garner::fuzz
