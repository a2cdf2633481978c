#include "store/key_store.h"

#include "store/pack.h"
#include "store/repository_header.h"
#include "support/memory_destination.h"
#include "support/random_packs.h"
#include "support/store_fixture.h"

using namespace garner;
using namespace garner::store;
using namespace garner::testing;

namespace {

constexpr crypto::Argon2Cost kCheap{1, 8192};

crypto::Credential password(std::string_view text) {
  return {v1::SLOT_TYPE_PASSWORD, crypto::Secret(as_bytes(text))};
}

crypto::Credential recovery(const crypto::Secret& key) { return {v1::SLOT_TYPE_RECOVERY, key.copy()}; }

bool same_keys(const crypto::Keyring& a, const crypto::Keyring& b) {
  return a.current_epoch() == b.current_epoch() && a.id() == b.id() &&
         crypto::equal_constant_time(a.epochs().back().master.view(), b.epochs().back().master.view());
}

std::string slot_text(const v1::KeySlot& slot) { return Uuid::from_bytes(as_bytes(slot.id())).text(); }

// A repository with a password and a recovery key.
struct KeyStoreFixture {
  CryptoReady ready;
  MemoryDestination destination;
  crypto::Keyring keyring = crypto::Keyring::generate({5, 0});
  crypto::Secret recovery_key = crypto::generate_recovery_key();
  v1::KeySlot password_slot;
  v1::KeySlot recovery_key_slot;

  KeyStoreFixture() {
    password_slot = crypto::make_slot(keyring, password("open sesame"), "mine", {10, 0}, kCheap);
    recovery_key_slot = crypto::make_slot(keyring, recovery(recovery_key), "printed", {11, 0});
    add_slot(destination, password_slot);
    add_slot(destination, recovery_key_slot);
    create_header(destination, Uuid::random(), keyring, {12, 0});
  }

  // As `key rotate` does.
  void rotate() {
    keyring.rotate({20, 0});
    for (const v1::KeySlotFile& file : list_slots(destination)) {
      add_extension(destination, crypto::make_extension(keyring, file));
    }
  }

  // A pack whose header carries the recovery slot.
  void put_pack() {
    const TemporaryFolder folder;
    PackContext context;
    context.keyring = &keyring;
    context.writer = Uuid::random();
    context.recovery_slot = recovery_slot(destination, keyring);
    PackWriter writer(folder.path("pack"), context, PackKind::kData);
    FrameCodec codec;
    writer.append(codec.encode(as_bytes("x")), 1, {{crypto::BlobId{}, crypto::BlobKind::kData, 1}});
    const FinishedPack pack = writer.finish();
    destination.put_file(pack_key(pack.name), folder.path("pack"));
  }

  void lose_keys() {
    for (const auto& object : destination.list("keys/", "")) destination.remove(object.key);
  }
};

}  // namespace

TEST_CASE("slots are listed by uuid, and each is stored once") {
  KeyStoreFixture fixture;
  const std::vector<v1::KeySlotFile> slots = list_slots(fixture.destination);
  REQUIRE(slots.size() == 2);
  CHECK(slots[0].slot().id() < slots[1].slot().id());
  CHECK(kind_of([&] { add_slot(fixture.destination, fixture.password_slot); }) == ErrorKind::kAlreadyExists);
}

TEST_CASE("a password and a recovery key open the keyring; others do not") {
  KeyStoreFixture fixture;
  CHECK(same_keys(open_with(fixture.destination, password("open sesame")), fixture.keyring));
  CHECK(same_keys(open_with(fixture.destination, recovery(fixture.recovery_key)), fixture.keyring));
  CHECK(kind_of([&] { open_with(fixture.destination, password("open barley")); }) == ErrorKind::kWrongKey);
  CHECK(kind_of([&] { open_with(fixture.destination, recovery(crypto::generate_recovery_key())); }) ==
        ErrorKind::kWrongKey);
  const crypto::Credential key_file{v1::SLOT_TYPE_KEY_FILE, crypto::random_secret(64)};
  CHECK(kind_of([&] { open_with(fixture.destination, key_file); }) == ErrorKind::kWrongKey);
}

TEST_CASE("after rotations every slot opens every epoch") {
  KeyStoreFixture fixture;
  fixture.rotate();
  fixture.rotate();
  const crypto::Keyring opened = open_with(fixture.destination, password("open sesame"));
  CHECK(opened.current_epoch() == 3);
  CHECK(same_keys(opened, fixture.keyring));
  CHECK(same_keys(open_with(fixture.destination, recovery(fixture.recovery_key)), fixture.keyring));
}

TEST_CASE("a slot of another keyring is passed over") {
  KeyStoreFixture fixture;
  // What an attempt to make a repository here left before, with the same password.
  const crypto::Keyring other = crypto::Keyring::generate({5, 0});
  for (int i = 0; i < 4; ++i) {
    add_slot(fixture.destination, crypto::make_slot(other, password("open sesame"), "old", {1, 0}, kCheap));
  }
  CHECK(same_keys(open_with(fixture.destination, password("open sesame")), fixture.keyring));
}

