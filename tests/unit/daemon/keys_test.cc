#include "keys.h"

#include "installation.h"
#include "store/key_store.h"

namespace garner::daemon {
namespace {

namespace fs = std::filesystem;

v1::AddKeyResponse add_password(Installation& here, const std::string& password) {
  v1::AddKeyRequest request;
  request.mutable_secret()->set_password(password);
  request.set_label("mine");
  return add_key(here.destinations, request);
}

TEST_CASE("keys are added, listed and removed, but for the last") {
  const testing::TemporaryFolder folder;
  Installation here(folder.path("state"));
  here.add("disk", folder.path("disk"));
  const auto added = add_password(here, "secret");
  CHECK(added.key().label() == "mine");
  CHECK(added.key().type() == "password");
  CHECK(added.recovery_key().empty());
  const auto listed = list_keys(here.destinations, {});
  REQUIRE(listed.keys_size() == 2);
  CHECK(listed.epoch() == 1);
  CHECK_NOTHROW(Installation(folder.path("b")).add("disk", folder.path("disk"), with_password("secret")));

  v1::RemoveKeyRequest removal;
  removal.set_id(added.key().id().substr(0, 8));
  remove_key(here.destinations, removal);
  CHECK(kind_of([&] {
          Installation(folder.path("c")).add("disk", folder.path("disk"), with_password("secret"));
        }) == ErrorKind::kWrongKey);
  removal.set_id(list_keys(here.destinations, {}).keys(0).id());
  CHECK(kind_of([&] { remove_key(here.destinations, removal); }) == ErrorKind::kConflict);
}

TEST_CASE("an exported key file and a further recovery key open the repository") {
  const testing::TemporaryFolder folder;
  Installation here(folder.path("state"));
  here.add("disk", folder.path("disk"));
  const std::string key_file = export_key(here.destinations, {}).key_file();
  CHECK_NOTHROW(Installation(folder.path("b"))
                    .add("disk", folder.path("disk"), [&](v1::AddDestinationRequest& request) {
                      request.mutable_secret()->set_key_file(key_file);
                    }));
  const auto recovery = add_key(here.destinations, {});
  CHECK_NOTHROW(Installation(folder.path("c"))
                    .add("disk", folder.path("disk"), with_recovery_key(recovery.recovery_key())));
}

TEST_CASE("with several destinations one must be named") {
  const testing::TemporaryFolder folder;
  Installation here(folder.path("state"));
  CHECK(kind_of([&] { list_keys(here.destinations, {}); }) == ErrorKind::kInvalidInput);
  here.add("one", folder.path("one"));
  here.add("two", folder.path("two"));
  CHECK(kind_of([&] { list_keys(here.destinations, {}); }) == ErrorKind::kInvalidInput);
  v1::ListKeysRequest request;
  request.set_destination("two");
  CHECK(list_keys(here.destinations, request).keys_size() == 1);
}

TEST_CASE("a rotation reaches every destination of the keyring, and old secrets open the new epoch") {
  const testing::TemporaryFolder folder;
  Installation here(folder.path("state"));
  const std::string recovery_key = here.add("one", folder.path("one")).recovery_key();
  here.add("two", folder.path("two"));
  here.add("own", folder.path("own"), with_password("other"));
  v1::RotateKeyRequest request;
  request.set_destination("one");
  const auto rotated = rotate_key(here.destinations, request);
  CHECK(rotated.epoch() == 2);
  CHECK(rotated.destinations_size() == 2);
  CHECK(here.destinations.open("one")->keyring().current_epoch() == 2);
  CHECK(here.destinations.open("two")->keyring().current_epoch() == 2);
  CHECK(here.destinations.open("own")->keyring().current_epoch() == 1);
  CHECK(here.keys.unfinished_rotations().empty());
  CHECK(rotate_key(here.destinations, request).epoch() == 3);

  Installation elsewhere(folder.path("elsewhere"));
  CHECK(elsewhere.add("two", folder.path("two"), with_recovery_key(recovery_key)).destination().key_epoch() ==
        3);
  // A destination that is added afterwards opens with the old secret as well.
  here.add("late", folder.path("late"));
  CHECK(
      elsewhere.add("late", folder.path("late"), with_recovery_key(recovery_key)).destination().key_epoch() ==
      3);
}

TEST_CASE("a rotation waits for every destination, and is finished when all are there") {
  const testing::TemporaryFolder folder;
  std::string recovery_key;
  {
    Installation here(folder.path("state"));
    recovery_key = here.add("one", folder.path("one")).recovery_key();
    here.add("two", folder.path("two"));
    here.destinations.close("two");
    fs::rename(folder.path("two"), folder.path("away"));
    v1::RotateKeyRequest request;
    request.set_destination("one");
    CHECK(kind_of([&] { rotate_key(here.destinations, request); }) == ErrorKind::kDestinationAway);
    CHECK(here.destinations.open("one")->keyring().current_epoch() == 1);
    CHECK(here.keys.unfinished_rotations().size() == 1);
  }
  // The next start.
  Installation here(folder.path("state"));
  CHECK(kind_of([&] { finish_rotations(here.destinations); }) == ErrorKind::kDestinationAway);
  fs::rename(folder.path("away"), folder.path("two"));
  finish_rotations(here.destinations);
  CHECK(here.destinations.open("two")->keyring().current_epoch() == 2);
  CHECK(here.keys.unfinished_rotations().empty());
  Installation elsewhere(folder.path("elsewhere"));
  CHECK(elsewhere.add("one", folder.path("one"), with_recovery_key(recovery_key)).destination().key_epoch() ==
        2);
}

TEST_CASE("a slot that lost its extension is named by a rotation, which goes on when it is removed") {
  const testing::TemporaryFolder folder;
  Installation here(folder.path("state"));
  here.add("disk", folder.path("disk"));
  const Uuid id = Uuid::from_bytes(from_hex(add_password(here, "secret").key().id()));
  REQUIRE(rotate_key(here.destinations, {}).epoch() == 2);
  REQUIRE(fs::remove(folder.path("disk/" + store::extension_key(id, 2))));
  try {
    rotate_key(here.destinations, {});
    FAIL("a slot that opens nothing of what is written now was rotated");
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::kDamaged);
    CHECK(std::string(error.what()).starts_with(store::slot_key(id) + ": a key slot that has nothing for"));
  }
  CHECK(here.destinations.open("disk")->keyring().current_epoch() == 2);
  v1::RemoveKeyRequest removal;
  removal.set_id(id.text());
  remove_key(here.destinations, removal);
  CHECK(rotate_key(here.destinations, {}).epoch() == 3);
}

TEST_CASE("what somebody put in the place of the next extension is no earlier attempt at a rotation") {
  const testing::TemporaryFolder folder;
  Installation here(folder.path("state"));
  here.add("disk", folder.path("disk"));
  const auto place = here.destinations.open("disk");
  store::v1::KeySlotExtension planted;
  planted.set_slot(store::list_slots(place->destination()).at(0).slot().id());
  planted.set_epoch(2);
  store::add_extension(place->destination(), planted);
  CHECK(kind_of([&] { rotate_key(here.destinations, {}); }) == ErrorKind::kDamaged);
  CHECK(place->keyring().current_epoch() == 1);
}

TEST_CASE("an unencrypted repository has no keys") {
  const testing::TemporaryFolder folder;
  Installation here(folder.path("state"));
  here.add("open", folder.path("open"),
           [](v1::AddDestinationRequest& request) { request.set_no_encryption(true); });
  CHECK(kind_of([&] { list_keys(here.destinations, {}); }) == ErrorKind::kConflict);
}

}  // namespace
}  // namespace garner::daemon
