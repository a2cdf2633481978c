// A mount from its beginning to its end.
#pragma once

#include <functional>
#include <string>

#include "daemon_link.h"
#include "interrupt.h"
#include "mount/file_system.h"

namespace garner::client::mount {

// Mounts at the folder, calls `mounted`, and answers until it is unmounted or `interrupt` comes, after which
// it is unmounted; whoever still reads then gets an error. Called by the thread that made `interrupt`, which
// is given a handler of SIGUSR1. Failure where it cannot be mounted.
void serve(const std::string& folder, FileSystem& file_system, bool for_others, DaemonLink& link,
           Interrupt& interrupt, const std::function<void()>& mounted);

}  // namespace garner::client::mount
