// A run in words: its state, its progress while it moves, and its summary when it has ended. Pure functions:
// text only.
#pragma once

#include <string>
#include <vector>

#include "garner/v1/service.pb.h"
#include "terminal.h"

namespace garner::client {

// "backup of home", "restore to /tmp/x", "check", "repair".
std::string run_title(const v1::Run& run);

// "running", "waiting", "paused", "interrupted", "finished", "with errors", "failed", "cancelled", "damage
// found".
std::string state_text(const v1::Run& run);
Style state_style(const v1::Run& run);

// Why an active run does not move, and what makes it go on; empty when it moves.
std::string waiting_text(const v1::Run& run);

// Content that needed no new storage, and what compression saved of the rest; 0 while nothing was saved.
struct Saved {
  std::uint64_t by_deduplication = 0;  // bytes of source that some destination held already
  std::uint64_t by_compression = 0;
};
Saved saved(const v1::Run& run);

// Live progress: one to four lines of at most the terminal's width.
std::vector<std::string> progress_lines(const v1::Run& run, const Terminal& terminal);

// Progress in one plain line, without a line end.
std::string progress_line(const v1::Run& run);

// "52%" of bytes, or of files where bytes are not known; empty while nothing is.
std::string progress_percent(const v1::Run& run);

// What came of a run that has ended, or of one in between; several lines, each ended.
std::string summary(const v1::Run& run, const Terminal& terminal);

// The time from the run's start to its end, or to now; 0 when it has not started.
std::uint64_t elapsed_seconds(const v1::Run& run);

}  // namespace garner::client
