// Retention: which snapshots a policy keeps, and why. Pure functions; any thread.
//
// The rules are those of restic's `forget`: snapshots are looked at set by set, newest first. `last` keeps
// the N newest. Each rule of periods (hours, days, ISO weeks from Monday, months, quarters, years, all in the
// set's time zone) keeps the newest snapshot of each of the N latest periods in which there is one; as long
// as the rule has some of its N left, the set's oldest snapshot is kept as well, so that a young set's first
// snapshot lives until a later one can stand for its period. `within` keeps what is newer than its duration
// before the set's newest snapshot, of those that are not in the future: a clock that was once ahead must not
// make all others old. A snapshot is kept if any rule keeps it, or if it is pinned; the rules count pinned
// ones like all others.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"

namespace garner::maintenance {

// A span of the calendar: years, months and days are counted in local time, hours are 3,600 seconds.
struct CalendarSpan {
  std::uint32_t years = 0;
  std::uint32_t months = 0;
  std::uint32_t days = 0;
  std::uint32_t hours = 0;
  bool empty() const { return years == 0 && months == 0 && days == 0 && hours == 0; }
  bool operator==(const CalendarSpan&) const = default;
};

// "1y6m", "2w", "30d", "36h": numbers, each with y, m (months), w, d or h, none above 100,000, each unit
// once. Error(kInvalidInput) says where it goes wrong.
CalendarSpan parse_span(std::string_view text);
// As parse_span reads it; weeks are days. Empty for an empty span.
std::string to_text(const CalendarSpan& span);

// How many each rule keeps; 0: the rule is not there.
struct RetentionPolicy {
  std::uint32_t last = 0;
  std::uint32_t hourly = 0;
  std::uint32_t daily = 0;
  std::uint32_t weekly = 0;
  std::uint32_t monthly = 0;
  std::uint32_t quarterly = 0;
  std::uint32_t yearly = 0;
  CalendarSpan within;
  // No rule: it would forget everything.
  bool empty() const;
  bool operator==(const RetentionPolicy&) const = default;
};

// "last 3, 7 daily, within 1y": for people. Empty for an empty policy.
std::string to_text(const RetentionPolicy& policy);

struct RetentionItem {
  std::string group;  // policies are applied to each group by itself: a set's uuid
  TimePoint time;     // when the snapshot was finished
  bool pinned = false;
  std::string zone =
      {};  // the group's, by whose clocks its periods count: "Europe/Berlin"; the same for all of it
};

struct RetentionDecision {
  std::vector<std::string>
      reasons;  // why it is kept: "pinned", "last snapshot", "oldest daily snapshot", "within 1y"
  bool keep() const { return !reasons.empty(); }
};

// A decision for each item, in their order. Of two items with the same time the later one counts as newer.
// `now`: what is later is in the future. `zone`: of groups that name none; empty: the system's.
// Error(kInvalidInput) for an empty policy, which would forget everything, and for a zone that the system
// does not know.
std::vector<RetentionDecision> apply_retention(const std::vector<RetentionItem>& items,
                                               const RetentionPolicy& policy, TimePoint now,
                                               const std::string& zone = {});

}  // namespace garner::maintenance
