// What notifications have still to tell, and how their deliveries go.
//
// An event is queued in the change of the catalog that makes it happen, so that a crash neither loses nor
// doubles it. It leaves the queue after it was delivered: a crash between tells it again, never not at all.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "catalog/catalog_file.h"
#include "catalog/notification_table.h"

namespace garner::catalog {

struct QueuedEvent {
  std::int64_t id = 0;  // grows
  NotificationEvent event = NotificationEvent::kFailure;
  std::string set;                  // empty where it concerns none
  std::optional<std::int64_t> run;  // its number
  std::string text;                 // a sentence for people
  TimePoint time;
};

// Of one notification.
struct DeliveryState {
  std::uint64_t waiting = 0;    // events
  std::uint64_t delivered = 0;  // messages
  std::uint64_t given_up = 0;   // events that were never told
  std::uint32_t attempts = 0;   // failed ones of what waits
  std::optional<TimePoint> last_delivered;
  std::optional<TimePoint> next_attempt;  // none: at once
  std::string last_error;                 // of the last attempt, if that failed
};

// Any thread. Changes are durable when they return.
class DeliveryTable {
 public:
  // A notification that cannot be reached for long keeps the newest.
  static constexpr std::uint64_t kMostQueued = 1000;

  explicit DeliveryTable(CatalogFile& file) : file_(file) {}

  DeliveryState state(const std::string& notification);
  // Oldest first.
  std::vector<QueuedEvent> queued(const std::string& notification, std::uint64_t limit);

  // A message was delivered: events up to `last` leave the queue.
  void note_delivered(const std::string& notification, std::int64_t last, TimePoint now);
  // An attempt failed; the next one is not before `next`.
  void note_failed(const std::string& notification, const std::string& error, TimePoint next);
  // Events up to `last` leave the queue untold; how many these were.
  std::uint64_t give_up(const std::string& notification, std::int64_t last, const std::string& error);

  // Within the change that makes it happen: queued for every notification that wants to hear of it.
  static void queue(Database& database, const QueuedEvent& event);

  // What is in trouble: it failed, had errors, or is overdue, and has not been clean since.
  struct Trouble {
    bool overdue_told = false;
  };
  std::optional<Trouble> trouble_of(const std::string& subject);
  // Within a change.
  static std::optional<Trouble> trouble(Database& database, const std::string& subject);
  static void set_trouble(Database& database, const std::string& subject, Trouble trouble);
  static void clear_trouble(Database& database, const std::string& subject);

  // A change of the catalog that consists of events.
  void change(const std::function<void(Database&)>& work) { file_.change(work); }

 private:
  CatalogFile& file_;
};

}  // namespace garner::catalog
