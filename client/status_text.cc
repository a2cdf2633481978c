#include "status_text.h"

#include <ctime>

#include "destination_text.h"
#include "maintenance_text.h"
#include "run_progress.h"
#include "run_text.h"
#include "schedule_text.h"
#include "table.h"
#include "text.h"

namespace garner::client {
namespace {

constexpr std::size_t kIndent = 2;

std::string section_heading(const std::string& text, const Terminal& terminal) {
  return '\n' + terminal.styled(text, Style::kBold) + '\n';
}

std::string runs_text(const v1::Status& status, const Terminal& terminal) {
  if (status.active_runs().empty()) return {};
  std::string text = section_heading("Runs", terminal);
  for (const v1::Run& run : status.active_runs()) {
    text += "  " + printable(run.run_id()) + "  " + run_title(run) + '\n';
    Terminal narrower = terminal;
    narrower.width = terminal.width > 24 ? terminal.width - 4 : 20;
    for (const std::string& line : progress_lines(run, narrower)) text += "    " + line + '\n';
  }
  return text;
}

// Destinations that lack what another one of their set has.
std::string behind_text(const google::protobuf::RepeatedPtrField<v1::SetStatus>& sets,
                        const Terminal& terminal) {
  std::string text;
  for (const v1::SetStatus& set : sets) {
    for (const v1::SetDestination& one : set.destinations()) {
      if (!one.behind()) continue;
      std::string line = printable(one.name()) + " is behind with " + printable(set.name()) + " since " +
                         local_minute(one.behind_since());
      if (!one.reason().empty()) line += ": " + printable(one.reason());
      for (const std::string& part : wrap(line, terminal.width > kIndent ? terminal.width - kIndent : 1))
        text += std::string(kIndent, ' ') + terminal.styled(part, Style::kWarning) + '\n';
    }
  }
  return text;
}

std::string sets_text(const v1::Status& status, const Terminal& terminal) {
  std::string text = section_heading("Sets", terminal);
  if (status.sets().empty())
    return text + "  none yet: garner set add NAME --source PATH... --destination NAME...\n";
  Table table(
      {{"NAME", false, Column::Cut::kEnd}, {"LAST RUN"}, {"RESULT"}, {"LAST CLEAN"}, {"SNAPSHOTS", true}});
  for (const v1::SetStatus& set : status.sets()) {
    const bool ran = set.has_last_run();
    table.add({set.name(), ran ? local_minute(set.last_run().queued()) : "never",
               ran ? Cell(state_text(set.last_run()), state_style(set.last_run())) : Cell("-"),
               set.has_last_clean() ? local_minute(set.last_clean()) : "never",
               human_count(set.snapshots())});
  }
  return text + table.render(terminal, kIndent) + behind_text(status.sets(), terminal) +
         schedules_text(status.sets(), terminal);
}

std::string destinations_text(const v1::Status& status, const Terminal& terminal) {
  std::string text = section_heading("Destinations", terminal);
  if (status.destinations().empty()) return text + "  none yet: garner destination add NAME URL\n";
  return text + destination_table(status.destinations(), terminal, kIndent) +
         maintenance_text(status.destinations(), terminal);
}

}  // namespace

std::string status_text(const v1::Status& status, const Terminal& terminal) {
  std::string first = "garnerd " + printable(status.version()) + ", process " + std::to_string(status.pid());
  if (status.has_started()) {
    const std::int64_t up = static_cast<std::int64_t>(std::time(nullptr)) - status.started().seconds();
    first += ", up " + human_duration(static_cast<std::uint64_t>(up > 0 ? up : 0));
  }
  if (!status.state_folder().empty()) first += ", state in " + printable(status.state_folder());
  std::string text;
  for (const std::string& line : wrap(first, terminal.width)) text += line + '\n';
  for (const std::string& notice : status.notices()) {
    for (const std::string& line : wrap("Notice: " + printable(notice), terminal.width)) {
      text += terminal.styled(line, Style::kWarning) + '\n';
    }
  }
  return text + runs_text(status, terminal) + sets_text(status, terminal) +
         destinations_text(status, terminal);
}

}  // namespace garner::client
