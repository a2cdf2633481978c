#include <catch2/catch.hpp>

#include "base/error.h"
#include "support.h"

namespace garner::catalog {
namespace {

Notification mail() {
  Notification one;
  one.name = "ops";
  one.kind = NotificationKind::kMail;
  one.target = "ops@example.org";
  one.smtp = "smtps://mail.example.org";
  one.sender = "garner@example.org";
  one.smtp_user = "garner";
  one.password = {0x70, 0x00, 0xff};
  one.ca_certificates = "PEM";
  one.plain_smtp = true;
  one.user = 1000;
  one.events = bit(NotificationEvent::kFailure) | bit(NotificationEvent::kRecovery);
  one.sets = {"docs", "home"};
  one.files = {"/etc/target", "/etc/headers", "/etc/password", "/etc/ca.pem"};
  return one;
}

TEST_CASE("a notification comes back as it was, after a restart, too") {
  StateFolder state;
  Notification hook;
  hook.name = "hook";
  hook.target = "https://example.org/?token=\"1\"";
  hook.headers = "Authorization: Bearer x\n";
  {
    Catalog catalog = state.open();
    catalog.notifications().add(mail());
    catalog.notifications().add(hook);
  }
  Catalog catalog = state.open();
  CHECK(catalog.notifications().all() == std::vector<Notification>{hook, mail()});
  CHECK(catalog.notifications().find("ops") == mail());
  CHECK_FALSE(catalog.notifications().find("other").has_value());
}

TEST_CASE("a name is taken once, and what is not there is not removed") {
  StateFolder state;
  Catalog catalog = state.open();
  catalog.notifications().add(mail());
  try {
    catalog.notifications().add(mail());
    FAIL("added twice");
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::kAlreadyExists);
  }
  catalog.notifications().remove("ops");
  CHECK(catalog.notifications().all().empty());
  try {
    catalog.notifications().remove("ops");
    FAIL("removed twice");
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::kNotFound);
  }
  // Its sets went with it.
  Notification everything = mail();
  everything.sets.clear();
  catalog.notifications().add(everything);
  CHECK(catalog.notifications().find("ops")->sets.empty());
}

}  // namespace
}  // namespace garner::catalog
