// Where the log goes: console, rotating file, or journald; and always the ring of recent lines.
#pragma once

#include <memory>
#include <string>

#include "log_ring.h"
#include "settings.h"

namespace garner::daemon {

// Where nothing is set: journald when systemd started the process (JOURNAL_STREAM names its standard error),
// the console in the foreground on a terminal, else <state folder>/garnerd.log.
LogTarget default_log_target(bool foreground);

// Makes it the process's default logger.
std::shared_ptr<LogRing> start_logging(const Settings& settings, LogTarget target,
                                       const std::string& state_folder);

}  // namespace garner::daemon
