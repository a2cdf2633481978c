#include "run_summary.h"

#include <algorithm>

#include "destination_text.h"
#include "exit_code.h"
#include "retention_text.h"
#include "run_text.h"
#include "text.h"

namespace garner::client {
namespace {

std::string problems(const v1::Run& run, const Terminal& terminal) {
  constexpr int kShownErrors = 20;
  std::string text;
  int shown = 0;
  for (const v1::RunError& error : run.errors()) {
    if (shown++ == kShownErrors) break;
    text += "  " + printable(error.path()) + (error.path().empty() ? "" : ": ") + printable(error.message()) +
            '\n';
  }
  const std::uint64_t listed = static_cast<std::uint64_t>(std::min(shown, kShownErrors));
  const bool backup = run.kind() == v1::RUN_KIND_BACKUP;
  if (run.error_count() > listed && listed > 0) {
    text += "  and " + plural(run.error_count() - listed, "more", "more") +
            (backup ? ": garner errors " : ": garner --json run show ") + printable(run.run_id()) + '\n';
  } else if (backup && listed > 0) {
    text += "  since when: garner errors " + printable(run.run_id()) + '\n';
  }
  shown = 0;
  for (const std::string& problem : run.check().problems()) {
    if (shown++ == kShownErrors) break;
    text += "  " + terminal.styled(printable(problem), Style::kBad) + '\n';
  }
  const std::uint64_t told = static_cast<std::uint64_t>(std::min(shown, kShownErrors));
  if (run.check().problem_count() > told && told > 0) {
    text += "  and " + plural(run.check().problem_count() - told, "more", "more") +
            ": garner --json run show " + printable(run.run_id()) + '\n';
  }
  return text;
}

std::string destination_facts(const v1::DestinationRun& one) {
  std::string text = "  " + printable(one.destination()) + ": ";
  if (!one.error().empty()) return text + printable(one.error()) + '\n';
  text += human_bytes(one.new_bytes()) + " new, " + human_bytes(one.stored_bytes()) + " stored";
  if (!one.supplied_from().empty()) {
    text += ", given by ";
    for (int i = 0; i < one.supplied_from_size(); ++i)
      text += (i == 0 ? "" : ", ") + printable(one.supplied_from(i));
  }
  if (one.renamed()) {
    text += "\n    content was cut and named again, for " + printable(one.destination()) +
            " has other keys or sizes of chunks: it is snapshot " +
            printable(one.snapshot_id().substr(0, 12)) + " there";
  }
  return text + '\n';
}

std::string copy_facts(const v1::Run& run) {
  std::string text = "  " + plural(run.files(), "file", "files") + " of " + human_bytes(run.source_bytes()) +
                     "; " + human_bytes(run.supplied_bytes()) + " copied\n";
  for (const v1::DestinationRun& one : run.destinations()) text += destination_facts(one);
  return text;
}

std::string backup_facts(const v1::Run& run) {
  std::string text = "  " + plural(run.files(), "file", "files") + " of " + human_bytes(run.source_bytes()) +
                     "; " + human_bytes(run.read_bytes()) + " read, " + human_bytes(run.new_bytes()) +
                     " new, " + human_bytes(run.stored_bytes()) + " stored\n";
  if (run.destinations_size() < 2 &&
      std::all_of(run.destinations().begin(), run.destinations().end(), [](const v1::DestinationRun& one) {
        return one.error().empty() && one.supplied_from().empty();
      })) {
    return text;
  }
  for (const v1::DestinationRun& one : run.destinations()) text += destination_facts(one);
  return text;
}

std::string request_facts(const v1::Run& run) {
  std::string text;
  for (const v1::DestinationRequests& one : run.requests())
    text += "  requests to " + printable(one.destination()) + ": " + requests_text(one.requests()) + '\n';
  return text;
}

std::string check_facts(const v1::Run& run) {
  const v1::CheckResult& result = run.check();
  std::string text = "  " + plural(result.snapshots(), "snapshot", "snapshots") + ", " +
                     plural(result.packs(), "pack", "packs") + ", " + plural(result.blobs(), "blob", "blobs");
  if (result.bytes_read() > 0) text += "; " + human_bytes(result.bytes_read()) + " read";
  text += '\n';
  for (const std::string& id : result.recovered_snapshots())
    text += "  recovered: snapshot " + printable(id) + '\n';
  return text;
}

// As the verb of a sentence whose subject is the run.
std::string outcome_text(const v1::Run& run) {
  if (run.state() == v1::RUN_STATE_CANCELLED) return "was cancelled";
  switch (exit_code(run)) {
    case kExitDamaged:
      return "found damage";
    case kExitDone:
      return "finished";
    case kExitIncomplete:
      return run.error_count() > 0 ? "finished with errors" : "finished, but not all of it,";
    default:
      return "failed";
  }
}

std::string summary_text(const v1::Run& run, const Terminal& terminal) {
  if (!has_ended(run)) {
    const std::string reason = waiting_text(run);
    return capitalised(run_title(run)) + " (run " + printable(run.run_id()) +
           "): " + terminal.styled(reason.empty() ? state_text(run) : reason, state_style(run)) + '\n';
  }
  std::string text = capitalised(run_title(run)) + ' ' +
                     terminal.styled(outcome_text(run), state_style(run)) + " after " + elapsed_text(run);
  if (!run.snapshot_id().empty()) {
    text += (run.kind() == v1::RUN_KIND_RESTORE ? " from snapshot " : ": snapshot ") +
            printable(run.snapshot_id().substr(0, 12));
  }
  text += " (run " + printable(run.run_id());
  if (run.attempts() > 1) text += ", resumed " + plural(run.attempts() - 1, "time", "times");
  text += ")\n";
  if (!run.message().empty()) text += "  " + printable(run.message()) + '\n';
  if (run.kind() == v1::RUN_KIND_BACKUP) text += backup_facts(run);
  if (run.kind() == v1::RUN_KIND_COPY && run.state() == v1::RUN_STATE_FINISHED) text += copy_facts(run);
  if (run.kind() == v1::RUN_KIND_RESTORE) {
    text += "  " + plural(run.files(), "file", "files") + " of " + human_bytes(run.source_bytes()) + '\n';
  }
  if (run.has_check()) text += check_facts(run);
  if (run.has_forget()) text += forget_facts(run, terminal);
  if (run.has_prune()) text += prune_facts(run, terminal);
  if (run.kind() == v1::RUN_KIND_REPAIR && run.state() == v1::RUN_STATE_FINISHED &&
      run.check().packs() == 0) {
    text += "  nothing needed repair\n";
  }
  if (run.kind() == v1::RUN_KIND_BACKUP && run.state() == v1::RUN_STATE_FINISHED) {
    const auto parts = saved_parts(run);
    if (!parts.empty()) text += "  saved: " + joined(parts, ", ", std::string::npos) + '\n';
  }
  text += request_facts(run);
  if (run.error_count() > 0) text += "  " + terminal.styled(errors_text(run), Style::kWarning) + '\n';
  return text + problems(run, terminal);
}

}  // namespace

std::string summary(const v1::Run& run, const Terminal& terminal) {
  const std::string text = summary_text(run, terminal);
  return terminal.interactive ? fit_lines(text, terminal.width) : text;
}

}  // namespace garner::client
