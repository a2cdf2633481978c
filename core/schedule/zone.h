// A time zone as the system's zoneinfo has it, by Howard Hinnant's date library. Times after the last change
// that a zone's file lists follow the rule at the file's end (RFC 8536, section 3.3), which that library does
// not read.
#pragma once

#include <date/tz.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "schedule/instant.h"

namespace garner::schedule {

// What the clocks on the wall show.
using LocalTime = date::local_time<Duration>;

// A value; any thread. Zone files are read once a process.
class Zone {
 public:
  // "Europe/Berlin", "UTC". Error(kInvalidInput) for a name that the system does not know.
  static Zone named(std::string_view name);
  static bool exists(std::string_view name);
  static Zone utc();
  // That of TZ, else of /etc/localtime, else UTC.
  static Zone of_system();

  const std::string& name() const { return name_; }

  LocalTime local(Instant time) const;
  // What the local time is: unique, in a gap (clocks were put forward over it), or repeated.
  date::local_info info(LocalTime time) const;
  // The first instant at which clocks show it; nothing for a time in a gap.
  std::optional<Instant> first(LocalTime time) const;
  // The least local time whose first instant may be at or after `time`: its local time, or, while an hour is
  // repeated, the end of that hour.
  LocalTime first_local_from(Instant time) const;

 private:
  struct Rule;
  explicit Zone(std::string name);

  date::sys_info info_at(Instant time) const;

  std::string name_;
  const date::time_zone* zone_ = nullptr;
  std::shared_ptr<const Rule> rule_;  // nothing where the file has none
};

}  // namespace garner::schedule
