#include "catalog/key_folder.h"

#include <sys/stat.h>

#include <catch2/catch.hpp>
#include <filesystem>

#include "base/error.h"
#include "support.h"

namespace garner::catalog {
namespace {

namespace fs = std::filesystem;

TEST_CASE("the folder and its files are for their owner alone") {
  StateFolder state;
  state.keys.save_keyring(crypto::Keyring::generate(kNow));
  state.keys.writer();
  CHECK(fs::status(state.folder.path("keys")).permissions() == fs::perms(0700));
  for (const auto& entry : fs::directory_iterator(state.folder.path("keys"))) {
    CHECK(entry.status().permissions() == fs::perms(0600));
  }
  fs::permissions(state.folder.path("keys"), fs::perms(0755));
  CHECK_THROWS_AS(KeyFolder(state.folder.path("keys")), Error);
}

TEST_CASE("a keyring comes back, and one with fewer epochs does not replace it") {
  StateFolder state;
  crypto::Keyring keyring = crypto::Keyring::generate(kNow);
  const crypto::Keyring first_epoch_only = keyring.copy();
  CHECK_FALSE(state.keys.keyring(keyring.id()).has_value());
  state.keys.save_keyring(keyring);
  keyring.rotate(kNow);
  state.keys.save_keyring(keyring);
  state.keys.save_keyring(first_epoch_only);
  const crypto::Keyring read = KeyFolder(state.folder.path("keys")).keyring(keyring.id()).value();
  CHECK(read.current_epoch() == 2);
  CHECK(crypto::equal_constant_time(read.derive(2, "test").view(), keyring.derive(2, "test").view()));
}

TEST_CASE("a rotation is begun, seen after a restart, and finished") {
  StateFolder state;
  crypto::Keyring keyring = crypto::Keyring::generate(kNow);
  state.keys.save_keyring(keyring);
  CHECK(state.keys.unfinished_rotations().empty());
  keyring.rotate(kNow);
  state.keys.begin_rotation(keyring);
  KeyFolder restarted(state.folder.path("keys"));
  CHECK(restarted.keyring(keyring.id())->current_epoch() == 1);
  CHECK(restarted.unfinished_rotations() == std::vector<Uuid>{keyring.id()});
  CHECK(restarted.unfinished_rotation(keyring.id())->current_epoch() == 2);
  restarted.finish_rotation(keyring.id());
  CHECK(restarted.keyring(keyring.id())->current_epoch() == 2);
  CHECK(restarted.unfinished_rotations().empty());
}

TEST_CASE("the writer is made once") {
  StateFolder state;
  const crypto::WriterKey first = state.keys.writer();
  const crypto::WriterKey second = KeyFolder(state.folder.path("keys")).writer();
  CHECK(first.uuid() == second.uuid());
  CHECK(first.public_key() == second.public_key());
}

TEST_CASE("pins, slots, the installation, destinations and the stamp come back") {
  StateFolder state;
  store::Pin pin;
  pin.repository = Uuid::random();
  pin.encrypted = false;
  pin.header_hash.fill(3);
  pin.log_uuid = Uuid::random();
  pin.generation = 0x1234'5678'9abc;
  pin.record_hash.fill(9);
  CHECK_FALSE(state.keys.load(pin.repository).has_value());
  state.keys.save(pin);
  const store::Pin read = state.keys.load(pin.repository).value();
  CHECK(read.repository == pin.repository);
  CHECK(read.encrypted == pin.encrypted);
  CHECK(read.header_hash == pin.header_hash);
  CHECK(read.log_uuid == pin.log_uuid);
  CHECK(read.generation == pin.generation);
  CHECK(read.record_hash == pin.record_hash);
  state.keys.remove_pin(pin.repository);
  CHECK_FALSE(state.keys.load(pin.repository).has_value());

  const Uuid keyring = Uuid::random();
  CHECK_FALSE(state.keys.installation().has_value());
  state.keys.set_installation(keyring);
  CHECK(state.keys.installation() == keyring);

  std::vector<store::v1::KeySlotFile> slots(2);
  slots[0].mutable_slot()->set_label("first");
  slots[1].add_extensions()->set_epoch(2);
  CHECK(state.keys.slots(keyring).empty());
  state.keys.save_slots(keyring, slots);
  REQUIRE(state.keys.slots(keyring).size() == 2);
  CHECK(state.keys.slots(keyring)[0].slot().label() == "first");
  CHECK(state.keys.slots(keyring)[1].extensions(0).epoch() == 2);

  const DestinationFacts facts = facts_of("a.0123456789ab.tm");
  state.keys.save_destination(facts);
  REQUIRE(state.keys.destinations().size() == 1);
  CHECK(state.keys.destinations()[0].name == facts.name);
  CHECK(state.keys.destinations()[0].url == facts.url);
  CHECK(state.keys.destinations()[0].repository == facts.repository);
  CHECK(state.keys.destinations()[0].encrypted == facts.encrypted);
  CHECK(state.keys.destinations()[0].keyring == facts.keyring);

  CHECK_FALSE(state.keys.stamp().has_value());
  state.keys.save_stamp({keyring, 5, 6});
  CHECK(state.keys.stamp()->catalog == keyring);
  CHECK(state.keys.stamp()->changes == 5);
  CHECK(state.keys.stamp()->next_run_number == 6);
}

TEST_CASE("what a crash left of a replacement is not a destination") {
  StateFolder state;
  state.keys.save_destination(facts_of("disk"));
  fs::copy(state.folder.path("keys/destination-disk"),
           state.folder.path("keys/destination-disk.0123456789ab.tmp"));
  CHECK(state.keys.destinations().size() == 1);
}

TEST_CASE("every truncation and every flipped bit is found, and the message names the file") {
  StateFolder state;
  const crypto::Keyring keyring = crypto::Keyring::generate(kNow);
  state.keys.save_keyring(keyring);
  const std::string path = state.folder.path("keys/keyring-" + keyring.id().text());
  const Bytes good = read_file(path, 10'000);
  const auto require_damaged = [&](const Bytes& content) {
    replace_file_durably(path, content);
    try {
      state.keys.keyring(keyring.id());
      FAIL("damage was not found");
    } catch (const Error& error) {
      CHECK(error.kind() == ErrorKind::kDamaged);
      CHECK(std::string(error.what()).find("keyring-") != std::string::npos);
    }
  };
  for (std::size_t size = 0; size < good.size(); size += 7) {
    require_damaged(Bytes(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(size)));
  }
  for (std::size_t at = 0; at < good.size(); at += 3) {
    Bytes flipped = good;
    flipped[at] ^= static_cast<std::uint8_t>(1u << (at % 8));
    require_damaged(flipped);
  }
}

TEST_CASE("a file of one kind is not taken for another") {
  StateFolder state;
  state.keys.set_installation(Uuid::random());
  fs::copy(state.folder.path("keys/installation"), state.folder.path("keys/writer"));
  CHECK_THROWS_AS(state.keys.writer(), Error);
}

}  // namespace
}  // namespace garner::catalog
