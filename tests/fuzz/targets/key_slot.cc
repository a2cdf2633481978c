// Key slots as keys/ or a pack may hold them, and an epoch that is sealed to a slot by somebody who holds no
// key.
#include "crypto/key_slot.h"

#include <sodium.h>

#include "fuzz/fuzz.h"
#include "fuzz/keys.h"
#include "store/key_store.h"
#include "store/pack_layout.h"
#include "support/memory_destination.h"

namespace garner::fuzz {
namespace {

crypto::Credential credential() {
  return {store::v1::SLOT_TYPE_RECOVERY, crypto::Secret(as_bytes("the recovery key, of 32 bytes..."))};
}

const store::v1::KeySlot& slot() {
  static const store::v1::KeySlot made = crypto::make_slot(keyring(), credential(), "recovery", {1, 0});
  return made;
}

void open(testing::MemoryDestination& destination) {
  accepts([&] { store::list_slots(destination); });
  accepts([&] { store::open_with(destination, credential()); });
}

// Whoever reads a slot can seal to its public key: the proof is what stops him.
void open_extended(ByteView epoch) {
  store::v1::KeySlotFile file;
  *file.mutable_slot() = slot();
  store::v1::KeySlotExtension& extension = *file.add_extensions();
  extension.set_slot(slot().id());
  extension.set_epoch(2);
  std::string sealed(epoch.size() + crypto_box_SEALBYTES, '\0');
  crypto_box_seal(reinterpret_cast<unsigned char*>(sealed.data()), epoch.data(), epoch.size(),
                  reinterpret_cast<const unsigned char*>(slot().public_key().data()));
  extension.set_sealed_epoch(sealed);
  require(!accepts([&] { crypto::open_slot(file, credential()); }),
          "nobody adds an epoch without the key before");
}

Bytes pack_with_slot(ByteView recovery_slot) {
  ByteWriter pack;
  pack.bytes(as_bytes(store::kPackMagic));
  pack.u16(store::kPackVersion);
  pack.u8(1);
  pack.u8(store::kDerivedKey);
  pack.u32(1);
  pack.bytes(Bytes(32));
  pack.bytes(Bytes(store::kWrappedKeyField));
  pack.u16(static_cast<std::uint16_t>(recovery_slot.size()));
  pack.bytes(recovery_slot);
  pack.bytes(Bytes(70'000));
  return pack.take();
}

}  // namespace

void try_one(ByteView bytes) {
  keyring();
  Input input(bytes);
  const std::uint64_t where = input.number(1) % 4;
  if (where == 0) return open_extended(input.rest());
  testing::MemoryDestination destination;
  const Uuid id = Uuid::from_bytes(as_bytes("the slot's uuid."));
  if (where == 1) destination.put(store::slot_key(id), input.rest());
  if (where == 2) {
    store::v1::KeySlotFile file;
    *file.mutable_slot() = slot();
    destination.put(store::slot_key(Uuid::from_bytes(as_bytes(slot().id()))),
                    as_bytes(file.SerializeAsString()));
    destination.put(store::extension_key(Uuid::from_bytes(as_bytes(slot().id())), 2), input.rest());
  }
  if (where == 3) {
    destination.put("packs/00/" + std::string(64, '0'),
                    pack_with_slot(input.rest().first(std::min<std::size_t>(input.rest().size(), 32'000))));
  }
  open(destination);
}

}  // namespace garner::fuzz
