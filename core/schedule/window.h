// When something may run: "22:00-06:00", "Mon..Fri 22:00-06:00", "Sat,Sun 00:00-24:00". A window that ends
// before it begins ends on the next day; weekdays are those on which it begins.
//
// Where clocks are put forward over an end, it is when they are; where an hour is repeated, an end in it is
// at its first instant.
#pragma once

#include <bitset>
#include <optional>
#include <string_view>
#include <vector>

#include "schedule/zone.h"

namespace garner::schedule {

struct Window {
  std::bitset<7> weekdays;  // Monday is 0; none set means all
  std::chrono::minutes from{0};
  std::chrono::minutes to{0};  // above `from`, up to 24 hours more
};

// Error(kInvalidInput) says where in the text what is expected.
Window parse_window(std::string_view text);

// Several windows: open while any is. None at all is always open. A value; any thread.
class Windows {
 public:
  Windows(std::vector<Window> windows, Zone zone) : windows_(std::move(windows)), zone_(std::move(zone)) {}

  bool empty() const { return windows_.empty(); }
  bool is_open(Instant time) const { return empty() || end_of(time).has_value(); }
  // `time` itself while open, else when one opens next.
  Instant next_open(Instant time) const;
  // When all are closed again; nothing when none is open, or they leave no gap for a fortnight.
  std::optional<Instant> next_close(Instant time) const;

 private:
  // The latest end of the windows that are open.
  std::optional<Instant> end_of(Instant time) const;
  // Calls `each(from, to)` for every window that begins on `first` to `last` day.
  template <typename Each>
  void for_each(date::local_days first, date::local_days last, const Each& each) const;

  std::vector<Window> windows_;
  Zone zone_;
};

}  // namespace garner::schedule
