#include "crypto/key_slot.h"

#include <google/protobuf/message.h>
#include <sodium.h>

#include <algorithm>
#include <array>
#include <utility>

#include "base/clock.h"
#include "base/error.h"
#include "crypto/aes_gcm.h"
#include "crypto/contexts.h"
#include "crypto/hash.h"
#include "crypto/seal.h"

namespace garner::crypto {

namespace v1 = store::v1;

namespace {

constexpr std::size_t kSlotSecretSize = 32;
constexpr std::size_t kSealSaltSize = 32;
constexpr std::size_t kMaximumExtension = 4096;

// A slot is sealed once under a key that no other slot has, so its nonce may be constant.
constexpr AesGcmNonce kSlotNonce{};

Error damaged(const std::string& what) { return Error(ErrorKind::kDamaged, "a key slot " + what); }

// One that does not do for what it was made for.
Error spoiled(const std::string& what) {
  return damaged(what + ": add the key again, if it is yours, and remove this slot");
}

void wipe_text(std::string& text) { wipe({reinterpret_cast<std::uint8_t*>(text.data()), text.size()}); }

// A message holding a master key, whose ordinary memory is wiped at the end of its scope.
struct SecretEpoch {
  v1::AuthenticatedEpoch message;
  ~SecretEpoch() { wipe_text(*message.mutable_epoch()->mutable_master()); }
};

Secret serialize_secret(const google::protobuf::Message& message) {
  Secret serialized(message.ByteSizeLong());
  if (!message.SerializeToArray(serialized.mutable_view().data(), static_cast<int>(serialized.size()))) {
    throw Error(ErrorKind::kInternal, "a key that cannot be serialized");
  }
  return serialized;
}

bool is_known(v1::SlotType type) {
  return type == v1::SLOT_TYPE_PASSWORD || type == v1::SLOT_TYPE_KEY_FILE || type == v1::SLOT_TYPE_RECOVERY;
}

bool is_stretched(v1::SlotType type) { return type != v1::SLOT_TYPE_RECOVERY; }

// Whether Argon2id may be asked for this much.
bool is_bounded(std::uint32_t passes, std::uint64_t memory) {
  return passes >= crypto_pwhash_argon2id_OPSLIMIT_MIN && passes <= kMaximumPasses &&
         memory >= crypto_pwhash_argon2id_MEMLIMIT_MIN && memory <= kMaximumArgon2Memory &&
         memory % 1024 == 0;
}

Secret slot_secret(const Credential& credential, const v1::KeySlot& slot) {
  if (!is_stretched(slot.type())) return credential.secret.copy();
  Secret secret(kSlotSecretSize);
  const auto* password = reinterpret_cast<const char*>(credential.secret.view().data());
  const auto* salt = reinterpret_cast<const unsigned char*>(slot.argon2_salt().data());
  if (crypto_pwhash_argon2id(secret.mutable_view().data(), secret.size(), password, credential.secret.size(),
                             salt, slot.argon2_passes(), slot.argon2_memory(),
                             crypto_pwhash_argon2id_ALG_ARGON2ID13) != 0) {
    throw Error(ErrorKind::kUnavailable, "there is no memory for the key slot's " +
                                             human_bytes(slot.argon2_memory()) + " of Argon2id");
  }
  return secret;
}

struct BoxKeys {
  Secret private_key;
  std::array<std::uint8_t, crypto_box_PUBLICKEYBYTES> public_key;
};

BoxKeys box_keys(const Secret& secret) {
  BoxKeys keys{derive_key(context::kSlotBox, secret.view(), crypto_box_SECRETKEYBYTES), {}};
  if (crypto_scalarmult_base(keys.public_key.data(), keys.private_key.view().data()) != 0) {
    throw Error(ErrorKind::kInternal, "no key pair can be made");
  }
  return keys;
}

Secret seal_key(const Secret& secret, std::string_view seal_salt) {
  Secret material(secret.size() + seal_salt.size());
  const MutableByteView bytes = material.mutable_view();
  std::copy(secret.view().begin(), secret.view().end(), bytes.begin());
  std::copy(seal_salt.begin(), seal_salt.end(), bytes.begin() + static_cast<std::ptrdiff_t>(secret.size()));
  return derive_key(context::kSlotSeal, material.view());
}

// What the sealed keyring is bound to.
std::string associated_bytes(const v1::KeySlot& slot) {
  v1::KeySlot clear = slot;
  clear.clear_sealed_keyring();
  clear.clear_mac();
  return clear.SerializeAsString();
}

// Under the epoch that the slot names, over everything else in it.
Digest slot_mac(const Keyring& keyring, const v1::KeySlot& slot) {
  v1::KeySlot without = slot;
  without.clear_mac();
  return keyed_hash(keyring.derive(slot.epoch(), context::kSlotMac), as_bytes(without.SerializeAsString()));
}

// Under the epoch of an extension, over the whole slot.
Digest slot_mac(const Keyring& keyring, std::uint32_t epoch, const v1::KeySlot& slot) {
  return keyed_hash(keyring.derive(epoch, context::kSlotMac), as_bytes(slot.SerializeAsString()));
}

// Under its epoch, over everything else in it.
Digest extension_mac(const Keyring& keyring, const v1::KeySlotExtension& extension) {
  v1::KeySlotExtension without = extension;
  without.clear_mac();
  return keyed_hash(keyring.derive(extension.epoch(), context::kExtensionMac),
                    as_bytes(without.SerializeAsString()));
}

bool is_mac(const Digest& expected, const std::string& found) {
  return equal_constant_time(expected, as_bytes(found));
}

void check_slot(const v1::KeySlot& slot) {
  if (slot.id().size() != Uuid{}.value.size()) throw damaged("whose id has not 16 bytes");
  if (!is_known(slot.type())) throw damaged("of no known type");
  if (slot.label().size() > kMaximumLabel) throw damaged("with too long a label");
  if (slot.public_key().size() != crypto_box_PUBLICKEYBYTES || slot.seal_salt().size() != kSealSaltSize) {
    throw damaged("with a key or salt that has not 32 bytes");
  }
  if (slot.sealed_keyring().size() <= kAesGcmTag ||
      slot.sealed_keyring().size() > kMaximumKeyringSize + kAesGcmTag) {
    throw damaged("whose sealed keyring is too short or too long");
  }
  if (is_stretched(slot.type())) {
    if (slot.argon2_salt().size() != crypto_pwhash_argon2id_SALTBYTES) {
      throw damaged("whose Argon2id salt has not 16 bytes");
    }
    if (!is_bounded(slot.argon2_passes(), slot.argon2_memory())) {
      throw damaged("that asks for " + std::to_string(slot.argon2_passes()) + " passes and " +
                    std::to_string(slot.argon2_memory()) + " bytes of Argon2id, which is out of bounds");
    }
  } else if (slot.argon2_passes() != 0 || slot.argon2_memory() != 0 || !slot.argon2_salt().empty()) {
    throw damaged("for a recovery key that asks for Argon2id");
  }
}

// Of epoch `number`, under the one before it.
Digest proof_of(const Keyring& keyring, std::uint32_t number, ByteView serialized_epoch) {
  return keyed_hash(keyring.derive(number - 1, context::kEpochProof), serialized_epoch);
}

v1::KeyEpoch message_of(const KeyEpoch& epoch) {
  v1::KeyEpoch message;
  message.set_number(epoch.number);
  message.set_master(epoch.master.view().data(), epoch.master.size());
  message.mutable_created()->set_seconds(epoch.created.seconds);
  message.mutable_created()->set_nanos(epoch.created.nanos);
  return message;
}

void append_extension(Keyring& keyring, const v1::KeySlot& slot, const v1::KeySlotExtension& extension,
                      const BoxKeys& keys) {
  if (extension.slot() != slot.id()) throw damaged("with an extension of another slot");
  if (extension.epoch() != keyring.current_epoch() + 1) {
    throw damaged("whose extensions do not follow on: epoch " + std::to_string(extension.epoch()) +
                  " after " + std::to_string(keyring.current_epoch()));
  }
  const std::string name = "extension for epoch " + std::to_string(extension.epoch());
  const ByteView sealed = as_bytes(extension.sealed_epoch());
  if (sealed.size() <= crypto_box_SEALBYTES || sealed.size() > kMaximumExtension) {
    throw damaged("whose " + name + " is too short or too long");
  }
  Secret opened(sealed.size() - crypto_box_SEALBYTES);
  if (crypto_box_seal_open(opened.mutable_view().data(), sealed.data(), sealed.size(), keys.public_key.data(),
                           keys.private_key.view().data()) != 0) {
    throw damaged("whose " + name + " does not open");
  }
  SecretEpoch parsed;
  if (!parsed.message.ParseFromArray(opened.view().data(), static_cast<int>(opened.size()))) {
    throw damaged("whose " + name + " cannot be parsed");
  }
  const v1::KeyEpoch& epoch = parsed.message.epoch();
  const Secret serialized = serialize_secret(epoch);
  // Anybody can seal to the slot's public key; only who has the epoch before can make the proof.
  if (!is_mac(proof_of(keyring, extension.epoch(), serialized.view()), parsed.message.proof())) {
    throw damaged("whose " + name + " was not made by anybody who has the epoch before it");
  }
  if (epoch.number() != extension.epoch() ||
      epoch.master().size() != keyring.epochs().front().master.size() ||
      epoch.created().nanos() >= kNanosPerSecond) {
    throw damaged("whose " + name + " holds something else");
  }
  keyring.append({epoch.number(),
                  Secret(as_bytes(epoch.master())),
                  {epoch.created().seconds(), epoch.created().nanos()}});
  if (!is_mac(slot_mac(keyring, extension.epoch(), slot), extension.slot_mac())) {
    throw damaged("whose " + name + " does not verify");
  }
}

// Up to which of the keyring's epochs the slot opens, made with its extensions by somebody who had the keys.
// Error(kDamaged) when what it has was not.
std::uint32_t verified_epoch(const Keyring& keyring, const v1::KeySlotFile& file) {
  const v1::KeySlot& slot = file.slot();
  if (slot.epoch() == 0 || slot.epoch() > keyring.current_epoch())
    throw damaged("of key epoch " + std::to_string(slot.epoch()) + ", which this machine's keyring lacks");
  if (!is_mac(slot_mac(keyring, slot), slot.mac())) throw spoiled("that was changed");
  std::uint32_t reached = slot.epoch();
  for (const v1::KeySlotExtension& extension : file.extensions()) {
    if (extension.epoch() <= reached) throw spoiled("with an extension that does not follow on");
    if (reached == keyring.current_epoch() || extension.epoch() != reached + 1) break;
    if (extension.slot() != slot.id() ||
        !is_mac(slot_mac(keyring, extension.epoch(), slot), extension.slot_mac()) ||
        !is_mac(extension_mac(keyring, extension), extension.mac()))
      throw spoiled("with an extension that was changed");
    ++reached;
  }
  return reached;
}

Error left_out(std::uint32_t reached) {
  return spoiled("that has nothing for key epoch " + std::to_string(reached + 1) +
                 ", and does not open what was written since");
}

}  // namespace

void check_credential(const Credential& credential) {
  const std::size_t size = credential.secret.size();
  const auto fail = [](const char* what) { throw Error(ErrorKind::kInvalidInput, what); };
  switch (credential.type) {
    case v1::SLOT_TYPE_PASSWORD:
      if (size < 1 || size > 4096) fail("a password has 1 to 4,096 bytes");
      return;
    case v1::SLOT_TYPE_KEY_FILE:
      if (size < 32 || size > (64u << 10)) fail("a key file has 32 bytes to 64 KiB");
      return;
    case v1::SLOT_TYPE_RECOVERY:
      if (size != kSlotSecretSize) fail("a recovery key has 32 bytes");
      return;
    default:
      fail("neither a password, nor a key file, nor a recovery key");
  }
}

v1::KeySlot make_slot(const Keyring& keyring, const Credential& credential, std::string label, TimePoint now,
                      Argon2Cost cost) {
  initialize_crypto();
  check_credential(credential);
  if (!keyring.encrypted())
    throw Error(ErrorKind::kInvalidInput, "an unencrypted repository has no key slots");
  // A slot with another label could be written, but never be read.
  if (label.size() > kMaximumLabel || !is_utf8(label)) {
    throw Error(ErrorKind::kInvalidInput, "the label of a key slot is UTF-8 of at most 256 bytes");
  }
  v1::KeySlot slot;
  const Uuid id = Uuid::random();
  slot.set_id(id.value.data(), id.value.size());
  slot.set_type(credential.type);
  slot.set_label(std::move(label));
  slot.mutable_created()->set_seconds(now.seconds);
  slot.mutable_created()->set_nanos(now.nanos);
  if (is_stretched(credential.type)) {
    if (!is_bounded(cost.passes, cost.memory)) {
      throw Error(ErrorKind::kInvalidInput, "a cost of Argon2id that is out of bounds");
    }
    std::array<std::uint8_t, crypto_pwhash_argon2id_SALTBYTES> salt;
    fill_random(salt);
    slot.set_argon2_passes(cost.passes);
    slot.set_argon2_memory(cost.memory);
    slot.set_argon2_salt(salt.data(), salt.size());
  }
  const Secret secret = slot_secret(credential, slot);
  const BoxKeys keys = box_keys(secret);
  slot.set_public_key(keys.public_key.data(), keys.public_key.size());
  slot.set_epoch(keyring.current_epoch());
  const Salt seal_salt = fresh_salt(id);
  slot.set_seal_salt(seal_salt.data(), seal_salt.size());

  const Secret plain = keyring.serialize();
  Bytes sealed(plain.size() + kAesGcmTag);
  aes_gcm_seal(seal_key(secret, slot.seal_salt()), kSlotNonce, as_bytes(associated_bytes(slot)), plain.view(),
               sealed);
  slot.set_sealed_keyring(sealed.data(), sealed.size());
  const Digest mac = slot_mac(keyring, slot);
  slot.set_mac(mac.data(), mac.size());
  return slot;
}

v1::KeySlotExtension make_extension(const Keyring& keyring, const v1::KeySlotFile& file) {
  initialize_crypto();
  const v1::KeySlot& slot = file.slot();
  check_slot(slot);
  const KeyEpoch& newest = keyring.epochs().back();
  const std::uint32_t reached =
      file.extensions().empty() ? slot.epoch() : file.extensions().rbegin()->epoch();
  if (newest.number < 2 || reached >= newest.number) {
    throw Error(ErrorKind::kInvalidInput, "a key slot that needs no extension");
  }
  // Nobody else gets the next epoch, nor a slot that was removed before a rotation and put back.
  if (const std::uint32_t verified = verified_epoch(keyring, file); verified + 1 != newest.number)
    throw left_out(verified);
  SecretEpoch message;
  *message.message.mutable_epoch() = message_of(newest);
  const Secret serialized = serialize_secret(message.message.epoch());
  const Digest proof = proof_of(keyring, newest.number, serialized.view());
  message.message.set_proof(proof.data(), proof.size());

  const Secret plain = serialize_secret(message.message);
  Bytes sealed(plain.size() + crypto_box_SEALBYTES);
  if (crypto_box_seal(sealed.data(), plain.view().data(), plain.size(), as_bytes(slot.public_key()).data()) !=
      0) {
    throw damaged("whose public key is none");
  }
  v1::KeySlotExtension extension;
  extension.set_slot(slot.id());
  extension.set_epoch(newest.number);
  extension.set_sealed_epoch(sealed.data(), sealed.size());
  const Digest vouching = slot_mac(keyring, newest.number, slot);
  extension.set_slot_mac(vouching.data(), vouching.size());
  const Digest mac = extension_mac(keyring, extension);
  extension.set_mac(mac.data(), mac.size());
  return extension;
}

void verify_slot(const Keyring& keyring, const v1::KeySlotFile& file) {
  check_slot(file.slot());
  if (const std::uint32_t verified = verified_epoch(keyring, file); verified != keyring.current_epoch())
    throw left_out(verified);
}

Keyring open_slot(const v1::KeySlotFile& file, const Credential& credential) {
  initialize_crypto();
  check_credential(credential);
  const v1::KeySlot& slot = file.slot();
  check_slot(slot);
  if (slot.type() != credential.type)
    throw Error(ErrorKind::kWrongKey, "this key slot takes another kind of key");
  const Secret secret = slot_secret(credential, slot);
  const BoxKeys keys = box_keys(secret);
  // The public key tells a wrong credential from a slot that is damaged.
  if (!equal_constant_time(keys.public_key, as_bytes(slot.public_key()))) {
    throw Error(ErrorKind::kWrongKey, slot.type() == v1::SLOT_TYPE_PASSWORD   ? "wrong password"
                                      : slot.type() == v1::SLOT_TYPE_KEY_FILE ? "wrong key file"
                                                                              : "wrong recovery key");
  }
  const ByteView sealed = as_bytes(slot.sealed_keyring());
  Secret plain(sealed.size() - kAesGcmTag);
  if (!aes_gcm_open(seal_key(secret, slot.seal_salt()), kSlotNonce, as_bytes(associated_bytes(slot)), sealed,
                    plain.mutable_view())) {
    throw damaged("that does not verify");
  }
  Keyring keyring = Keyring::parse(plain.view());
  if (slot.epoch() != keyring.current_epoch() || !is_mac(slot_mac(keyring, slot), slot.mac())) {
    throw damaged("whose MAC does not verify");
  }
  for (const v1::KeySlotExtension& extension : file.extensions()) {
    append_extension(keyring, slot, extension, keys);
  }
  return keyring;
}

}  // namespace garner::crypto
