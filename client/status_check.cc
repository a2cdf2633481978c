#include "status_check.h"

#include <algorithm>

#include "destination_text.h"
#include "schedule_text.h"
#include "text.h"

namespace garner::client {
namespace {

constexpr std::int64_t kLongWait = 3600;  // seconds
constexpr std::int64_t kLongBehind = 7 * 24 * 3600;
constexpr std::size_t kMostTold = 10;

const char* word_of(CheckCode code) {
  switch (code) {
    case CheckCode::kWell:
      return "OK";
    case CheckCode::kWarning:
      return "WARNING";
    case CheckCode::kCritical:
      return "CRITICAL";
    default:
      return "UNKNOWN";
  }
}

// One line in which nothing is taken for the performance data's beginning.
std::string plain(const std::string& text) {
  std::string line = printable(text);
  std::replace(line.begin(), line.end(), '|', '/');
  return line;
}

std::string age_text(std::int64_t seconds) {
  if (seconds < 60) return "a minute";
  // Two units are enough.
  const std::uint64_t unit = seconds >= 86400 ? 3600 : 60;
  return duration_text(static_cast<std::uint64_t>(seconds) / unit * unit);
}

const char* reason_text(v1::PauseReason reason) {
  switch (reason) {
    case v1::PAUSE_REASON_DESTINATION_AWAY:
      return "its destination is away";
    case v1::PAUSE_REASON_DESTINATION_FULL:
      return "its destination is full";
    case v1::PAUSE_REASON_STATE_FULL:
      return "the disk of the daemon's state folder is full";
    default:
      return "somebody paused it";
  }
}

class Check {
 public:
  Check(const v1::Status& status, const std::vector<std::string>& sets, std::int64_t now)
      : status_(status), sets_(sets), now_(now) {}

  CheckResult result() {
    for (const std::string& name : sets_) {
      const auto& known = status_.sets();
      if (std::none_of(known.begin(), known.end(),
                       [&](const v1::SetStatus& set) { return set.name() == name; }))
        return check_failure(CheckCode::kUnknown, "there is no set " + name);
    }
    for (const v1::SetStatus& set : status_.sets()) {
      if (is_asked(set.name())) look_at(set);
    }
    for (const v1::Run& run : status_.active_runs()) look_at(run);
    for (const v1::Destination& one : status_.destinations()) {
      const auto& users = one.sets();
      if (sets_.empty() ||
          std::any_of(users.begin(), users.end(), [&](const auto& set) { return is_asked(set); }))
        look_at(one);
    }
    if (sets_.empty()) {
      for (const std::string& name : status_.undelivered())
        add(CheckCode::kWarning, "notification " + name + " cannot be delivered");
    }
    return {code_, line()};
  }

 private:
  bool is_asked(const std::string& set) const {
    return sets_.empty() || std::find(sets_.begin(), sets_.end(), set) != sets_.end();
  }

  void add(CheckCode code, const std::string& what) {
    (code == CheckCode::kCritical ? critical_ : warnings_).push_back(plain(what));
    code_ = std::max(code_, code);
  }

  void look_at(const v1::SetStatus& set) {
    ++count_;
    const v1::Run& last = set.last_ended();
    if (set.has_last_ended() && last.state() == v1::RUN_STATE_FAILED) {
      add(CheckCode::kCritical, "the last backup of " + set.name() + " failed (run " + last.run_id() + ")");
    } else if (set.has_last_ended() && (last.error_count() > 0 || last.incomplete())) {
      add(CheckCode::kWarning, "the last backup of " + set.name() + " had " +
                                   (last.error_count() > 0 ? plural(last.error_count(), "error", "errors")
                                                           : std::string("not everything")) +
                                   " (run " + last.run_id() + ")");
    } else if (!set.has_last_ended()) {
      add(CheckCode::kWarning, set.name() + " has no backup yet");
    }
    if (set.overdue()) add(CheckCode::kCritical, set.name() + " is overdue");
    for (const v1::SetDestination& one : set.destinations()) {
      const std::int64_t behind = now_ - one.behind_since().seconds();
      if (one.behind() && behind >= kLongBehind)
        add(CheckCode::kWarning,
            "destination " + one.name() + " is behind with " + set.name() + " for " + age_text(behind));
    }
    if (set.has_last_clean()) {
      const std::int64_t age = std::max<std::int64_t>(0, now_ - set.last_clean().seconds());
      if (age >= oldest_) {
        oldest_ = age;
        oldest_set_ = set.name();
      }
      data(set.name() + "_age", std::to_string(age) + "s;;;0");
    }
    if (!set.has_last_ended()) return;
    data(set.name() + "_new", std::to_string(last.new_bytes()) + "B;;;0");
    data(set.name() + "_errors", std::to_string(last.error_count()) + ";;;0");
  }

