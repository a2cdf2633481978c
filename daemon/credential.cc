#include "credential.h"

#include "base/error.h"

namespace garner::daemon {

crypto::Credential to_credential(const v1::Secret& secret) {
  crypto::Credential credential;
  switch (secret.kind_case()) {
    case v1::Secret::kPassword:
      credential = {store::v1::SLOT_TYPE_PASSWORD, crypto::Secret(as_bytes(secret.password()))};
      break;
    case v1::Secret::kKeyFile:
      credential = {store::v1::SLOT_TYPE_KEY_FILE, crypto::Secret(as_bytes(secret.key_file()))};
      break;
    case v1::Secret::kRecoveryKey:
      credential = {store::v1::SLOT_TYPE_RECOVERY, crypto::parse_recovery_key(secret.recovery_key())};
      break;
    case v1::Secret::KIND_NOT_SET:
      throw Error(ErrorKind::kInvalidInput, "a secret without content");
  }
  crypto::check_credential(credential);
  return credential;
}

std::string describe(store::v1::SlotType type) {
  switch (type) {
    case store::v1::SLOT_TYPE_PASSWORD:
      return "password";
    case store::v1::SLOT_TYPE_KEY_FILE:
      return "key file";
    case store::v1::SLOT_TYPE_RECOVERY:
      return "recovery key";
    default:
      return "unknown";
  }
}

}  // namespace garner::daemon
