#include "destination/place.h"

#include <catch2/catch.hpp>

#include "base/error.h"
#include "destination/replaceable.h"
#include "support/error_kind.h"
#include "support/memory_destination.h"

namespace garner::destination {
namespace {

using testing::kind_of;

TEST_CASE("a URL names a kind of place, in one spelling") {
  CHECK(place_kind("/mnt/backup") == PlaceKind::kFolder);
  CHECK(place_kind("s3:https://host/bucket") == PlaceKind::kS3);
  CHECK(place_kind("sftp://host/backup") == PlaceKind::kSftp);
  CHECK(normal_url("/mnt//backup/") == "/mnt/backup");
  CHECK(normal_url("s3:https://HOST:443/bucket/a/") == "s3:https://host/bucket/a");
  CHECK(normal_url("sftp://ann@HOST:22//srv/backup/") == "sftp://ann@host/srv/backup");
  for (const char* url : {"", "backup", "sftp:host:/backup", "b2:bucket", "s3:bucket"}) {
    CAPTURE(url);
    CHECK(kind_of([&] { normal_url(url); }) == ErrorKind::kInvalidInput);
  }
}

TEST_CASE("options are those of the kind of place, and what they can be") {
  const std::string store = "s3:https://host/bucket";
  PlaceOptions options = changed(store, {}, {{"region", "eu-west-1"}, {"addressing", "virtual-host"}});
  options = changed(store, options,
                    {{"region", ""}, {"storage-class", "STANDARD_IA"}, {"access-keys", "/etc/keys"}});
  CHECK(options == PlaceOptions{{"access-keys", "/etc/keys"},
                                {"addressing", "virtual-host"},
                                {"storage-class", "STANDARD_IA"}});
  for (const PlaceOptions& wrong :
       {PlaceOptions{{"colour", "red"}}, PlaceOptions{{"region", "a b"}},
        PlaceOptions{{"region", std::string(65, 'a')}}, PlaceOptions{{"addressing", "somehow"}},
        PlaceOptions{{"storage-class", "GLACIER"}}, PlaceOptions{{"storage-class", "A\r\nB: c"}},
        PlaceOptions{{"access-keys", "keys"}}, PlaceOptions{{"ca-file", "ca.pem"}},
        PlaceOptions{{"single-writer", "maybe"}}}) {
    CAPTURE(wrong.begin()->first, wrong.begin()->second);
    CHECK(kind_of([&] { changed(store, {}, wrong); }) == ErrorKind::kInvalidInput);
  }
  CHECK(kind_of([] { changed("/mnt/backup", {}, {{"region", "eu"}}); }) == ErrorKind::kInvalidInput);

  const std::string server = "sftp://ann@host/backup";
  options = changed(server, {}, {{"ssh-key", "agent"}, {"known-hosts", "/etc/garner/known_hosts"}});
  options = changed(server, options, {{"ssh-key", "systemd:key"}, {"ssh-passphrase-file", "/etc/p"}});
  CHECK(options == PlaceOptions{{"known-hosts", "/etc/garner/known_hosts"},
                                {"ssh-key", "systemd:key"},
                                {"ssh-passphrase-file", "/etc/p"}});
  CHECK(changed(server, {{"ssh-key", "agent"}}, {{"ssh-key", ""}}).empty());
  for (const PlaceOptions& wrong :
       {PlaceOptions{{"region", "eu"}}, PlaceOptions{{"ssh-key", "id_ed25519"}},
        PlaceOptions{{"ssh-key", std::string("/a\0b", 4)}}, PlaceOptions{{"ssh-passphrase-file", "agent"}},
        PlaceOptions{{"ssh-passphrase-file", "open sesame"}}, PlaceOptions{{"known-hosts", "known_hosts"}},
        PlaceOptions{{"known-hosts", "systemd:hosts"}}}) {
    CAPTURE(wrong.begin()->first, wrong.begin()->second);
    CHECK(kind_of([&] { changed(server, {}, wrong); }) == ErrorKind::kInvalidInput);
  }
  CHECK(kind_of([&] { changed("/mnt/backup", {}, {{"ssh-key", "/key"}}); }) == ErrorKind::kInvalidInput);
  CHECK(kind_of([&] { changed(store, {}, {{"ssh-key", "/key"}}); }) == ErrorKind::kInvalidInput);
}

TEST_CASE("a place is opened by its URL and options") {
  CHECK(open_place("/mnt/backup", {}, {})->describe() == "/mnt/backup");
  CHECK(open_place("s3:https://host/bucket/a", {}, {})->describe() == "s3:https://host/bucket/a");
  CHECK_FALSE(open_place("s3:https://host/bucket", {}, {})->staging_folder());
  CHECK(open_place("s3:https://host/bucket", {}, {})->read_gap() > 0);
  CHECK(open_place("sftp://ann@host/backup", {}, {})->describe() == "sftp://ann@host/backup");
  CHECK_FALSE(open_place("sftp://ann@host/backup", {}, {})->staging_folder());
  CHECK(open_place("sftp://ann@host/backup", {}, {})->read_gap() > 0);
  CHECK(kind_of([] {
          open_place("sftp://host/backup", {{"ssh-key", "agent"}, {"ssh-passphrase-file", "/p"}}, {});
        }) == ErrorKind::kInvalidInput);
  CHECK(kind_of([] {
          open_place("s3:https://host/bucket", {{"ca-file", "/nowhere/ca.pem"}}, {});
        }) == ErrorKind::kDestinationAway);
}

TEST_CASE("a destination is replaced while it is used") {
  const auto first = std::make_shared<garner::testing::MemoryDestination>();
  const auto second = std::make_shared<garner::testing::MemoryDestination>();
  first->put("a", as_bytes("1"));
  second->put("a", as_bytes("2"));
  ReplaceableDestination place(first);
  CHECK(as_text(place.get_all("a", 10)) == "1");
  place.replace(second);
  CHECK(as_text(place.get_all("a", 10)) == "2");
}

}  // namespace
}  // namespace garner::destination
