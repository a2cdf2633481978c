#include "maintenance/retention.h"

#include <date/tz.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdlib>
#include <limits>
#include <map>
#include <numeric>
#include <optional>

#include "base/bytes.h"
#include "base/error.h"

namespace garner::maintenance {
namespace {

using LocalSeconds = date::local_seconds;

constexpr std::uint32_t kMostOfAUnit = 100'000;

const date::time_zone* find_zone(const std::string& name) {
  try {
    if (!name.empty()) return date::locate_zone(name);
  } catch (const std::exception&) {
    throw Error(ErrorKind::kInvalidInput, "'" + printable(name) + "' is no time zone of this system");
  }
  // What the C library goes by, in its order.
  if (const char* variable = std::getenv("TZ"); variable != nullptr && *variable != '\0') {
    try {
      return date::locate_zone(*variable == ':' ? variable + 1 : variable);
    } catch (const std::exception&) {
      // A rule or a file: the system's zone is the next best.
    }
  }
  try {
    return date::current_zone();
  } catch (const std::exception&) {
    return date::locate_zone("UTC");  // a system that was not given one
  }
}

date::sys_seconds to_sys(TimePoint time) {
  return date::sys_seconds(std::chrono::seconds(within_calendar(time).seconds));
}

// ---- Periods ----

date::year_month_day day_of(LocalSeconds time) { return date::year_month_day(date::floor<date::days>(time)); }

std::int64_t hour_number(LocalSeconds time) {
  return date::floor<std::chrono::hours>(time).time_since_epoch().count();
}
std::int64_t day_number(LocalSeconds time) {
  return date::floor<date::days>(time).time_since_epoch().count();
}
// Day 0 of the count was a Thursday: weeks begin on Mondays.
std::int64_t week_number(LocalSeconds time) {
  const std::int64_t day = day_number(time) + 3;
  return day >= 0 ? day / 7 : (day - 6) / 7;
}
std::int64_t month_number(LocalSeconds time) {
  const date::year_month_day day = day_of(time);
  return static_cast<int>(day.year()) * std::int64_t{12} + (static_cast<unsigned>(day.month()) - 1);
}
std::int64_t quarter_number(LocalSeconds time) {
  const std::int64_t month = month_number(time);
  return month >= 0 ? month / 3 : (month - 2) / 3;
}
std::int64_t year_number(LocalSeconds time) { return static_cast<int>(day_of(time).year()); }

struct PeriodRule {
  std::uint32_t left = 0;
  const char* name = nullptr;
  std::int64_t (*number)(LocalSeconds) = nullptr;
  std::optional<std::int64_t> latest = std::nullopt;  // period from which one was kept
};

// The span before `time`: first months and days of the calendar, where a day that a month does not have runs
// over into the next one, then hours.
TimePoint before(TimePoint time, const CalendarSpan& span, const date::time_zone& zone) {
  const LocalSeconds local = zone.to_local(to_sys(time));
  const auto midnight = date::floor<date::days>(local);
  const date::year_month_day day{midnight};
  // A calendar's years do not go back as far as a span may.
  const std::int64_t months = month_number(local) - std::int64_t{12} * span.years - span.months;
  if (months < 12) return {std::numeric_limits<std::int64_t>::min(), 0};
  const date::year_month month = day.year() / day.month() - date::years(static_cast<int>(span.years)) -
                                 date::months(static_cast<int>(span.months));
  const date::local_days first(month / 1);
  const auto moved = first + date::days(static_cast<unsigned>(day.day()) - 1) - date::days(span.days);
  const LocalSeconds target = moved + (local - LocalSeconds(midnight));
  const date::sys_seconds at = zone.to_sys(target, date::choose::earliest) - std::chrono::hours(span.hours);
  return {at.time_since_epoch().count(), time.nanos};
}

// One group's items, newest first.
class GroupRetention {
 public:
  GroupRetention(const RetentionPolicy& policy, const date::time_zone& zone)
      : policy_(policy),
        zone_(zone),
        last_left_(policy.last),
        rules_{PeriodRule{policy.hourly, "hourly", hour_number},
               PeriodRule{policy.daily, "daily", day_number},
               PeriodRule{policy.weekly, "weekly", week_number},
               PeriodRule{policy.monthly, "monthly", month_number},
               PeriodRule{policy.quarterly, "quarterly", quarter_number},
               PeriodRule{policy.yearly, "yearly", year_number}} {}

  // The newest that is not in the future, if there is one. Otherwise everything counts as new.
  void set_newest(TimePoint newest) {
    if (!policy_.within.empty() && !limit_) limit_ = before(newest, policy_.within, zone_);
  }

