#include "destination_add.h"

#include "installation.h"
#include "store/key_store.h"

namespace garner::daemon {
namespace {

namespace fs = std::filesystem;

TEST_CASE("the first destination makes the installation's keyring, and tells its recovery key once") {
  const testing::TemporaryFolder folder;
  Installation here(folder.path("state"));
  const auto first = here.add("one", folder.path("one"));
  CHECK(first.created());
  CHECK_FALSE(first.recovery_key().empty());
  CHECK(first.destination().state() == v1::DESTINATION_STATE_READY);
  CHECK(first.destination().encrypted());
  const auto second = here.add("two", folder.path("two"));
  CHECK(second.created());
  CHECK(second.recovery_key().empty());
  CHECK(second.destination().keyring_id() == first.destination().keyring_id());
  CHECK(second.destination().repository_id() != first.destination().repository_id());

  // The one recovery key opens both on a machine that has nothing.
  Installation elsewhere(folder.path("elsewhere"));
  for (const char* name : {"one", "two"}) {
    const auto opened = elsewhere.add(name, folder.path(name), with_recovery_key(first.recovery_key()));
    CHECK_FALSE(opened.created());
    CHECK(opened.destination().state() == v1::DESTINATION_STATE_READY);
  }
  // And what it opened is that installation's keyring from then on.
  CHECK(elsewhere.add("three", folder.path("three")).destination().keyring_id() ==
        first.destination().keyring_id());
}

TEST_CASE("a destination with its own password has its own keyring and recovery key") {
  const testing::TemporaryFolder folder;
  Installation here(folder.path("state"));
  const auto shared = here.add("shared", folder.path("shared"));
  const auto own = here.add("own", folder.path("own"), with_password("secret"));
  CHECK_FALSE(own.recovery_key().empty());
  CHECK(own.destination().keyring_id() != shared.destination().keyring_id());

  Installation elsewhere(folder.path("elsewhere"));
  CHECK(kind_of([&] { elsewhere.add("own", folder.path("own"), with_password("guess")); }) ==
        ErrorKind::kWrongKey);
  CHECK(kind_of([&] { elsewhere.add("own", folder.path("own")); }) == ErrorKind::kWrongKey);
  CHECK(kind_of([&] {
          elsewhere.add("own", folder.path("own"), with_recovery_key(shared.recovery_key()));
        }) == ErrorKind::kWrongKey);
  CHECK(elsewhere.catalog.configuration().destinations().empty());
  CHECK_FALSE(elsewhere.add("own", folder.path("own"), with_password("secret")).created());
}

TEST_CASE("sharing the keyring (--share-keyring) gives the installation's keyring a further secret") {
  const testing::TemporaryFolder folder;
  Installation here(folder.path("state"));
  const auto first = here.add("one", folder.path("one"));
  const auto second = here.add("two", folder.path("two"), [](v1::AddDestinationRequest& request) {
    request.mutable_secret()->set_password("secret");
    request.set_share_keyring(true);
  });
  CHECK(second.destination().keyring_id() == first.destination().keyring_id());
  Installation elsewhere(folder.path("elsewhere"));
  CHECK_NOTHROW(elsewhere.add("a", folder.path("two"), with_password("secret")));
  CHECK_NOTHROW(Installation(folder.path("third"))
                    .add("a", folder.path("two"), with_recovery_key(first.recovery_key())));
}

TEST_CASE("a folder that holds something else is left alone") {
  const testing::TemporaryFolder folder;
  Installation here(folder.path("state"));
  fs::create_directories(folder.path("full"));
  replace_file_durably(folder.path("full/Letter to Anna.txt"), as_bytes("Dear Anna"));
  CHECK(kind_of([&] { here.add("full", folder.path("full")); }) == ErrorKind::kNotARepository);
  CHECK(std::distance(fs::directory_iterator(folder.path("full")), fs::directory_iterator()) == 1);
  CHECK(here.catalog.configuration().destinations().empty());
}

TEST_CASE("an empty folder and a fresh file system are taken") {
  const testing::TemporaryFolder folder;
  Installation here(folder.path("state"));
  fs::create_directories(folder.path("disk/lost+found"));
  CHECK(here.add("disk", folder.path("disk")).created());
}

TEST_CASE("names, repositories and places are there once") {
  const testing::TemporaryFolder folder;
  Installation here(folder.path("state"));
  here.add("one", folder.path("one"));
  CHECK(kind_of([&] { here.add("one", folder.path("other")); }) == ErrorKind::kAlreadyExists);
  CHECK_FALSE(fs::exists(folder.path("other")));
  CHECK(kind_of([&] { here.add("two", folder.path("one")); }) == ErrorKind::kAlreadyExists);
  CHECK(kind_of([&] { here.add("a b", folder.path("x")); }) == ErrorKind::kInvalidInput);
  CHECK(kind_of([&] { here.add("s3", "s3://bucket/x"); }) == ErrorKind::kInvalidInput);
  CHECK(kind_of([&] { here.add("in", folder.path("state/repository")); }) == ErrorKind::kInvalidInput);
  CHECK(kind_of([&] { here.add("around", folder.path()); }) == ErrorKind::kInvalidInput);
}

TEST_CASE("without encryption only where both sides say so") {
  const testing::TemporaryFolder folder;
  Installation here(folder.path("state"));
  const auto open = [](v1::AddDestinationRequest& request) { request.set_no_encryption(true); };
  const auto added = here.add("open", folder.path("open"), open);
  CHECK(added.notices_size() == 1);
  CHECK_FALSE(added.destination().encrypted());
  here.add("closed", folder.path("closed"));
  Installation elsewhere(folder.path("elsewhere"));
  CHECK(kind_of([&] { elsewhere.add("a", folder.path("open")); }) == ErrorKind::kInvalidInput);
  CHECK(kind_of([&] { elsewhere.add("a", folder.path("closed"), open); }) == ErrorKind::kInvalidInput);
  CHECK_NOTHROW(elsewhere.add("a", folder.path("open"), open));
  CHECK(kind_of([&] {
          elsewhere.add("b", folder.path("b"), [](v1::AddDestinationRequest& request) {
            request.set_no_encryption(true);
            request.mutable_secret()->set_password("x");
          });
        }) == ErrorKind::kInvalidInput);
}

TEST_CASE("a repository without its log is added, and says that it needs repair") {
  const testing::TemporaryFolder folder;
  std::string recovery_key;
  {
    Installation here(folder.path("state"));
    recovery_key = here.add("one", folder.path("one")).recovery_key();
    // Something to repair from, or the place would be taken for a creation that was cut off.
    fs::create_directories(folder.path("one/packs/00"));
    replace_file_durably(folder.path("one/packs/00/" + std::string(64, '0')), as_bytes("a pack"));
  }
  for (const char* gone : {"log", "state", "index"}) fs::remove_all(folder.path("one/") + gone);
  Installation elsewhere(folder.path("elsewhere"));
  const auto added = elsewhere.add("one", folder.path("one"), with_recovery_key(recovery_key));
  CHECK(added.destination().state() == v1::DESTINATION_STATE_NEEDS_REPAIR);
  CHECK(added.notices_size() == 1);
  CHECK(added.notices(0).find("repair") != std::string::npos);
}

TEST_CASE("an empty folder in a repository's place is an unmounted disk, and stays empty") {
  const testing::TemporaryFolder folder;
  Installation here(folder.path("state"));
  here.add("disk", folder.path("disk"));
  here.destinations.close("disk");
  fs::rename(folder.path("disk"), folder.path("unmounted"));
  CHECK(here.destinations.look("disk").message.state() == v1::DESTINATION_STATE_AWAY);
  fs::create_directories(folder.path("disk"));
  CHECK(kind_of([&] { here.destinations.open("disk"); }) == ErrorKind::kDestinationAway);
  CHECK(here.destinations.look("disk").message.state() == v1::DESTINATION_STATE_AWAY);
  CHECK(fs::is_empty(folder.path("disk")));
  fs::remove(folder.path("disk"));
  fs::rename(folder.path("unmounted"), folder.path("disk"));
  CHECK(here.destinations.look("disk").message.state() == v1::DESTINATION_STATE_READY);
}

TEST_CASE("another repository in a repository's place is refused") {
  const testing::TemporaryFolder folder;
  Installation here(folder.path("state"));
  here.add("disk", folder.path("disk"));
  here.destinations.close("disk");
  Installation other(folder.path("other"));
  fs::rename(folder.path("disk"), folder.path("away"));
  other.add("disk", folder.path("disk"));
  CHECK(here.destinations.look("disk").message.state() == v1::DESTINATION_STATE_REFUSED);
}

}  // namespace
}  // namespace garner::daemon
