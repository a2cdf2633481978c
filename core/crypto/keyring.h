// The keyring of an installation: a list of epochs with a master key each. New writes are sealed under the
// newest epoch. Content ids and the gear table derive from the first, for they must not change with a
// rotation (all deduplication would be lost); they are only ever stored sealed. Unencrypted repositories use
// a keyring whose one master key is published: it finds accidents, not attackers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/uuid.h"
#include "crypto/secret.h"

namespace garner::store::v1 {
class Keyring;
}

namespace garner::crypto {

struct KeyEpoch {
  std::uint32_t number = 0;  // 1 for the first
  Secret master;             // 32 bytes
  TimePoint created;
};

// A serialized keyring that is longer is refused: room for more than 10,000 epochs.
inline constexpr std::size_t kMaximumKeyringSize = std::size_t{1} << 20;

// A value; const use is safe from any thread.
class Keyring {
 public:
  static Keyring generate(TimePoint now);
  // Its id is nil; it is neither serialized nor rotated. The master key: context::kUnencryptedSentence.
  static Keyring unencrypted();
  // Serialized garner.store.v1.Keyring, as serialize() gives. Throws Error(kDamaged) unless the epochs are 1,
  // 2, 3, … with 32-byte keys.
  static Keyring parse(ByteView serialized);
  Secret serialize() const;
  Keyring copy() const;

  const Uuid& id() const { return id_; }
  bool encrypted() const { return encrypted_; }
  std::uint32_t current_epoch() const { return static_cast<std::uint32_t>(epochs_.size()); }
  const std::vector<KeyEpoch>& epochs() const { return epochs_; }

  // A new epoch with a fresh key; returns its number. Throws Error(kInvalidInput) if it is not encrypted.
  std::uint32_t rotate(TimePoint now);
  // Appends an epoch made elsewhere. Throws Error(kInvalidInput) unless it is current_epoch() + 1.
  void append(KeyEpoch epoch);

  // BLAKE3 derive_key(context, the epoch's 32-byte master key), 32 bytes of output. `context` is one of
  // crypto/contexts.h. Throws Error(kWrongKey) for an epoch this keyring lacks.
  Secret derive(std::uint32_t epoch, std::string_view context) const;

 private:
  Keyring() = default;
  Uuid id_;
  bool encrypted_ = true;
  std::vector<KeyEpoch> epochs_;
};

}  // namespace garner::crypto