TEST_CASE("when keys/ is lost the recovery key finds its slot in a pack, with its extensions") {
  KeyStoreFixture fixture;
  fixture.put_pack();
  fixture.rotate();
  fixture.put_pack();
  fixture.lose_keys();
  CHECK(kind_of([&] { open_with(fixture.destination, password("open sesame")); }) == ErrorKind::kWrongKey);
  const crypto::Keyring opened = open_with(fixture.destination, recovery(fixture.recovery_key));
  CHECK(opened.id() == fixture.keyring.id());
  CHECK(kind_of([&] { open_with(fixture.destination, recovery(crypto::generate_recovery_key())); }) ==
        ErrorKind::kWrongKey);
}

TEST_CASE("of the recovery slots in packs the one that opens most epochs counts") {
  KeyStoreFixture fixture;
  fixture.put_pack();
  fixture.rotate();
  fixture.put_pack();
  fixture.lose_keys();
  CHECK(same_keys(open_with(fixture.destination, recovery(fixture.recovery_key)), fixture.keyring));
}

TEST_CASE("a damaged slot does not keep the others from opening, and is named by a listing") {
  KeyStoreFixture fixture;
  const std::string damaged_key = slot_key(Uuid::from_bytes(as_bytes(fixture.recovery_key_slot.id())));
  fixture.destination.object(damaged_key) = Bytes{0xff, 0xff, 0xff};
  CHECK(same_keys(open_with(fixture.destination, password("open sesame")), fixture.keyring));
  try {
    list_slots(fixture.destination);
    FAIL("a damaged slot was listed");
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::kDamaged);
    CHECK(std::string(error.what()).find(damaged_key) != std::string::npos);
    CHECK(std::string(error.what()).find(slot_text(fixture.password_slot)) != std::string::npos);
  }
  CHECK(kind_of([&] { open_with(fixture.destination, recovery(fixture.recovery_key)); }) ==
        ErrorKind::kDamaged);
}

TEST_CASE("no truncated or changed slot opens another keyring or crashes") {
  KeyStoreFixture fixture;
  const std::string key = slot_key(Uuid::from_bytes(as_bytes(fixture.recovery_key_slot.id())));
  Bytes& object = fixture.destination.object(key);
  const Bytes original = object;
  auto opens_no_other = [&] {
    try {
      return same_keys(open_with(fixture.destination, recovery(fixture.recovery_key)), fixture.keyring);
    } catch (const Error& error) {
      return error.kind() == ErrorKind::kDamaged || error.kind() == ErrorKind::kWrongKey;
    }
  };
  for (std::size_t size = 0; size < original.size(); size += 7) {
    CAPTURE(size);
    object.assign(original.begin(), original.begin() + static_cast<std::ptrdiff_t>(size));
    REQUIRE(opens_no_other());
  }
  for (std::size_t bit = 0; bit < original.size() * 8; bit += 5) {
    CAPTURE(bit);
    object = original;
    object[bit / 8] = static_cast<std::uint8_t>(object[bit / 8] ^ (1u << (bit % 8)));
    REQUIRE(opens_no_other());
  }
}

TEST_CASE("a slot is removed by a prefix of its id, with its extensions, but not the last one") {
  KeyStoreFixture fixture;
  fixture.rotate();
  const std::string id = slot_text(fixture.password_slot);
  CHECK(kind_of([&] { remove_slot(fixture.destination, id.substr(0, 3)); }) == ErrorKind::kInvalidInput);
  CHECK(kind_of([&] { remove_slot(fixture.destination, "xyzw"); }) == ErrorKind::kInvalidInput);
  std::string upper = id.substr(0, 12);
  for (char& character : upper) {
    if (character >= 'a') character = static_cast<char>(character - 'a' + 'A');
  }
  remove_slot(fixture.destination, upper);
  CHECK(list_slots(fixture.destination).size() == 1);
  CHECK(fixture.destination.list("keys/", "").size() == 2);
  CHECK(kind_of([&] { remove_slot(fixture.destination, id); }) == ErrorKind::kNotFound);
  CHECK(kind_of([&] { remove_slot(fixture.destination, slot_text(fixture.recovery_key_slot)); }) ==
        ErrorKind::kConflict);
  CHECK(kind_of([&] { open_with(fixture.destination, password("open sesame")); }) == ErrorKind::kWrongKey);
}

TEST_CASE("a damaged slot can be removed, and does not count as one that is left") {
  KeyStoreFixture fixture;
  fixture.destination.object(slot_key(Uuid::from_bytes(as_bytes(fixture.recovery_key_slot.id())))) =
      Bytes{0xff};
  CHECK(kind_of([&] { remove_slot(fixture.destination, slot_text(fixture.password_slot)); }) ==
        ErrorKind::kConflict);
  remove_slot(fixture.destination, slot_text(fixture.recovery_key_slot));
  CHECK(list_slots(fixture.destination).size() == 1);
}

