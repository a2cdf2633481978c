#include "run_text.h"

#include <algorithm>
#include <ctime>

#include "exit_code.h"
#include "text.h"

namespace garner::client {
namespace {

// Packs for what looks at packs, files for what reads files.
std::string counted(const v1::Run& run, std::uint64_t count) {
  const bool packs = run.kind() == v1::RUN_KIND_CHECK || run.kind() == v1::RUN_KIND_REPAIR;
  return packs ? plural(count, "pack", "packs") : plural(count, "file", "files");
}

std::string of_total(std::uint64_t done, std::uint64_t total, const std::string& unit_text,
                     const std::string& total_text) {
  return total > done ? unit_text + " of " + total_text : unit_text;
}

// "12,345 of 170,112 files", "1.2 GiB of 4.6 GiB".
std::string files_text(const v1::Run& run) {
  const v1::Progress& progress = run.progress();
  if (progress.total_files() == 0 && progress.done_files() == 0) return {};
  return of_total(progress.done_files(), progress.total_files(),
                  progress.total_files() > progress.done_files() ? human_count(progress.done_files())
                                                                 : counted(run, progress.done_files()),
                  counted(run, progress.total_files()));
}

std::string bytes_text(const v1::Run& run) {
  const v1::Progress& progress = run.progress();
  if (progress.total_bytes() == 0 && progress.done_bytes() == 0) return {};
  return of_total(progress.done_bytes(), progress.total_bytes(), human_bytes(progress.done_bytes()),
                  human_bytes(progress.total_bytes()));
}

bool moves(const v1::Run& run) { return run.state() == v1::RUN_STATE_RUNNING; }

// The parts that are not empty, as many as fit into `width`.
std::string joined(const std::vector<std::string>& parts, std::string_view dot, std::size_t width) {
  std::string line;
  for (const std::string& part : parts) {
    if (part.empty()) continue;
    const std::size_t needed = line.empty() ? 0 : display_width(line) + display_width(dot);
    if (needed + display_width(part) > width) break;
    if (!line.empty()) line.append(dot);
    line += part;
  }
  return line;
}

std::string bar(unsigned done_percent, std::size_t width, const Terminal& terminal) {
  const std::size_t full = width * done_percent / 100;
  std::string done;
  std::string rest;
  for (std::size_t i = 0; i < width; ++i) {
    if (i < full) {
      done += terminal.unicode ? "━" : "#";
    } else {
      rest += terminal.unicode ? "─" : "-";
    }
  }
  return terminal.styled(done, Style::kGood) + terminal.styled(rest, Style::kDim);
}

std::vector<std::string> rate_parts(const v1::Run& run) {
  std::vector<std::string> parts;
  const v1::Progress& progress = run.progress();
  if (!moves(run)) return parts;
  if (progress.bytes_per_second() >= 1) {
    parts.push_back(human_bytes(static_cast<std::uint64_t>(progress.bytes_per_second())) + "/s");
  }
  if (progress.seconds_left() > 0) parts.push_back(human_duration(progress.seconds_left()) + " left");
  return parts;
}

std::vector<std::string> saved_parts(const v1::Run& run) {
  std::vector<std::string> parts;
  if (run.kind() != v1::RUN_KIND_BACKUP) return parts;
  const Saved amounts = saved(run);
  if (amounts.by_deduplication > 0) parts.push_back(human_bytes(amounts.by_deduplication) + " deduplicated");
  if (amounts.by_compression > 0) parts.push_back(human_bytes(amounts.by_compression) + " compressed away");
  return parts;
}

std::string errors_text(const v1::Run& run) {
  return run.error_count() == 0 ? std::string() : plural(run.error_count(), "error", "errors");
}

void append(std::vector<std::string>& to, std::vector<std::string> more) {
  for (std::string& part : more) to.push_back(std::move(part));
}

std::string problems(const v1::Run& run, const Terminal& terminal) {
  constexpr int kShown = 20;
  std::string text;
  int shown = 0;
  for (const v1::RunError& error : run.errors()) {
    if (shown++ == kShown) break;
    text += "  " + printable(error.path()) + (error.path().empty() ? "" : ": ") + printable(error.message()) +
            '\n';
  }
  const std::uint64_t listed = static_cast<std::uint64_t>(std::min(shown, kShown));
  if (run.error_count() > listed && listed > 0) {
    text += "  and " + plural(run.error_count() - listed, "more", "more") + ": garner --json run show " +
            printable(run.run_id()) + '\n';
  }
  shown = 0;
  for (const std::string& problem : run.check().problems()) {
    if (shown++ == kShown) break;
    text += "  " + terminal.styled(printable(problem), Style::kBad) + '\n';
  }
  const std::uint64_t told = static_cast<std::uint64_t>(std::min(shown, kShown));
  if (run.check().problem_count() > told && told > 0) {
    text += "  and " + plural(run.check().problem_count() - told, "more", "more") +
            ": garner --json run show " + printable(run.run_id()) + '\n';
  }
  return text;
}

std::string capitalised(std::string text) {
  if (!text.empty() && text.front() >= 'a' && text.front() <= 'z')
    text.front() = static_cast<char>(text.front() - 32);
  return text;
}

std::string backup_facts(const v1::Run& run) {
  std::string text = "  " + plural(run.files(), "file", "files") + " of " + human_bytes(run.source_bytes()) +
                     "; " + human_bytes(run.read_bytes()) + " read, " + human_bytes(run.new_bytes()) +
                     " new, " + human_bytes(run.stored_bytes()) + " stored\n";
  if (run.destinations_size() < 2 &&
      std::all_of(run.destinations().begin(), run.destinations().end(),
                  [](const v1::DestinationRun& one) { return one.error().empty(); })) {
    return text;
  }
  for (const v1::DestinationRun& one : run.destinations()) {
    text += "  " + printable(one.destination()) + ": ";
    text += one.error().empty()
                ? human_bytes(one.new_bytes()) + " new, " + human_bytes(one.stored_bytes()) + " stored"
                : printable(one.error());
    text += '\n';
  }
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

}  // namespace

std::string run_title(const v1::Run& run) {
  switch (run.kind()) {
    case v1::RUN_KIND_BACKUP:
      return "backup of " + printable(run.set());
    case v1::RUN_KIND_RESTORE:
      return "restore to " + printable(run.target());
    case v1::RUN_KIND_CHECK:
      return "check";
    case v1::RUN_KIND_REPAIR:
      return "repair";
    default:
      return "run " + printable(run.run_id());
  }
}

std::string state_text(const v1::Run& run) {
  switch (run.state()) {
    case v1::RUN_STATE_QUEUED:
      return "waiting";
    case v1::RUN_STATE_RUNNING:
      return "running";
    case v1::RUN_STATE_PAUSED:
      return "paused";
    case v1::RUN_STATE_INTERRUPTED:
      return "interrupted";
    case v1::RUN_STATE_FAILED:
      return run.damage_found() ? "damage found" : "failed";
    case v1::RUN_STATE_CANCELLED:
      return "cancelled";
    case v1::RUN_STATE_FINISHED:
      break;
    default:
      return "unknown";
  }
  switch (exit_code(run)) {
    case kExitDamaged:
      return "damage found";
    case kExitIncomplete:
      return run.error_count() > 0 ? "with errors" : "incomplete";
    default:
      return "finished";
  }
}

Style state_style(const v1::Run& run) {
  switch (run.state()) {
    case v1::RUN_STATE_PAUSED:
    case v1::RUN_STATE_INTERRUPTED:
    case v1::RUN_STATE_CANCELLED:
      return Style::kWarning;
    case v1::RUN_STATE_FAILED:
      return Style::kBad;
    case v1::RUN_STATE_FINISHED:
      break;
    default:
      return Style::kPlain;
  }
  switch (exit_code(run)) {
    case kExitDone:
      return Style::kGood;
    case kExitIncomplete:
      return Style::kWarning;
    default:
      return Style::kBad;
  }
}

std::string waiting_text(const v1::Run& run) {
  const std::string message = printable(run.message());
  const auto told = [&](const std::string& otherwise) { return message.empty() ? otherwise : message; };
  switch (run.state()) {
    case v1::RUN_STATE_QUEUED:
      return "waiting: " + told("another run is before it");
    case v1::RUN_STATE_INTERRUPTED:
      return "interrupted: " + told("it goes on when the daemon starts again");
    case v1::RUN_STATE_PAUSED:
      break;
    default:
      return {};
  }
  switch (run.pause_reason()) {
    case v1::PAUSE_REASON_DESTINATION_AWAY:
      return "paused: " + told("a destination is away") + "; it goes on by itself when it is back";
    case v1::PAUSE_REASON_DESTINATION_FULL:
      return "paused: " + told("a destination is full") + "; it goes on by itself when there is room";
    default:
      return "paused: " + told("someone asked for it") + "; garner run resume " + printable(run.run_id()) +
             " goes on";
  }
}

Saved saved(const v1::Run& run) {
  // What was looked at of the source, and how much of it went to no destination; compression is counted for
  // each destination that got its own copy.
  const std::uint64_t looked_at = has_ended(run) ? run.source_bytes() : run.progress().done_bytes();
  std::uint64_t stored_raw = run.new_bytes();
  std::uint64_t stored = run.stored_bytes();
  if (run.destinations_size() > 0) {
    stored_raw = 0;
    stored = 0;
    for (const v1::DestinationRun& one : run.destinations()) {
      stored_raw += one.new_bytes();
      stored += one.stored_bytes();
    }
  }
  Saved result;
  result.by_deduplication = looked_at > run.new_bytes() ? looked_at - run.new_bytes() : 0;
  result.by_compression = stored_raw > stored && stored > 0 ? stored_raw - stored : 0;
  return result;
}

std::string progress_percent(const v1::Run& run) {
  const v1::Progress& progress = run.progress();
  if (progress.total_bytes() > 0) {
    return std::to_string(percent(progress.done_bytes(), progress.total_bytes())) + '%';
  }
  if (progress.total_files() > 0) {
    return std::to_string(percent(progress.done_files(), progress.total_files())) + '%';
  }
  return {};
}

std::vector<std::string> progress_lines(const v1::Run& run, const Terminal& terminal) {
  // The last column stays free: some terminals go on to the next line as soon as it is written to.
  const std::size_t width = terminal.width > 1 ? terminal.width - 1 : 1;
  std::vector<std::string> lines;
  const v1::Progress& progress = run.progress();

  std::string first;
  std::size_t used = 0;
  const std::string done = progress_percent(run);
  if (!done.empty()) {
    const std::size_t bar_width = std::min<std::size_t>(width / 4, 30);
    const unsigned value = static_cast<unsigned>(std::stoul(done));
    first = bar(value, bar_width, terminal) + ' ' + terminal.styled(pad_left(done, 4), Style::kBold) + "  ";
    used = bar_width + 7;
  }
  std::vector<std::string> parts{bytes_text(run)};
  if (parts.front().empty()) parts.front() = files_text(run);
  append(parts, rate_parts(run));
  const std::string amounts = joined(parts, terminal.dot(), width > used ? width - used : 0);
  if (!done.empty() || !amounts.empty()) lines.push_back(first + amounts);

  std::vector<std::string> second;
  if (bytes_text(run).empty()) {
    append(second, saved_parts(run));
  } else {
    second.push_back(files_text(run));
    append(second, saved_parts(run));
  }
  second.push_back(errors_text(run));
  const std::string more = joined(second, terminal.dot(), width);
  if (!more.empty()) lines.push_back(more);

  const std::string reason = waiting_text(run);
  if (!reason.empty()) {
    for (const std::string& line : wrap(reason, width)) {
      lines.push_back(terminal.styled(cut_end(line, width, terminal.mark()), Style::kWarning));
      if (lines.size() == 4) break;
    }
  } else {
    const std::string stage = printable(progress.stage().empty() ? state_text(run) : progress.stage());
    const std::string current = printable(progress.current());
    const std::string line =
        current.empty()
            ? cut_end(stage, width, terminal.mark())
            : stage + ' ' +
                  cut_middle(current, width - std::min(width, display_width(stage) + 1), terminal.mark());
    lines.push_back(terminal.styled(line, Style::kDim));
  }
  return lines;
}

std::string progress_line(const v1::Run& run) {
  const std::string title = "run " + printable(run.run_id()) + ", " + run_title(run) + ": ";
  const std::string reason = waiting_text(run);
  if (!reason.empty()) return title + reason;
  std::vector<std::string> parts{progress_percent(run), bytes_text(run), files_text(run)};
  append(parts, rate_parts(run));
  append(parts, saved_parts(run));
  parts.push_back(errors_text(run));
  if (parts[0].empty() && parts[1].empty() && parts[2].empty()) {
    parts.push_back(printable(run.progress().stage().empty() ? state_text(run) : run.progress().stage()));
  }
  return title + joined(parts, ", ", std::string::npos);
}

std::uint64_t elapsed_seconds(const v1::Run& run) {
  if (!run.has_started()) return 0;
  const std::int64_t end =
      run.has_finished() ? run.finished().seconds() : static_cast<std::int64_t>(std::time(nullptr));
  return end > run.started().seconds() ? static_cast<std::uint64_t>(end - run.started().seconds()) : 0;
}

std::string summary(const v1::Run& run, const Terminal& terminal) {
  if (!has_ended(run)) {
    const std::string reason = waiting_text(run);
    return capitalised(run_title(run)) + " (run " + printable(run.run_id()) +
           "): " + terminal.styled(reason.empty() ? state_text(run) : reason, state_style(run)) + '\n';
  }
  std::string text = capitalised(run_title(run)) + ' ' +
                     terminal.styled(outcome_text(run), state_style(run)) + " after " +
                     human_duration(elapsed_seconds(run));
  if (!run.snapshot_id().empty()) {
    text += (run.kind() == v1::RUN_KIND_RESTORE ? " from snapshot " : ": snapshot ") +
            printable(run.snapshot_id().substr(0, 12));
  }
  text += " (run " + printable(run.run_id());
  if (run.attempts() > 1) text += ", resumed " + plural(run.attempts() - 1, "time", "times");
  text += ")\n";
  if (!run.message().empty()) text += "  " + printable(run.message()) + '\n';
  if (run.kind() == v1::RUN_KIND_BACKUP) text += backup_facts(run);
  if (run.kind() == v1::RUN_KIND_RESTORE) {
    text += "  " + plural(run.files(), "file", "files") + " of " + human_bytes(run.source_bytes()) + '\n';
  }
  if (run.has_check()) text += check_facts(run);
  if (run.kind() == v1::RUN_KIND_BACKUP && run.state() == v1::RUN_STATE_FINISHED) {
    const auto parts = saved_parts(run);
    if (!parts.empty()) text += "  saved: " + joined(parts, ", ", std::string::npos) + '\n';
  }
  if (run.error_count() > 0) text += "  " + terminal.styled(errors_text(run), Style::kWarning) + '\n';
  return text + problems(run, terminal);
}

}  // namespace garner::client
