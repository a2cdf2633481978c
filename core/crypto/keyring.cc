#include "crypto/keyring.h"

#include <string>
#include <utility>

#include "base/clock.h"
#include "base/error.h"
#include "crypto/contexts.h"
#include "crypto/hash.h"
#include "garner/v1/store.pb.h"

namespace garner::crypto {

namespace {

constexpr std::size_t kMasterSize = 32;

// A keyring as a message, whose ordinary memory is wiped at the end of its scope.
struct SecretMessage {
  store::v1::Keyring message;
  ~SecretMessage() {
    for (store::v1::KeyEpoch& epoch : *message.mutable_epochs()) {
      std::string& master = *epoch.mutable_master();
      wipe({reinterpret_cast<std::uint8_t*>(master.data()), master.size()});
    }
  }
};

KeyEpoch copy_of(const KeyEpoch& epoch) { return {epoch.number, epoch.master.copy(), epoch.created}; }

}  // namespace

Keyring Keyring::generate(TimePoint now) {
  Keyring keyring;
  keyring.id_ = Uuid::random();
  keyring.epochs_.push_back({1, random_secret(kMasterSize), now});
  return keyring;
}

Keyring Keyring::unencrypted() {
  Keyring keyring;
  keyring.encrypted_ = false;
  keyring.epochs_.push_back({1, Secret(hash(as_bytes(context::kUnencryptedSentence))), TimePoint{}});
  return keyring;
}

Keyring Keyring::parse(ByteView serialized) {
  SecretMessage parsed;
  if (serialized.size() > kMaximumKeyringSize ||
      !parsed.message.ParseFromArray(serialized.data(), static_cast<int>(serialized.size()))) {
    throw Error(ErrorKind::kDamaged, "a keyring that cannot be parsed");
  }
  Keyring keyring;
  keyring.id_ = Uuid::from_bytes(as_bytes(parsed.message.id()));
  for (const store::v1::KeyEpoch& epoch : parsed.message.epochs()) {
    if (epoch.number() != keyring.current_epoch() + 1 || epoch.master().size() != kMasterSize ||
        epoch.created().nanos() >= kNanosPerSecond) {
      throw Error(ErrorKind::kDamaged, "a keyring whose epochs are not 1, 2, 3, ... with 32-byte keys");
    }
    keyring.epochs_.push_back({epoch.number(),
                               Secret(as_bytes(epoch.master())),
                               {epoch.created().seconds(), epoch.created().nanos()}});
  }
  if (keyring.epochs_.empty()) throw Error(ErrorKind::kDamaged, "a keyring without an epoch");
  return keyring;
}

Secret Keyring::serialize() const {
  if (!encrypted_) throw Error(ErrorKind::kInternal, "the published keyring is not stored");
  SecretMessage stored;
  stored.message.set_id(id_.value.data(), id_.value.size());
  for (const KeyEpoch& epoch : epochs_) {
    store::v1::KeyEpoch& each = *stored.message.add_epochs();
    each.set_number(epoch.number);
    each.set_master(epoch.master.view().data(), epoch.master.size());
    each.mutable_created()->set_seconds(epoch.created.seconds);
    each.mutable_created()->set_nanos(epoch.created.nanos);
  }
  Secret serialized(stored.message.ByteSizeLong());
  if (!stored.message.SerializeToArray(serialized.mutable_view().data(),
                                       static_cast<int>(serialized.size()))) {
    throw Error(ErrorKind::kInternal, "a keyring that cannot be serialized");
  }
  return serialized;
}

Keyring Keyring::copy() const {
  Keyring keyring;
  keyring.id_ = id_;
  keyring.encrypted_ = encrypted_;
  for (const KeyEpoch& epoch : epochs_) keyring.epochs_.push_back(copy_of(epoch));
  return keyring;
}

std::uint32_t Keyring::rotate(TimePoint now) {
  append({current_epoch() + 1, random_secret(kMasterSize), now});
  return current_epoch();
}

void Keyring::append(KeyEpoch epoch) {
  if (!encrypted_) throw Error(ErrorKind::kInvalidInput, "an unencrypted repository has no keys to rotate");
  if (epoch.number != current_epoch() + 1 || epoch.master.size() != kMasterSize) {
    throw Error(ErrorKind::kInvalidInput, "key epoch " + std::to_string(epoch.number) + " does not follow " +
                                              std::to_string(current_epoch()));
  }
  epochs_.push_back(std::move(epoch));
}

Secret Keyring::derive(std::uint32_t epoch, std::string_view context) const {
  if (epoch == 0 || epoch > epochs_.size()) {
    throw Error(ErrorKind::kWrongKey, "sealed under key epoch " + std::to_string(epoch) +
                                          ", which is not in this keyring: open the repository again "
                                          "with its password, key file or recovery key");
  }
  return derive_key(context, epochs_[epoch - 1].master.view());
}

}  // namespace garner::crypto
