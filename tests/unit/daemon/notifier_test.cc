// The notifier with targets that answer by script; its pauses are the rules', tested by themselves.
#include "notifier.h"

#include "installation.h"
#include "support/eventually.h"

namespace garner::daemon {
namespace {

using namespace std::chrono_literals;
using catalog::NotificationEvent;

TEST_CASE("five messages at once, then one a minute") {
  MessageRate rate;
  MessageRate::Time now{1h};
  for (unsigned left = MessageRate::kBurst; left > 0; --left) {
    CHECK(rate.available(now) == left);
    rate.take(now);
    now += 1s;
  }
  CHECK(rate.available(now) == 0);
  CHECK(rate.next() == MessageRate::Time{1h} + 60s);
  now = rate.next();
  CHECK(rate.available(now) == 1);
  rate.take(now);
  CHECK(rate.available(now + 59s) == 0);
  CHECK(rate.available(now + 121s) == 2);
  CHECK(rate.available(now + 24h) == MessageRate::kBurst);
  rate.take(now + 24h);
  CHECK(rate.available(now + 24h) == MessageRate::kBurst - 1);
}

TEST_CASE("attempts come later and later, and end") {
  CHECK(pause_after(0) == 0s);
  CHECK(pause_after(1) == 5s);
  CHECK(pause_after(2) == 10s);
  CHECK(pause_after(10) == 2560s);
  CHECK(pause_after(11) == 3600s);
  CHECK(pause_after(UINT32_MAX) == 3600s);
  CHECK_FALSE(is_given_up(19, 23h));
  CHECK(is_given_up(20, 1h));
  CHECK(is_given_up(3, 25h));
  CHECK_FALSE(is_given_up(2, 1000h));
}

class TestClock final : public Clock {
 public:
  TimePoint now() const override {
    const std::lock_guard lock(mutex_);
    return now_;
  }
  std::chrono::steady_clock::time_point steady() const override { return std::chrono::steady_clock::now(); }
  void set(TimePoint time) {
    const std::lock_guard lock(mutex_);
    now_ = time;
  }

 private:
  mutable std::mutex mutex_;
  TimePoint now_{1'800'000'000, 0};
};

// A target that answers as it is told, and keeps what it was sent.
struct Target {
  std::mutex mutex;
  std::condition_variable changed;
  std::vector<v1::NotificationMessage> got;
  std::string error;
  bool hangs = false;

  Outcome take(const v1::NotificationMessage& message, const std::stop_token& stop) {
    std::unique_lock lock(mutex);
    got.push_back(message);
    changed.notify_all();
    while (hangs && !stop.stop_requested()) changed.wait_for(lock, 10ms);
    return {error};
  }
  bool wait_for(std::size_t count) {
    std::unique_lock lock(mutex);
    return changed.wait_for(lock, garner::testing::kPatience, [&] { return got.size() >= count; });
  }
};

struct NotifyingMachine {
  NotifyingMachine() : here(folder.path("state")) {}
  ~NotifyingMachine() { end(); }

  void add(const std::string& name) {
    catalog::Notification one;
    one.name = name;
    one.target = "https://example.org";
    one.events = 63;
    here.catalog.notifications().add(one);
  }
  void queue(const std::string& text) {
    here.catalog.deliveries().change([&](catalog::Database& database) {
      catalog::DeliveryTable::queue(database,
                                    {0, NotificationEvent::kFailure, "home", {}, text, clock.now()});
    });
    if (notifier) notifier->poke();
  }
  void begin() {
    notifier = std::make_unique<Notifier>(
        here.catalog, clock, "host",
        [this](const catalog::Notification& to, const v1::NotificationMessage& message,
               const std::stop_token& stop) { return targets.at(to.name).take(message, stop); });
    notifier->start();
  }
  void end() { notifier.reset(); }
  catalog::DeliveryState state(const std::string& name) { return here.catalog.deliveries().state(name); }
  bool comes_to(const std::function<bool()>& what) {
    for (int i = 0; i < 3000; ++i) {
      if (what()) return true;
      std::this_thread::sleep_for(10ms);
    }
    return false;
  }

