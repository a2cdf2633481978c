#include "place_option.h"

#include <catch2/catch.hpp>

#include "destination_text.h"
#include "failure.h"
#include "run_summary.h"

namespace garner::client {
namespace {

// The options with values as the command line would set them.
struct GivenPlace {
  explicit GivenPlace(bool edit = false) { place.add_to(options, edit); }
  void set(const std::string& name, const std::string& value) {
    for (Option& option : options) {
      if (option.names == name) *std::get<std::optional<std::string>*>(option.target) = value;
    }
  }
  PlaceOptions place;
  std::vector<Option> options;
};

TEST_CASE("how a store is reached is sent by name, with whole paths") {
  GivenPlace given;
  CHECK(given.place.change().empty());
  given.set("--region", "eu-west-1");
  given.set("--access-keys", "keys");
  given.set("--ca-file", "/etc/../etc/ca.pem");
  auto change = given.place.change();
  CHECK(change.at("region") == "eu-west-1");
  CHECK(change.at("access-keys").starts_with('/'));
  CHECK(change.at("access-keys").ends_with("/keys"));
  CHECK(change.at("ca-file") == "/etc/ca.pem");
  for (const char* source : {"environment", "systemd:cloud"}) {
    given.set("--access-keys", source);
    CHECK(given.place.change().at("access-keys") == source);
  }
  given.set("--access-keys", "./environment");
  CHECK(given.place.change().at("access-keys").ends_with("/environment"));
}

TEST_CASE("how a server is reached is sent by name, with whole paths") {
  GivenPlace given;
  given.set("--ssh-key", "id_ed25519");
  given.set("--ssh-passphrase-file", "agent");
  given.set("--known-hosts", "/etc//garner/known_hosts");
  auto change = given.place.change();
  CHECK(change.size() == 3);
  CHECK(change.at("ssh-key").starts_with('/'));
  CHECK(change.at("ssh-key").ends_with("/id_ed25519"));
  CHECK(change.at("ssh-passphrase-file").ends_with("/agent"));
  CHECK(change.at("known-hosts") == "/etc/garner/known_hosts");
  given.set("--ssh-key", "agent");
  given.set("--ssh-passphrase-file", "systemd:passphrase");
  change = given.place.change();
  CHECK(change.at("ssh-key") == "agent");
  CHECK(change.at("ssh-passphrase-file") == "systemd:passphrase");
  given.set("--ssh-key", "default");
  CHECK(given.place.change().at("ssh-key").empty());
}

TEST_CASE("what was set for a store is taken away by 'default'") {
  GivenPlace given(/*edit=*/true);
  given.set("--region", "default");
  given.set("--access-keys", "default");
  CHECK(given.place.change() == std::map<std::string, std::string>{{"access-keys", ""}, {"region", ""}});
  given.set("--region", "");
  CHECK_THROWS_AS(given.place.change(), Failure);
  // Who writes is told by `destination claim`.
  for (const Option& option : given.options) CHECK(option.names != "--single-writer");
}

TEST_CASE("requests are told in a run's summary, and of a destination") {
  v1::Run run;
  run.set_kind(v1::RUN_KIND_CHECK);
  run.set_state(v1::RUN_STATE_FINISHED);
  CHECK(summary(run, Terminal()).find("requests") == std::string::npos);
  v1::DestinationRequests& one = *run.add_requests();
  one.set_destination("cloud");
  one.mutable_requests()->set_puts(1200);
  one.mutable_requests()->set_sent_bytes(48 << 20);
  CHECK(
      summary(run, Terminal()).find("requests to cloud: 1,200 PUT, 0 GET, 0 LIST, 0 DELETE; 48.0 MiB sent") !=
      std::string::npos);
  // Kinds that few places have are told where there are any.
  one.mutable_requests()->set_parts(12);
  one.mutable_requests()->set_heads(3);
  CHECK(summary(run, Terminal()).find("1,200 PUT, 12 PART, 0 GET, 3 HEAD, 0 LIST, 0 DELETE") !=
        std::string::npos);
}

TEST_CASE("a test of a destination is told step by step, and what came of it") {
  v1::TestStep step;
  step.set_name("exclusive creation");
  step.set_outcome(v1::TEST_OUTCOME_GOOD);
  CHECK(test_step_text(step, Terminal()) == "exclusive creation  ok\n");
  step.set_outcome(v1::TEST_OUTCOME_BAD);
  step.set_detail("two have it\x1b[1m");
  CHECK(test_step_text(step, Terminal()) == "exclusive creation  FAILED  two have it\\x1b[1m\n");
  step.set_outcome(v1::TEST_OUTCOME_WARNING);
  CHECK(test_step_text(step, Terminal()).find(" note ") != std::string::npos);
  v1::DestinationTest test;
  test.set_destination("cloud");
  CHECK(test_summary(test, Terminal()) == "Destination cloud does not do what garner relies on.\n");
  test.set_passed(true);
  test.mutable_requests()->set_puts(17);
  CHECK(test_summary(test, Terminal()) ==
        "Destination cloud does what garner relies on.\n"
        "Requests of this test: 17 PUT, 0 GET, 0 LIST, 0 DELETE; 0 B sent, 0 B received\n");
}

}  // namespace
}  // namespace garner::client
