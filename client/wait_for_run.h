// Waiting for a run that was started: shows its progress on standard error, its summary on standard output,
// and asks on Ctrl-C what to do. The run belongs to the daemon: whatever becomes of the client, it goes on.
#pragma once

#include <functional>

#include "session.h"

namespace garner::client {

// Starts a run with `start` and, unless `detach`, waits for its end. Returns the exit code.
int start_and_wait(Session& session, bool detach, const std::function<v1::Run(Session&)>& start);

}  // namespace garner::client