  testing::TemporaryFolder folder;
  Installation here;
  TestClock clock;
  std::map<std::string, Target> targets;
  std::unique_ptr<Notifier> notifier;
};

TEST_CASE("what was queued before the start and what comes later is told, in order") {
  NotifyingMachine machine;
  machine.add("a");
  machine.targets["a"];
  machine.queue("one");
  machine.begin();
  REQUIRE(machine.targets["a"].wait_for(1));
  REQUIRE(machine.comes_to([&] { return machine.state("a").waiting == 0; }));
  machine.queue("two");
  REQUIRE(machine.targets["a"].wait_for(2));
  REQUIRE(machine.comes_to([&] { return machine.state("a").delivered == 2; }));
  CHECK(machine.targets["a"].got[0].text() == "one");
  CHECK(machine.targets["a"].got[1].text() == "two");
  CHECK(machine.targets["a"].got[1].notification() == "a");
}

TEST_CASE("a target that hangs holds up no other, and is told again by the next process") {
  NotifyingMachine machine;
  for (const char* name : {"a", "b"}) {
    machine.add(name);
    machine.targets[name];
  }
  machine.targets["a"].hangs = true;
  machine.targets["a"].error = "cut off";
  machine.begin();
  machine.queue("one");
  REQUIRE(machine.targets["b"].wait_for(1));
  REQUIRE(machine.targets["a"].wait_for(1));
  machine.end();
  // The stop is no failure of the target.
  CHECK(machine.state("a").waiting == 1);
  CHECK(machine.state("a").attempts == 0);
  machine.targets["a"].hangs = false;
  machine.targets["a"].error.clear();
  machine.begin();
  REQUIRE(machine.targets["a"].wait_for(2));
  CHECK(machine.comes_to([&] { return machine.state("a").waiting == 0; }));
  CHECK(machine.targets["b"].got.size() == 1);
}

TEST_CASE("a target that fails is tried later, and the status knows why") {
  NotifyingMachine machine;
  machine.add("a");
  machine.targets["a"].error = "it answers 500";
  machine.begin();
  machine.queue("one");
  REQUIRE(machine.comes_to([&] { return machine.state("a").attempts == 1; }));
  CHECK(machine.state("a").last_error == "it answers 500");
  CHECK(machine.state("a").next_attempt == TimePoint{1'800'000'005, 0});
  {
    const std::lock_guard lock(machine.targets["a"].mutex);
    machine.targets["a"].error.clear();
  }
  machine.clock.set({1'800'000'005, 0});
  machine.notifier->poke();
  REQUIRE(machine.comes_to([&] { return machine.state("a").delivered == 1; }));
  CHECK(machine.state("a").last_error.empty());
}

TEST_CASE("what nobody takes for a day is given up, and what comes after it is told") {
  NotifyingMachine machine;
  machine.add("a");
  machine.targets["a"].error = "it answers 500";
  machine.begin();
  machine.queue("one");
  for (std::uint32_t attempt = 1; attempt <= 2; ++attempt) {
    REQUIRE(machine.comes_to([&] { return machine.state("a").attempts == attempt; }));
    machine.clock.set(shifted(machine.clock.now(), 86'400'000'000'000));
    machine.notifier->poke();
  }
  REQUIRE(machine.comes_to([&] { return machine.state("a").given_up == 1; }));
  CHECK(machine.state("a").waiting == 0);
  CHECK(machine.state("a").last_error == "it answers 500");
  {
    const std::lock_guard lock(machine.targets["a"].mutex);
    machine.targets["a"].error.clear();
  }
  machine.queue("two");
  REQUIRE(machine.comes_to([&] { return machine.state("a").delivered == 1; }));
  CHECK(machine.targets["a"].got.back().text() == "two");
}

TEST_CASE("a clock that was set back does not hold up what waits") {
  NotifyingMachine machine;
  machine.add("a");
  machine.targets["a"];
  machine.queue("one");
  machine.here.catalog.deliveries().note_failed("a", "x", {1'900'000'000, 0});
  machine.begin();
  CHECK(machine.comes_to([&] { return machine.state("a").delivered == 1; }));
}

TEST_CASE("a burst is gathered into one summary") {
  NotifyingMachine machine;
  machine.add("a");
  machine.targets["a"];
  for (int i = 0; i < 8; ++i) machine.queue("event " + std::to_string(i));
  machine.begin();
  REQUIRE(machine.comes_to([&] { return machine.state("a").waiting == 0; }));
  CHECK(machine.state("a").delivered == 1);
  REQUIRE(machine.targets["a"].got.size() == 1);
  CHECK(machine.targets["a"].got[0].event() == "summary");
  CHECK(machine.targets["a"].got[0].events_size() == 8);
}

TEST_CASE("a test passes by the queue") {
  NotifyingMachine machine;
  machine.add("a");
  machine.targets["a"].error = "it answers 404";
  machine.begin();
  CHECK(machine.notifier->test("a").error == "it answers 404");
  CHECK(machine.targets["a"].got.at(0).event() == "test");
  CHECK(machine.state("a").attempts == 0);
  machine.queue("one");
  REQUIRE(machine.comes_to([&] { return machine.state("a").attempts == 1; }));
  {
    const std::lock_guard lock(machine.targets["a"].mutex);
    machine.targets["a"].error.clear();
  }
  // What waits does not wait any longer once a test was delivered.
  CHECK(machine.notifier->test("a").delivered());
  CHECK(machine.comes_to([&] { return machine.state("a").delivered == 2; }));
  CHECK(machine.state("a").waiting == 0);
  CHECK(kind_of([&] { machine.notifier->test("b"); }) == ErrorKind::kNotFound);
}

}  // namespace
}  // namespace garner::daemon