TEST_CASE("an extension that a removed slot left opens nothing and hides nothing") {
  KeyStoreFixture fixture;
  fixture.rotate();
  fixture.destination.remove(slot_key(Uuid::from_bytes(as_bytes(fixture.password_slot.id()))));
  CHECK(list_slots(fixture.destination).size() == 1);
  CHECK(same_keys(open_with(fixture.destination, recovery(fixture.recovery_key)), fixture.keyring));
}

TEST_CASE("a slot that a thief of the password has left opens what comes until it is removed") {
  KeyStoreFixture fixture;
  const crypto::Keyring stolen = open_with(fixture.destination, password("open sesame"));
  const v1::KeySlot left = crypto::make_slot(stolen, password("thief"), "mine", {10, 0}, kCheap);
  add_slot(fixture.destination, left);
  CHECK(list_slots(fixture.destination).size() == 3);
  CHECK_NOTHROW(verify_slots(fixture.destination, fixture.keyring));
  fixture.rotate();
  CHECK(same_keys(open_with(fixture.destination, password("thief")), fixture.keyring));

  remove_slot(fixture.destination, slot_text(left));
  fixture.rotate();
  CHECK(kind_of([&] { open_with(fixture.destination, password("thief")); }) == ErrorKind::kWrongKey);
  // Put back it opens what it did when it was made, is told of, and gets nothing more.
  add_slot(fixture.destination, left);
  CHECK(open_with(fixture.destination, password("thief")).current_epoch() == 1);
  CHECK(kind_of([&] { verify_slots(fixture.destination, fixture.keyring); }) == ErrorKind::kDamaged);
  CHECK(kind_of([&] { fixture.rotate(); }) == ErrorKind::kDamaged);
}

TEST_CASE("keys that a thief of the password made up are believed by nobody who has had the true ones") {
  KeyStoreFixture fixture;
  crypto::Keyring stolen = open_with(fixture.destination, password("open sesame"));
  const std::vector<v1::KeySlotFile> before = list_slots(fixture.destination);
  fixture.rotate();
  // In the place of the true extensions.
  stolen.rotate({20, 0});
  for (const v1::KeySlotFile& file : before) {
    fixture.destination.remove(extension_key(Uuid::from_bytes(as_bytes(file.slot().id())), 2));
    add_extension(fixture.destination, crypto::make_extension(stolen, file));
  }
  CHECK(kind_of([&] { verify_slots(fixture.destination, fixture.keyring); }) == ErrorKind::kDamaged);
  CHECK(kind_of([&] { fixture.rotate(); }) == ErrorKind::kDamaged);
  // Who opens it for the first time cannot tell.
  CHECK(same_keys(open_with(fixture.destination, password("open sesame")), stolen));
}

TEST_CASE("an extension that does not follow on is told of, for its slot does not open") {
  KeyStoreFixture fixture;
  v1::KeySlotExtension planted;
  planted.set_slot(fixture.recovery_key_slot.id());
  planted.set_epoch(1);
  add_extension(fixture.destination, planted);
  CHECK(kind_of([&] { open_with(fixture.destination, recovery(fixture.recovery_key)); }) ==
        ErrorKind::kDamaged);
  CHECK(kind_of([&] { verify_slots(fixture.destination, fixture.keyring); }) == ErrorKind::kDamaged);
  CHECK(recovery_slot(fixture.destination, fixture.keyring).empty());
}

TEST_CASE("packs carry the newest recovery slot") {
  KeyStoreFixture fixture;
  v1::KeySlotFile file;
  const Bytes first = recovery_slot(fixture.destination, fixture.keyring);
  REQUIRE(file.ParseFromArray(first.data(), static_cast<int>(first.size())));
  CHECK(file.slot().id() == fixture.recovery_key_slot.id());

  const crypto::Secret key = crypto::generate_recovery_key();
  const v1::KeySlot newer = crypto::make_slot(fixture.keyring, recovery(key), "again", {99, 0});
  add_slot(fixture.destination, newer);
  fixture.rotate();
  const Bytes second = recovery_slot(fixture.destination, fixture.keyring);
  REQUIRE(file.ParseFromArray(second.data(), static_cast<int>(second.size())));
  CHECK(file.slot().id() == newer.id());
  CHECK(file.extensions_size() == 1);

  // Not one that somebody else put there, nor what he put beside a true one.
  const crypto::Keyring other = crypto::Keyring::generate({5, 0});
  add_slot(fixture.destination, crypto::make_slot(other, recovery(key), "planted", {999, 0}));
  v1::KeySlotExtension garbage;
  garbage.set_slot(newer.id());
  garbage.set_epoch(3);
  add_extension(fixture.destination, garbage);
  CHECK(recovery_slot(fixture.destination, fixture.keyring) == second);

  MemoryDestination without;
  CHECK(recovery_slot(without, fixture.keyring).empty());
}
