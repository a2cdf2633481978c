// Proving to a server who we are: with keys, and with those that an ssh-agent holds.
#pragma once

#include <string>
#include <vector>

#include "destination/sftp/ssh_session.h"
#include "destination/sftp/user_files.h"

namespace garner::destination {

// Logs in as `user`: the keys are tried one after the other, then those of the agent whose socket is at
// `agent` (empty: none). Five at most, for a server ends a connection on which more are refused. SshFailure,
// saying of each what was wrong with it, when none does. The server's key must have been checked: it learns
// the name.
void log_in(SshSession& session, const std::string& user, const std::vector<SshKey>& keys,
            const std::string& agent);

}  // namespace garner::destination
