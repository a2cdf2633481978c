// When something comes again and again, as people write it:
//
//   Mon..Fri 22:30, *-*-1,15 4:00:00 Europe/Berlin, *-*~1, daily   a calendar expression, as systemd.time(7)
//                                                                 describes OnCalendar=
//   30 2 * * mon-fri, @weekly                                      a cron line, as crontab(5) describes it
//   every 6h, every 1d12h                                          at equal distances, whatever clocks show
//
// A zone behind a calendar expression or a cron line counts instead of the schedule's own.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "schedule/calendar.h"
#include "schedule/instant.h"
#include "schedule/zone.h"

namespace garner::schedule {

// A value; any thread.
class Schedule {
 public:
  // `anchor`: what "every 6h" counts from, forwards and backwards. Error(kInvalidInput) says where in the
  // text what is expected ("character 7: …"), or why the schedule never comes.
  static Schedule parse(std::string_view text, const Zone& zone, Instant anchor);

  const std::string& text() const { return text_; }
  const Zone& zone() const { return zone_; }

  // The first time after `after`; nothing when it never comes again (calendars end with the year 2199).
  std::optional<Instant> next(Instant after) const;
  // The first `count` times after `after`.
  std::vector<Instant> next(Instant after, std::size_t count) const;
  // The last time after `after` and at or before `until`; about a hundred steps, however many lie between.
  std::optional<Instant> last(Instant after, Instant until) const;

 private:
  struct Interval {
    Instant anchor;
    Duration length{0};
  };

  Schedule(std::string text, Zone zone, std::variant<Calendar, Interval> times)
      : text_(std::move(text)), zone_(std::move(zone)), times_(std::move(times)) {}

  std::string text_;
  Zone zone_;
  std::variant<Calendar, Interval> times_;
};

// "6h", "1d12h", "90s": whole numbers with s, m, h, d or w, largest first or not. `cursor` stands at it and
// goes to its end. Error(kInvalidInput).
Duration take_duration(TextCursor& cursor);
// The whole text.
Duration parse_duration(std::string_view text);

}  // namespace garner::schedule
