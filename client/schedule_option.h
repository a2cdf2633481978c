// The options of `set add` and `set edit` that say when a set is backed up by itself.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "command.h"
#include "garner/v1/service.pb.h"

namespace garner::client {

// Where the options' values go; it outlives the command.
class ScheduleOptions {
 public:
  // `edit`: with those that take something away.
  void add_to(std::vector<Option>& options, bool edit);
  // What was given; nothing when none was. Throws usage_failure() for what cannot be.
  std::optional<v1::ScheduleChange> change() const;

 private:
  std::vector<std::string> schedules_;
  bool no_schedule_ = false;
  std::optional<std::string> timezone_;
  std::optional<std::string> random_delay_;
  std::vector<std::string> windows_;
  bool no_window_ = false;
  std::vector<std::string> conditions_;
  bool no_when_ = false;
  std::optional<std::string> overdue_after_;
};

// Paragraphs of the help on how schedules are written.
std::vector<std::string> schedule_details();

// "DEST=S" or "S": a destination's name holds no '=', and what stands before one in a schedule is no name.
v1::ScheduleEntry parse_schedule_entry(const std::string& text);
// Seconds: "90m", "1d12h", "2w", "0". `option` names it in messages.
std::uint64_t parse_duration(const std::string& option, const std::string& text);

}  // namespace garner::client
