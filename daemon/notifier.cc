#include "notifier.h"

#include <spdlog/spdlog.h>

#include <algorithm>

#include "base/error.h"
#include "notification_text.h"
#include "run_message.h"

namespace garner::daemon {

namespace {

constexpr unsigned kThreads = 3;
// After trouble with the catalog.
constexpr std::chrono::seconds kHold{30};

std::chrono::seconds between(TimePoint earlier, TimePoint later) {
  return std::chrono::seconds(later.seconds - earlier.seconds);
}

}  // namespace

Notifier::Notifier(catalog::Catalog& catalog, const Clock& clock, std::string host, Deliver deliver)
    : catalog_(catalog),
      clock_(clock),
      host_(std::move(host)),
      deliver_(deliver ? std::move(deliver)
                       : [](const catalog::Notification& notification, const v1::NotificationMessage& message,
                            const std::stop_token& stop) {
                           return garner::daemon::deliver(notification, message, DeliveryLimits{}, stop);
                         }) {}

Notifier::~Notifier() {
  stop();
  for (std::thread& thread : threads_) thread.join();
}

void Notifier::start() {
  for (unsigned i = 0; i < kThreads; ++i) threads_.emplace_back([this] { work(); });
}

void Notifier::stop() {
  stop_.request_stop();
  const std::lock_guard lock(mutex_);
  wake_.notify_all();
}

void Notifier::poke() {
  const std::lock_guard lock(mutex_);
  ++pokes_;
  // All: whoever takes the first notification may hang in it, and the others have what waits for more.
  wake_.notify_all();
}

void Notifier::work() {
  std::unique_lock lock(mutex_);
  while (!stop_.stop_requested()) {
    const std::uint64_t seen = pokes_;
    Next found;
    try {
      found = next();
    } catch (const Error& error) {
      spdlog::error("looking for what is to be told: {}", error.what());
      found.wake = clock_.steady() + kHold;
    }
    if (found.name.empty()) {
      const auto changed = [&] { return stop_.stop_requested() || pokes_ != seen; };
      if (found.wake.has_value()) {
        wake_.wait_for(lock, std::max(*found.wake - clock_.steady(), MessageRate::Time::duration(0)),
                       changed);
      } else {
        wake_.wait(lock, changed);
      }
      continue;
    }
    busy_.insert(found.name);
    const unsigned available = rates_[found.name].available(clock_.steady());
    rates_[found.name].take(clock_.steady());
    lock.unlock();
    bool failed = false;
    try {
      attempt(found.name, available);
    } catch (const std::exception& error) {
      spdlog::error("notification {}: {}", found.name, error.what());
      failed = true;
    }
    lock.lock();
    busy_.erase(found.name);
    if (failed) held_[found.name] = clock_.steady() + kHold;
    // The others may wait for what this one knew.
    ++pokes_;
    wake_.notify_all();
  }
}

Notifier::Next Notifier::next() {
  Next next;
  const auto steady = clock_.steady();
  const TimePoint now = clock_.now();
  const auto wake_by = [&](MessageRate::Time time) { next.wake = std::min(next.wake.value_or(time), time); };
  for (const catalog::Notification& one : catalog_.notifications().all()) {
    if (busy_.contains(one.name)) continue;
    const catalog::DeliveryState state = catalog_.deliveries().state(one.name);
    if (state.waiting == 0) continue;
    if (const auto held = held_.find(one.name); held != held_.end() && held->second > steady) {
      wake_by(held->second);
      continue;
    }
    // Nothing waits for longer than it was told to: a clock that was set back does not hold it up for years.
    const std::chrono::seconds left =
        state.next_attempt ? between(now, *state.next_attempt) : std::chrono::seconds(0);
    if (left > std::chrono::seconds(0) && left <= std::chrono::hours(1)) {
      wake_by(steady + left);
      continue;
    }
    MessageRate& rate = rates_[one.name];
    if (rate.available(steady) == 0) {
      wake_by(rate.next());
      continue;
    }
    next.name = one.name;
    return next;
  }
  return next;
}

v1::NotificationMessage Notifier::message_of(const std::string& name,
                                             const std::vector<catalog::QueuedEvent>& events) {
  return compose(name, events, host_, [this](std::int64_t number) -> std::optional<v1::Run> {
    const std::optional<catalog::RunRow> row = catalog_.runs().find(number);
    if (!row.has_value()) return std::nullopt;
    v1::Run run = to_message(*row);
    add_errors(run, catalog_.runs().errors(number, kErrorsInMessage));
    return run;
  });
}

void Notifier::attempt(const std::string& name, unsigned available) {
  const std::optional<catalog::Notification> notification = catalog_.notifications().find(name);
  if (!notification.has_value()) return;
  std::vector<catalog::QueuedEvent> events =
      catalog_.deliveries().queued(name, catalog::DeliveryTable::kMostQueued);
  if (events.empty()) return;
  std::int64_t told = 0;
  {
    const std::lock_guard lock(mutex_);
    told = told_[name];
  }
  if (events.front().id <= told) return note_delivered(name, told);
  if (events.size() <= available) events.resize(1);
  const Outcome outcome = deliver_(*notification, message_of(name, events), stop_.get_token());
  if (outcome.delivered()) {
    {
      const std::lock_guard lock(mutex_);
      told_[name] = events.back().id;
    }
    spdlog::info("notification {}: told of {} event{}", name, events.size(), events.size() == 1 ? "" : "s");
    return note_delivered(name, events.back().id);
  }
  // A message that was cut off by the stop is no failure of the target.
  if (!stop_.stop_requested()) note_failed(name, events, outcome);
}

void Notifier::note_delivered(const std::string& name, std::int64_t last) {
  catalog_.deliveries().note_delivered(name, last, clock_.now());
}

void Notifier::note_failed(const std::string& name, const std::vector<catalog::QueuedEvent>& events,
                           const Outcome& outcome) {
  const TimePoint now = clock_.now();
  const std::uint32_t attempts = catalog_.deliveries().state(name).attempts + 1;
  if (is_given_up(attempts, between(events.front().time, now))) {
    const std::uint64_t lost = catalog_.deliveries().give_up(name, events.back().id, outcome.error);
    spdlog::error("notification {}: {} event{} could not be told in {} attempts and are given up: {}", name,
                  lost, lost == 1 ? "" : "s", attempts, outcome.error);
    return;
  }
  const std::chrono::seconds pause =
      std::max(pause_after(attempts), std::min(outcome.retry_after, pause_after(UINT32_MAX)));
  catalog_.deliveries().note_failed(name, outcome.error, {now.seconds + pause.count(), now.nanos});
  spdlog::warn("notification {}: attempt {} failed, the next one is in {} s: {}", name, attempts,
               pause.count(), outcome.error);
}

Outcome Notifier::test(const std::string& name) {
  const std::optional<catalog::Notification> notification = catalog_.notifications().find(name);
  if (!notification.has_value())
    throw Error(ErrorKind::kNotFound, "there is no notification '" + printable(name) + "'");
  const Outcome outcome = deliver_(*notification, compose_test(name, host_, clock_.now()), stop_.get_token());
  if (outcome.delivered()) {
    // It can be reached: what waits need not wait any longer.
    note_delivered(name, 0);
    poke();
  }
  return outcome;
}

}  // namespace garner::daemon
