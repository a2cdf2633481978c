#include "maintenance_text.h"

#include "run_text.h"
#include "schedule_text.h"
#include "text.h"

namespace garner::client {
namespace {

std::string schedule_text(const std::string& schedule) {
  return schedule.empty() ? "only when asked to" : printable(schedule);
}

// Of a run that has ended: "2026-11-24 01:12 (run 12), finished".
std::string run_line(const v1::Run& run) {
  return local_minute(run.finished()) + " (run " + printable(run.run_id()) + "), " + state_text(run);
}

std::string freed_text(const v1::Run& run) {
  return run.state() == v1::RUN_STATE_FINISHED && run.prune().problem_count() == 0
             ? human_bytes(run.prune().freed_bytes()) + " freed"
             : state_text(run);
}

// Why what is not in use is still there.
std::string rest_text(const v1::PruneResult& result) {
  std::string text;
  const auto add = [&](std::uint64_t bytes, const char* why) {
    if (bytes > 0) text += (text.empty() ? "" : ", ") + human_bytes(bytes) + ' ' + why;
  };
  add(result.unused_in_use_packs(), "in packs of which most is in use");
  add(result.unused_beyond_limit(), "beyond what one run rewrites");
  add(result.unused_in_runs(), "of unfinished backups");
  add(result.unused_not_worth(), "whose rewriting would free nothing");
  add(result.young_orphan_bytes(), "within the grace period");
  return text;
}

std::string verified_text(const v1::MaintenanceStatus& status) {
  if (status.bytes() == 0) return {};
  return std::to_string(percent(status.verified_bytes(), status.bytes())) + "% of " +
         human_bytes(status.bytes()) + " read within " +
         duration_text(status.settings().check_period_seconds());
}

}  // namespace

void add_maintenance_facts(FactList& facts, const v1::MaintenanceStatus& status) {
  facts.add("prunes by itself", status.may_not_prune() ? "no: the machine that made the repository does"
                                                       : schedule_text(status.settings().prune_schedule()));
  if (status.has_last_prune()) {
    const v1::Run& run = status.last_prune();
    facts.add("last prune", run_line(run), state_style(run));
    if (run.state() == v1::RUN_STATE_FINISHED) {
      facts.add("", freed_text(run));
      const std::string rest = rest_text(run.prune());
      facts.add("", rest.empty() ? "" : "not in use, and left: " + rest);
    }
    facts.add("", printable(run.message()));
  }
  if (status.has_next_prune()) facts.add("next prune", local_minute(status.next_prune()));
  facts.add("due, waits for", printable(status.prune_waits_for()), Style::kWarning);
  facts.add("checks by itself", schedule_text(status.settings().check_schedule()));
  if (status.has_last_check()) {
    const v1::Run& run = status.last_check();
    facts.add("last check", run_line(run), state_style(run));
    facts.add("", printable(run.message()));
  }
  if (status.has_next_check()) facts.add("next check", local_minute(status.next_check()));
  facts.add("due, waits for", printable(status.check_waits_for()), Style::kWarning);
  facts.add("verified", verified_text(status));
  if (status.has_oldest_unverified())
    facts.add("oldest not verified", "since " + local_minute(status.oldest_unverified()));
  if (status.damaged_packs() > 0) {
    facts.add("damaged", plural(status.damaged_packs(), "pack", "packs"), Style::kBad);
  } else if (status.damage_found()) {
    facts.add("damage", "found by the last check or prune", Style::kBad);
  }
}

std::string maintenance_text(const google::protobuf::RepeatedPtrField<v1::Destination>& destinations,
                             const Terminal& terminal) {
  std::string text;
  const auto add = [&](const std::string& line, Style style) {
    for (const std::string& part : wrap(line, terminal.width > 4 ? terminal.width - 2 : 2))
      text += "  " + terminal.styled(part, style) + '\n';
  };
  for (const v1::Destination& one : destinations) {
    const v1::MaintenanceStatus& status = one.maintenance();
    std::vector<std::string> parts;
    if (status.has_last_prune()) {
      parts.push_back("pruned " + local_minute(status.last_prune().finished()) + ", " +
                      freed_text(status.last_prune()));
    }
    if (status.has_last_check()) {
      parts.push_back("checked " + local_minute(status.last_check().finished()) + ", " +
                      state_text(status.last_check()));
    }
    parts.push_back(verified_text(status));
    const std::string line = joined(parts, "; ", std::string::npos);
    if (!line.empty()) add(printable(one.name()) + ": " + line, Style::kPlain);
    if (status.damage_found()) add(printable(one.name()) + " has damage", Style::kBad);
  }
  return text;
}

}  // namespace garner::client
