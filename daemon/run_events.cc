#include "run_events.h"

#include <algorithm>
#include <array>

#include "base/error.h"
#include "run_message.h"
#include "stored_request.h"

namespace garner::daemon {

namespace {

using catalog::DeliveryTable;
using catalog::NotificationEvent;
using catalog::RunKind;
using catalog::RunRow;
using catalog::RunState;

constexpr std::array kEvents{NotificationEvent::kStart,   NotificationEvent::kSuccess,
                             NotificationEvent::kErrors,  NotificationEvent::kFailure,
                             NotificationEvent::kOverdue, NotificationEvent::kRecovery};

std::string subject_of_set(const std::string& set) { return "set " + set; }

// What a run is about: a set, or destinations.
std::vector<std::string> objects_of(const RunRow& row) {
  if (row.kind == RunKind::kBackup) return {row.set};
  try {
    return decode_request(row.request).destinations;
  } catch (const Error&) {
    return {};  // a request that cannot be read costs the names
  }
}

// "backup of", "copy to"
std::string about(const RunRow& row) {
  return describe(row.kind) + std::string(row.kind == RunKind::kCopy ? " to " : " of ");
}

std::string event_title(const RunRow& row) {
  std::string objects;
  for (const std::string& one : objects_of(row)) objects += (objects.empty() ? "" : ", ") + one;
  std::string text = objects.empty() ? describe(row.kind) : about(row) + objects;
  text.front() = static_cast<char>(text.front() - 'a' + 'A');
  return text;
}

std::vector<std::string> subjects_of(const RunRow& row) {
  std::vector<std::string> subjects;
  for (const std::string& one : objects_of(row))
    subjects.push_back(row.kind == RunKind::kBackup ? subject_of_set(one) : about(row) + one);
  if (subjects.empty()) subjects.emplace_back(describe(row.kind));
  return subjects;
}

std::string counted(std::uint64_t count, const std::string& one, const std::string& many) {
  return std::to_string(count) + " " + (count == 1 ? one : many);
}

std::uint64_t problems_of(const v1::Run& run) {
  return run.has_check() ? run.check().problem_count() : run.prune().problem_count();
}

bool has_errors(const v1::Run& run) {
  return run.error_count() > 0 || run.incomplete() ||
         std::any_of(run.destinations().begin(), run.destinations().end(),
                     [](const v1::DestinationRun& one) { return !one.error().empty(); });
}

class Recording {
 public:
  Recording(catalog::Database& database, const RunRow& row, TimePoint now)
      : database_(database), row_(row), now_(now), subjects_(subjects_of(row)) {}

  void record() {
    if (row_.kind == RunKind::kRestore) return;
    if (row_.state == RunState::kRunning && row_.attempts == 1 && row_.kind == RunKind::kBackup)
      return tell(NotificationEvent::kStart, event_title(row_) + " has begun");
    if (row_.state == RunState::kFailed)
      return tell_trouble(NotificationEvent::kFailure, event_title(row_) + " failed: " + row_.message);
    if (row_.state != RunState::kFinished) return;
    const v1::Run run = to_message(row_);
    if (run.damage_found()) {
      return tell_trouble(NotificationEvent::kFailure, event_title(row_) + " found damage: " +
                                                           counted(problems_of(run), "problem", "problems"));
    }
    if (has_errors(run)) {
      const std::string what = run.error_count() > 0 ? "with " + counted(run.error_count(), "error", "errors")
                                                     : std::string("incompletely");
      return tell_trouble(NotificationEvent::kErrors, event_title(row_) + " finished " + what);
    }
    if (clear_troubles()) {
      tell(NotificationEvent::kRecovery, event_title(row_) + " is well again: it finished without errors");
    }
    if (row_.kind == RunKind::kBackup)
      tell(NotificationEvent::kSuccess, event_title(row_) + " finished without errors");
  }

