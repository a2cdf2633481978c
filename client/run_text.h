// A run in words: what it is, its state, and what it saved. Pure functions: text only.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "garner/v1/service.pb.h"
#include "terminal.h"

namespace garner::client {

// "backup of home", "restore to /tmp/x", "check", "repair".
std::string run_title(const v1::Run& run);
// With a capital letter where it begins with a small one.
std::string capitalised(std::string text);

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
// "1.2 GiB deduplicated", "700 MiB compressed away", of a backup.
std::vector<std::string> saved_parts(const v1::Run& run);

// "3 errors"; empty when there are none.
std::string errors_text(const v1::Run& run);

// The time from the run's start to its end, or to now: "0.4 s", "0:13"; "-" when it has not started.
std::string elapsed_text(const v1::Run& run);

// The parts that are not empty with `dot` between them, as many as fit into `width` columns.
std::string joined(const std::vector<std::string>& parts, std::string_view dot, std::size_t width);

}  // namespace garner::client
