// The files that ssh goes by: a user's keys, and the keys of servers that he knows. Any thread. Messages name
// paths, never what is in a file.
#pragma once

#include <string>
#include <vector>

#include "destination/sftp/known_hosts.h"

namespace garner::destination {

struct SshKey {
  std::string name;        // for messages: where it is from
  std::string text;        // the private key, in OpenSSH's form or PEM
  std::string passphrase;  // empty: the key has none
};

// Overwrites what is secret in them.
void wipe(std::vector<SshKey>& keys);

// Of the user that this process runs as.
std::string own_user_name();
// ~/.ssh/known_hosts, and the machine's.
std::vector<std::string> usual_known_hosts();
// Those of ~/.ssh/id_ed25519, id_ecdsa and id_rsa that are there.
std::vector<std::string> usual_key_files();

// The key that `source` names (secret_file.h), and the first line of what `passphrase_source` does, where
// that is not empty. Errors of open_secret().
SshKey read_ssh_key(const std::string& source, const std::string& passphrase_source = {});

// Of all the files; one that is missing holds no keys. Error(kReadFailed), (kInvalidInput: it is too long).
KnownHosts read_known_hosts(const std::vector<std::string>& paths);

}  // namespace garner::destination
