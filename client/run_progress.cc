#include "run_progress.h"

#include <algorithm>

#include "run_text.h"
#include "text.h"

namespace garner::client {
namespace {

// Packs for what looks at packs, files for what reads files.
std::string counted(const v1::Run& run, std::uint64_t count) {
  const bool packs = run.kind() == v1::RUN_KIND_CHECK || run.kind() == v1::RUN_KIND_REPAIR ||
                     (run.kind() == v1::RUN_KIND_PRUNE && run.progress().total_files() > 0);
  if (run.kind() == v1::RUN_KIND_PRUNE && !packs) return plural(count, "folder", "folders");
  return packs ? plural(count, "pack", "packs") : plural(count, "file", "files");
}

// "12,345 of 170,112 files".
std::string files_text(const v1::Run& run) {
  const v1::Progress& progress = run.progress();
  if (progress.total_files() == 0 && progress.done_files() == 0) return {};
  if (progress.total_files() <= progress.done_files()) return counted(run, progress.done_files());
  return human_count(progress.done_files()) + " of " + counted(run, progress.total_files());
}

// "1.2 GiB of 4.6 GiB".
std::string bytes_text(const v1::Run& run) {
  const v1::Progress& progress = run.progress();
  if (progress.total_bytes() == 0 && progress.done_bytes() == 0) return {};
  if (progress.total_bytes() <= progress.done_bytes()) return human_bytes(progress.done_bytes());
  return human_bytes(progress.done_bytes()) + " of " + human_bytes(progress.total_bytes());
}

bool moves(const v1::Run& run) { return run.state() == v1::RUN_STATE_RUNNING; }

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

void append_parts(std::vector<std::string>& to, std::vector<std::string> more) {
  for (std::string& part : more) to.push_back(std::move(part));
}

}  // namespace

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
  append_parts(parts, rate_parts(run));
  const std::string amounts = joined(parts, terminal.dot(), width > used ? width - used : 0);
  if (!done.empty() || !amounts.empty()) lines.push_back(first + amounts);

  std::vector<std::string> second;
  if (bytes_text(run).empty()) {
    append_parts(second, saved_parts(run));
  } else {
    second.push_back(files_text(run));
    append_parts(second, saved_parts(run));
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
    std::string stage = printable(progress.stage().empty() ? state_text(run) : progress.stage());
    if (!progress.held_by().empty()) stage += ", held back by " + printable(progress.held_by()) + ":";
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
  append_parts(parts, rate_parts(run));
  append_parts(parts, saved_parts(run));
  parts.push_back(errors_text(run));
  if (parts[0].empty() && parts[1].empty() && parts[2].empty()) {
    parts.push_back(printable(run.progress().stage().empty() ? state_text(run) : run.progress().stage()));
  }
  if (!run.progress().held_by().empty())
    parts.push_back("held back by " + printable(run.progress().held_by()));
  return title + joined(parts, ", ", std::string::npos);
}

}  // namespace garner::client