  RetentionDecision decide(const RetentionItem& item, bool is_oldest) {
    RetentionDecision decision;
    if (item.pinned) decision.reasons.emplace_back("pinned");
    if (!policy_.within.empty() && (!limit_ || item.time > *limit_))
      decision.reasons.push_back("within " + to_text(policy_.within));
    if (last_left_ > 0) {
      --last_left_;
      decision.reasons.emplace_back("last snapshot");
    }
    const LocalSeconds local = zone_.to_local(to_sys(item.time));
    for (PeriodRule& rule : rules_) {
      if (rule.left == 0) continue;
      const std::int64_t period = rule.number(local);
      const bool is_new = rule.latest != period;
      if (!is_new && !is_oldest) continue;
      --rule.left;
      rule.latest = period;
      decision.reasons.push_back((is_new ? "" : "oldest ") + std::string(rule.name) + " snapshot");
    }
    return decision;
  }

 private:
  const RetentionPolicy& policy_;
  const date::time_zone& zone_;
  std::optional<TimePoint> limit_;
  std::uint32_t last_left_;
  std::array<PeriodRule, 6> rules_;
};

}  // namespace

CalendarSpan parse_span(std::string_view text) {
  const auto refuse = [&](std::size_t at, const std::string& why) -> Error {
    return {ErrorKind::kInvalidInput, "\"" + printable(text) + "\" is no duration: " + why +
                                          " at character " + std::to_string(at + 1) +
                                          "; write for example 1y6m, 2w, 30d or 36h"};
  };
  CalendarSpan span;
  std::string seen;
  std::size_t at = 0;
  while (at < text.size()) {
    std::uint32_t number = 0;
    const std::size_t begin = at;
    for (; at < text.size() && text[at] >= '0' && text[at] <= '9'; ++at) {
      number = number * 10 + static_cast<std::uint32_t>(text[at] - '0');
      if (number > kMostOfAUnit) throw refuse(begin, "a number above 100,000");
    }
    if (at == begin) throw refuse(at, "a number is missing");
    if (at == text.size()) throw refuse(at, "y, m, w, d or h is missing");
    const char unit = text[at];
    if (seen.find(unit) != std::string::npos) throw refuse(at, std::string("a second ") + unit);
    seen += unit;
    switch (unit) {
      case 'y':
        span.years = number;
        break;
      case 'm':
        span.months = number;
        break;
      case 'w':
        span.days += 7 * number;
        break;
      case 'd':
        span.days += number;
        break;
      case 'h':
        span.hours = number;
        break;
      default:
        throw refuse(at, "y, m, w, d or h is missing");
    }
    if (span.days > kMostOfAUnit) throw refuse(begin, "more than 100,000 days");
    ++at;
  }
  if (text.empty()) throw refuse(0, "it is empty");
  return span;
}

std::string to_text(const CalendarSpan& span) {
  std::string text;
  const auto add = [&](std::uint32_t number, char unit) {
    if (number > 0) text += std::to_string(number) + unit;
  };
  add(span.years, 'y');
  add(span.months, 'm');
  add(span.days, 'd');
  add(span.hours, 'h');
  return text;
}

bool RetentionPolicy::empty() const { return *this == RetentionPolicy{}; }

std::string to_text(const RetentionPolicy& policy) {
  std::string text;
  const auto add = [&](const std::string& rule) { text += (text.empty() ? "" : ", ") + rule; };
  const auto add_rule = [&](std::uint32_t number, const char* name) {
    if (number > 0) add(std::to_string(number) + " " + name);
  };
  if (policy.last > 0) add("last " + std::to_string(policy.last));
  add_rule(policy.hourly, "hourly");
  add_rule(policy.daily, "daily");
  add_rule(policy.weekly, "weekly");
  add_rule(policy.monthly, "monthly");
  add_rule(policy.quarterly, "quarterly");
  add_rule(policy.yearly, "yearly");
  if (!policy.within.empty()) add("within " + to_text(policy.within));
  return text;
}

std::vector<RetentionDecision> apply_retention(const std::vector<RetentionItem>& items,
                                               const RetentionPolicy& policy, TimePoint now,
                                               const std::string& zone) {
  if (policy.empty()) {
    throw Error(ErrorKind::kInvalidInput,
                "a retention without any rule would forget everything: say what is to be kept");
  }
  std::vector<std::size_t> newest_first(items.size());
  std::iota(newest_first.begin(), newest_first.end(), std::size_t{0});
  std::sort(newest_first.begin(), newest_first.end(), [&](std::size_t a, std::size_t b) {
    return items[a].time != items[b].time ? items[a].time > items[b].time : a > b;
  });
  std::map<std::string_view, std::size_t> left;
  for (const RetentionItem& item : items) ++left[item.group];

  std::vector<RetentionDecision> decisions(items.size());
  std::map<std::string_view, GroupRetention> groups;
  for (const std::size_t number : newest_first) {
    const RetentionItem& item = items[number];
    auto found = groups.find(item.group);
    if (found == groups.end()) {
      const date::time_zone& own = *find_zone(item.zone.empty() ? zone : item.zone);
      found = groups.try_emplace(item.group, policy, own).first;
    }
    GroupRetention& group = found->second;
    if (item.time <= now) group.set_newest(item.time);
    decisions[number] = group.decide(item, --left[item.group] == 0);
  }
  return decisions;
}

}  // namespace garner::maintenance