 private:
  void tell(NotificationEvent event, const std::string& text) {
    DeliveryTable::queue(database_, {0, event, row_.kind == RunKind::kBackup ? row_.set : std::string(),
                                     row_.number, text, now_});
  }
  void tell_trouble(NotificationEvent event, const std::string& text) {
    tell(event, text);
    for (const std::string& subject : subjects_) {
      DeliveryTable::set_trouble(
          database_, subject, DeliveryTable::trouble(database_, subject).value_or(DeliveryTable::Trouble{}));
    }
  }
  bool clear_troubles() {
    bool any = false;
    for (const std::string& subject : subjects_) {
      any = any || DeliveryTable::trouble(database_, subject).has_value();
      DeliveryTable::clear_trouble(database_, subject);
    }
    return any;
  }

  catalog::Database& database_;
  const RunRow& row_;
  const TimePoint now_;
  const std::vector<std::string> subjects_;
};

}  // namespace

void record_run(catalog::Database& database, const RunRow& row, TimePoint now) {
  Recording(database, row, now).record();
}

bool record_overdue(catalog::Catalog& catalog, const std::vector<OverdueSet>& overdue,
                    const std::vector<std::string>& sets, TimePoint now) {
  const auto is_overdue = [&](const std::string& set) {
    return std::any_of(overdue.begin(), overdue.end(),
                       [&](const OverdueSet& one) { return one.name == set; });
  };
  // Looked at without a change first, for most looks find nothing new.
  std::vector<OverdueSet> fresh;
  std::vector<std::string> over;
  for (const std::string& set : sets) {
    const auto trouble = catalog.deliveries().trouble_of(subject_of_set(set));
    const bool told = trouble.has_value() && trouble->overdue_told;
    if (told && !is_overdue(set)) over.push_back(set);
    if (told || !is_overdue(set)) continue;
    fresh.push_back(*std::find_if(overdue.begin(), overdue.end(),
                                  [&](const OverdueSet& one) { return one.name == set; }));
  }
  if (fresh.empty() && over.empty()) return false;
  catalog.deliveries().change([&](catalog::Database& database) {
    for (const OverdueSet& set : fresh) {
      // Another look may have been quicker.
      if (DeliveryTable::trouble(database, subject_of_set(set.name))
              .value_or(DeliveryTable::Trouble{})
              .overdue_told)
        continue;
      DeliveryTable::queue(database, {0, NotificationEvent::kOverdue, set.name, std::nullopt, set.text, now});
      DeliveryTable::set_trouble(database, subject_of_set(set.name), {true});
    }
    // It is allowed to wait for longer now; it has recovered when a backup is clean.
    for (const std::string& set : over) {
      if (DeliveryTable::trouble(database, subject_of_set(set)).has_value())
        DeliveryTable::set_trouble(database, subject_of_set(set), {false});
    }
  });
  return !fresh.empty();
}

std::string name_of(NotificationEvent event) {
  switch (event) {
    case NotificationEvent::kStart:
      return "start";
    case NotificationEvent::kSuccess:
      return "success";
    case NotificationEvent::kErrors:
      return "errors";
    case NotificationEvent::kFailure:
      return "failure";
    case NotificationEvent::kOverdue:
      return "overdue";
    case NotificationEvent::kRecovery:
      return "recovery";
  }
  return "unknown";
}

NotificationEvent event_named(const std::string& name) {
  std::string all;
  for (const NotificationEvent event : kEvents) {
    if (name_of(event) == name) return event;
    all += (all.empty() ? "" : ", ") + name_of(event);
  }
  throw Error(ErrorKind::kInvalidInput, "there is no event '" + printable(name) + "'; there are: " + all);
}

std::vector<NotificationEvent> events_in(catalog::NotificationEvents events) {
  std::vector<NotificationEvent> all;
  for (const NotificationEvent event : kEvents) {
    if ((events & catalog::bit(event)) != 0) all.push_back(event);
  }
  return all;
}

}  // namespace garner::daemon
