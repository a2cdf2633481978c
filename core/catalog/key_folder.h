// The folder of keys: everything on this machine that cannot be rebuilt from a destination. Mode 0700, files
// 0600.
//
//   keyring-<uuid>            a keyring: its epochs' master keys
//   keyring-<uuid>.next       the same with the epoch of a key rotation that is not finished
//   slots-<uuid>              the keyring's slots as last seen: sealed, what a further destination is given
//   installation              which keyring destinations share by default
//   writer                    this installation's signing key
//   pin-<uuid>                what was last seen of a repository
//   destination-<name>        a destination's facts: from these a lost catalog is rebuilt
//   catalog-stamp             how far the catalog has come: tells a catalog that was put back from a copy
//
// Each file is a magic number, its kind, a payload, and the BLAKE3 of these; it is replaced whole and
// durably. Methods may be called from any thread. They throw Error(kDamaged) naming the file for one that
// does not verify.
#pragma once

#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/uuid.h"
#include "crypto/keyring.h"
#include "crypto/signing.h"
#include "destination/place.h"
#include "garner/v1/store.pb.h"
#include "store/pin.h"

namespace garner::catalog {

struct DestinationFacts {
  std::string name;
  std::string url;
  Uuid repository;
  bool encrypted = true;
  Uuid keyring;
  destination::PlaceOptions options = {};  // how the url is reached
};

struct CatalogStamp {
  Uuid catalog;
  std::uint64_t changes = 0;  // of configuration and of runs' states
  std::uint64_t next_run_number = 1;
};

class KeyFolder final : public store::PinStore {
 public:
  // Makes the folder when it is missing. Error(kPermissionDenied) for one that others may enter.
  explicit KeyFolder(std::string folder);

  // Nothing when it is not here. The caller passes Keyring::unencrypted() around itself: it is never stored.
  std::optional<crypto::Keyring> keyring(const Uuid& id) const;
  // Keeps what is here when that has more epochs.
  void save_keyring(const crypto::Keyring& keyring);
  std::optional<crypto::Keyring> unfinished_rotation(const Uuid& id) const;
  void begin_rotation(const crypto::Keyring& next);
  // Makes the unfinished rotation's keyring the keyring.
  void finish_rotation(const Uuid& id);
  std::vector<Uuid> unfinished_rotations() const;

  std::vector<store::v1::KeySlotFile> slots(const Uuid& keyring) const;
  void save_slots(const Uuid& keyring, const std::vector<store::v1::KeySlotFile>& slots);

  std::optional<Uuid> installation() const;
  void set_installation(const Uuid& keyring);

  // Made at the first call.
  crypto::WriterKey writer();

  std::optional<store::Pin> load(const Uuid& repository) override;
  void save(const store::Pin& pin) override;
  void remove_pin(const Uuid& repository);

  std::vector<DestinationFacts> destinations() const;
  void save_destination(const DestinationFacts& facts);
  void remove_destination(const std::string& name);

  std::optional<CatalogStamp> stamp() const;
  void save_stamp(const CatalogStamp& stamp);

 private:
  enum class FileKind : std::uint8_t {
    kKeyring = 1,
    kInstallation = 2,
    kWriter = 3,
    kPin = 4,
    kDestination = 5,
    kStamp = 6,
    kSlots = 7,
  };
  std::string path(const std::string& name) const { return folder_ + "/" + name; }
  std::vector<std::string> names(const std::string& prefix) const;
  std::optional<crypto::Keyring> read_keyring(const std::string& name) const;
  std::optional<Bytes> read(const std::string& name, FileKind kind) const;
  void write(const std::string& name, FileKind kind, ByteView payload);

  std::string folder_;
  mutable std::mutex mutex_;
};

}  // namespace garner::catalog
