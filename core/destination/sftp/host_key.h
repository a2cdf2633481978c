// Whether a server is the one that is meant: its key against the known ones.
#pragma once

#include <string>
#include <vector>

#include "destination/sftp/address.h"
#include "destination/sftp/known_hosts.h"
#include "destination/sftp/ssh_session.h"

namespace garner::destination {

// Before shake_hands(): the kinds of key that are asked for, those first that are known of this server. Of
// several keys it would otherwise show one that is not known.
void prefer_known_keys(SshSession& session, const SftpAddress& address, const KnownHosts& known);

// After it: SshFailure, saying what to do, unless the server's key is a known one. `files`: where one would
// be written down, for the message.
void check_host_key(SshSession& session, const SftpAddress& address, const KnownHosts& known,
                    const std::vector<std::string>& files);

}  // namespace garner::destination
