#include "run_text.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <ctime>

#include "exit_code.h"
#include "text.h"

namespace garner::client {
namespace {

// A prune or check that a schedule began is of one destination.
std::string of_destination(const v1::Run& run) {
  return run.destinations_size() == 1 ? " of " + printable(run.destinations(0).destination()) : "";
}

}  // namespace

std::string run_title(const v1::Run& run) {
  switch (run.kind()) {
    case v1::RUN_KIND_BACKUP:
      return "backup of " + printable(run.set());
    case v1::RUN_KIND_RESTORE:
      // The target is not for everyone to see.
      return run.target().empty() ? "restore" : "restore to " + printable(run.target());
    case v1::RUN_KIND_CHECK:
      return "check" + of_destination(run);
    case v1::RUN_KIND_REPAIR:
      return "repair";
    case v1::RUN_KIND_FORGET:
      return run.forget().set().empty() ? "forget" : "forget of " + printable(run.forget().set());
    case v1::RUN_KIND_PRUNE:
      return "prune" + of_destination(run);
    case v1::RUN_KIND_COPY:
      return run.destinations_size() == 1 ? "copy to " + printable(run.destinations(0).destination())
                                          : "copy";
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
    case v1::PAUSE_REASON_STATE_FULL:
      return "paused: " + told("the disk of the daemon's state folder is full") +
             "; it goes on by itself when there is room";
    case v1::PAUSE_REASON_WINDOW:
      return "paused: " + told("its window has closed") + "; it goes on by itself then";
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

std::string capitalised(std::string text) {
  if (!text.empty() && text.front() >= 'a' && text.front() <= 'z')
    text.front() = static_cast<char>(text.front() - 32);
  return text;
}

std::string elapsed_text(const v1::Run& run) {
  if (!run.has_started()) return "-";
  const auto seconds_of = [](const google::protobuf::Timestamp& time) {
    return static_cast<double>(time.seconds()) + time.nanos() / 1e9;
  };
  const double end =
      run.has_finished() ? seconds_of(run.finished()) : static_cast<double>(std::time(nullptr));
  const double seconds = std::max(0.0, end - seconds_of(run.started()));
  if (seconds >= 10) return human_duration(static_cast<std::uint64_t>(seconds));
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.1f s", seconds);
  return text.data();
}

}  // namespace garner::client