  void look_at(const v1::Run& run) {
    if (run.kind() != v1::RUN_KIND_BACKUP || !is_asked(run.set())) return;
    if (run.state() != v1::RUN_STATE_PAUSED || run.pause_reason() == v1::PAUSE_REASON_WINDOW) return;
    const std::int64_t wait = now_ - run.queued().seconds();
    if (wait < kLongWait) return;
    add(CheckCode::kWarning, "backup of " + run.set() + " (run " + run.run_id() + ") waits, " +
                                 age_text(wait) + " after its begin: " + reason_text(run.pause_reason()));
  }

  void look_at(const v1::Destination& one) {
    if (one.state() == v1::DESTINATION_STATE_REFUSED || one.state() == v1::DESTINATION_STATE_NEEDS_REPAIR) {
      add(CheckCode::kCritical,
          "destination " + one.name() +
              (one.state() == v1::DESTINATION_STATE_REFUSED ? " is refused" : " needs repair") +
              (one.detail().empty() ? "" : ": " + one.detail()));
    } else if (one.state() == v1::DESTINATION_STATE_AWAY) {
      add(CheckCode::kWarning, "destination " + one.name() + " is away");
    }
    if (!one.damage_run().empty())
      add(CheckCode::kCritical,
          "damage was found at destination " + one.name() + " (run " + one.damage_run() + ")");
    if (one.check_overdue())
      add(CheckCode::kWarning, "destination " + one.name() + " is overdue for a check");
    if (one.state() == v1::DESTINATION_STATE_READY && one.total_bytes() > 0)
      data(one.name() + "_free",
           std::to_string(one.free_bytes()) + "B;;;0;" + std::to_string(one.total_bytes()));
  }

  // Names have no quotes in them.
  void data(const std::string& label, const std::string& value) { data_ += " '" + label + "'=" + value; }

  std::string line() const {
    std::string text = std::string("GARNER ") + word_of(code_) + " - ";
    if (code_ == CheckCode::kWell) {
      text += plural(count_, "set", "sets");
      if (!oldest_set_.empty())
        text += ", the oldest clean backup is of " + oldest_set_ + ", " + age_text(oldest_) + " ago";
    }
    std::size_t told = 0;
    for (const auto* problems : {&critical_, &warnings_}) {
      for (const std::string& problem : *problems) {
        if (told++ < kMostTold) text += (told > 1 ? "; " : "") + problem;
      }
    }
    if (told > kMostTold) text += "; and " + std::to_string(told - kMostTold) + " more";
    return data_.empty() ? text : text + " |" + data_;
  }

  const v1::Status& status_;
  const std::vector<std::string>& sets_;
  const std::int64_t now_;
  CheckCode code_ = CheckCode::kWell;
  std::vector<std::string> critical_;
  std::vector<std::string> warnings_;
  std::string data_;
  std::size_t count_ = 0;
  std::int64_t oldest_ = 0;
  std::string oldest_set_;
};

}  // namespace

CheckResult check_status(const v1::Status& status, const std::vector<std::string>& sets, std::int64_t now) {
  return Check(status, sets, now).result();
}

CheckResult check_failure(CheckCode code, const std::string& message) {
  return {code, std::string("GARNER ") + word_of(code) + " - " + plain(message)};
}

}  // namespace garner::client
