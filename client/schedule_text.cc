#include "schedule_text.h"

#include <array>

#include "text.h"

namespace garner::client {
namespace {

std::string times_text(const google::protobuf::RepeatedPtrField<google::protobuf::Timestamp>& times) {
  std::string text;
  for (const auto& time : times) text += (text.empty() ? "" : ", ") + local_minute(time);
  return text;
}

}  // namespace

std::string duration_text(std::uint64_t seconds) {
  struct Unit {
    std::uint64_t seconds;
    const char* name;
  };
  static constexpr std::array kUnits{Unit{604800, "w"}, Unit{86400, "d"}, Unit{3600, "h"}, Unit{60, "m"},
                                     Unit{1, "s"}};
  std::string text;
  for (const Unit& unit : kUnits) {
    const std::uint64_t count = seconds / unit.seconds;
    seconds %= unit.seconds;
    if (count > 0) text += (text.empty() ? "" : " ") + std::to_string(count) + unit.name;
  }
  return text;
}

void add_schedule_facts(FactList& facts, const v1::BackupSet& set) {
  const v1::SetSchedule& schedule = set.schedule();
  std::string label = "schedule";
  for (const v1::ScheduleEntry& entry : schedule.schedules()) {
    const std::string text = printable(entry.schedule());
    facts.add(label, entry.destination().empty() ? text : entry.destination() + ": " + text);
    label.clear();
  }
  facts.add("time zone", printable(schedule.timezone()));
  facts.add("random delay", duration_text(schedule.random_delay_seconds()));
  label = "window";
  for (const std::string& window : schedule.windows()) {
    facts.add(label, printable(window));
    label.clear();
  }
  label = "when";
  for (const std::string& condition : schedule.conditions()) {
    facts.add(label, printable(condition));
    label.clear();
  }
  if (schedule.overdue_after_seconds() > 0) {
    facts.add("overdue",
              (set.overdue() ? "yes, after " : "no; after ") +
                  duration_text(schedule.overdue_after_seconds()) + " without a clean backup",
              set.overdue() ? Style::kBad : Style::kPlain);
  }
  facts.add("next runs", times_text(set.next_runs()));
  facts.add("due, waits for", printable(set.waits_for()), Style::kWarning);
}

std::string schedules_text(const google::protobuf::RepeatedPtrField<v1::SetStatus>& sets,
                           const Terminal& terminal) {
  std::string text;
  const auto add = [&](const std::string& line, Style style) {
    for (const std::string& part : wrap(line, terminal.width > 4 ? terminal.width - 2 : 2))
      text += "  " + terminal.styled(part, style) + '\n';
  };
  for (const v1::SetStatus& set : sets) {
    const std::string name = printable(set.name());
    if (set.overdue()) add(name + " is overdue", Style::kBad);
    if (!set.waits_for().empty())
      add(name + " is due and waits for " + printable(set.waits_for()), Style::kWarning);
    if (!set.next_runs().empty()) add(name + " runs next: " + times_text(set.next_runs()), Style::kPlain);
  }
  return text;
}

}  // namespace garner::client
