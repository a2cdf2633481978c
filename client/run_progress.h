// The progress of a run that has not ended. Pure functions: text only.
#pragma once

#include <string>
#include <vector>

#include "garner/v1/service.pb.h"
#include "terminal.h"

namespace garner::client {

// Live progress: one to four lines of at most the terminal's width.
std::vector<std::string> progress_lines(const v1::Run& run, const Terminal& terminal);

// Progress in one plain line, without a line end.
std::string progress_line(const v1::Run& run);

// "52%" of bytes, or of files where bytes are not known; empty while nothing is.
std::string progress_percent(const v1::Run& run);

}  // namespace garner::client
