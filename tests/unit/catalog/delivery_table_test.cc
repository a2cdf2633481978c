#include <catch2/catch.hpp>

#include "base/error.h"
#include "support.h"

namespace garner::catalog {
namespace {

Notification hook(const std::string& name, NotificationEvents events, std::vector<std::string> sets = {}) {
  Notification one;
  one.name = name;
  one.target = "https://example.org";
  one.events = events;
  one.sets = std::move(sets);
  return one;
}

void queue(Catalog& catalog, NotificationEvent event, const std::string& set, const std::string& text) {
  catalog.deliveries().change([&](Database& database) {
    DeliveryTable::queue(database, {0, event, set, std::int64_t{3}, text, kNow});
  });
}

constexpr NotificationEvents kFailures = bit(NotificationEvent::kFailure);

TEST_CASE("an event waits for whoever wants to hear of it, and in order, also after a restart") {
  StateFolder state;
  {
    Catalog catalog = state.open();
    catalog.notifications().add(hook("all", kFailures | bit(NotificationEvent::kSuccess)));
    catalog.notifications().add(hook("failures", kFailures));
    catalog.notifications().add(hook("home", kFailures, {"home"}));
    queue(catalog, NotificationEvent::kFailure, "home", "one");
    queue(catalog, NotificationEvent::kSuccess, "home", "two");
    queue(catalog, NotificationEvent::kFailure, "docs", "three");
    queue(catalog, NotificationEvent::kFailure, "", "four");
  }
  Catalog catalog = state.open();
  const auto texts = [&](const std::string& name) {
    std::vector<std::string> all;
    for (const QueuedEvent& event : catalog.deliveries().queued(name, 100)) all.push_back(event.text);
    return all;
  };
  CHECK(texts("all") == std::vector<std::string>{"one", "two", "three", "four"});
  CHECK(texts("failures") == std::vector<std::string>{"one", "three", "four"});
  CHECK(texts("home") == std::vector<std::string>{"one"});
  CHECK(texts("other").empty());
  const QueuedEvent first = catalog.deliveries().queued("all", 1).at(0);
  CHECK(first.event == NotificationEvent::kFailure);
  CHECK(first.set == "home");
  CHECK(first.run == 3);
  CHECK(first.time == kNow);
}

TEST_CASE("a notification that is replaced has still to tell what waits") {
  StateFolder state;
  Catalog catalog = state.open();
  catalog.notifications().add(hook("ops", kFailures, {"home", "docs"}));
  queue(catalog, NotificationEvent::kFailure, "home", "one");
  Notification changed = hook("ops", bit(NotificationEvent::kSuccess), {"mail"});
  changed.kind = NotificationKind::kCommand;
  changed.target = "logger";
  catalog.notifications().replace(changed);
  CHECK(catalog.notifications().all() == std::vector<Notification>{changed});
  CHECK(catalog.deliveries().queued("ops", 10).size() == 1);
  try {
    catalog.notifications().replace(hook("other", kFailures));
    FAIL("replaced what is not there");
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::kNotFound);
  }
  CHECK(catalog.notifications().all().size() == 1);
}

TEST_CASE("what is delivered leaves the queue, what fails stays, what is given up is counted") {
  StateFolder state;
  Catalog catalog = state.open();
  DeliveryTable& deliveries = catalog.deliveries();
  catalog.notifications().add(hook("ops", kFailures));
  CHECK(deliveries.state("ops").waiting == 0);
  for (const char* text : {"one", "two", "three"}) queue(catalog, NotificationEvent::kFailure, "home", text);
  const auto events = deliveries.queued("ops", 100);

  deliveries.note_failed("ops", "it answers 500", shifted(kNow, 5'000'000'000));
  deliveries.note_failed("ops", "it answers 501", shifted(kNow, 15'000'000'000));
  DeliveryState now = deliveries.state("ops");
  CHECK(now.waiting == 3);
  CHECK(now.attempts == 2);
  CHECK(now.last_error == "it answers 501");
  CHECK(now.next_attempt == shifted(kNow, 15'000'000'000));

  deliveries.note_delivered("ops", events[0].id, kNow);
  now = deliveries.state("ops");
  CHECK(now.waiting == 2);
  CHECK(now.delivered == 1);
  CHECK(now.attempts == 0);
  CHECK(now.last_error.empty());
  CHECK_FALSE(now.next_attempt.has_value());
  CHECK(now.last_delivered == kNow);

  CHECK(deliveries.give_up("ops", events[2].id, "gone") == 2);
  now = deliveries.state("ops");
  CHECK(now.waiting == 0);
  CHECK(now.given_up == 2);
  CHECK(now.last_error == "gone");

  // A later event is a later one, whatever left the queue.
  queue(catalog, NotificationEvent::kFailure, "home", "four");
  CHECK(deliveries.queued("ops", 1).at(0).id > events[2].id);
  catalog.notifications().remove("ops");
  CHECK(deliveries.queued("ops", 1).empty());
  CHECK(deliveries.state("ops").given_up == 0);
  // A delivery that ends after the removal leaves nothing.
  deliveries.note_delivered("ops", 100, kNow);
  CHECK(deliveries.state("ops").delivered == 0);
}

TEST_CASE("a queue that is full keeps the newest") {
  StateFolder state;
  Catalog catalog = state.open();
  catalog.notifications().add(hook("ops", kFailures));
  catalog.deliveries().change([&](Database& database) {
    for (std::uint64_t i = 0; i < DeliveryTable::kMostQueued + 3; ++i)
      DeliveryTable::queue(database, {0, NotificationEvent::kFailure, "home", {}, std::to_string(i), kNow});
  });
  CHECK(catalog.deliveries().state("ops").waiting == DeliveryTable::kMostQueued);
  CHECK(catalog.deliveries().state("ops").given_up == 3);
  CHECK(catalog.deliveries().queued("ops", 1).at(0).text == "3");
}

TEST_CASE("an event that is queued in a change that fails never was") {
  StateFolder state;
  Catalog catalog = state.open();
  catalog.notifications().add(hook("ops", kFailures));
  CHECK_THROWS_AS(catalog.deliveries().change([&](Database& database) {
    DeliveryTable::queue(database, {0, NotificationEvent::kFailure, "home", {}, "one", kNow});
    throw Error(ErrorKind::kInternal, "as asked");
  }),
                  Error);
  CHECK(catalog.deliveries().state("ops").waiting == 0);
}

TEST_CASE("trouble is remembered until it is over") {
  StateFolder state;
  {
    Catalog catalog = state.open();
    CHECK_FALSE(catalog.deliveries().trouble_of("set home").has_value());
    catalog.deliveries().change(
        [](Database& database) { DeliveryTable::set_trouble(database, "set home", {true}); });
  }
  Catalog catalog = state.open();
  REQUIRE(catalog.deliveries().trouble_of("set home").has_value());
  CHECK(catalog.deliveries().trouble_of("set home")->overdue_told);
  catalog.deliveries().change([](Database& database) { DeliveryTable::clear_trouble(database, "set home"); });
  CHECK_FALSE(catalog.deliveries().trouble_of("set home").has_value());
}

}  // namespace
}  // namespace garner::catalog
