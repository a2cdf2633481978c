#include "destination/sftp/open_sftp.h"

#include <cstdlib>
#include <optional>
#include <vector>

#include "base/bytes.h"
#include "base/error.h"
#include "destination/secret_file.h"
#include "destination/sftp/user_files.h"

namespace garner::destination {

namespace {

constexpr const char* kAgent = "agent";

// Those of the user that the daemon runs as which can be used: ssh passes over the others, too.
std::vector<SshKey> usual_keys(const std::string& passphrase) {
  std::vector<SshKey> keys;
  std::optional<Error> trouble;
  for (const std::string& path : usual_key_files()) {
    try {
      keys.push_back(read_ssh_key(path, passphrase));
    } catch (const Error& error) {
      trouble = error;
    }
  }
  if (keys.empty() && trouble) throw *trouble;
  return keys;
}

std::string agent_of_environment() {
  const char* const socket = std::getenv("SSH_AUTH_SOCK");
  if (socket != nullptr && *socket == '/') return socket;
  throw Error(ErrorKind::kDestinationAway,
              "the agent of --ssh-key agent: SSH_AUTH_SOCK is not set where the daemon runs");
}

}  // namespace

void check_sftp_option(const std::string& name, const std::string& value) {
  if (name != "ssh-key" && name != "ssh-passphrase-file" && name != "known-hosts")
    refuse_option("a server that is reached by SSH has no --" + printable(name));
  if (value.empty()) return;
  if (name == "known-hosts") {
    if (!value.starts_with('/') || value.find('\0') != std::string::npos)
      refuse_option("--known-hosts is an absolute path, not '" + printable(value) + "'");
    return;
  }
  if (is_secret_source(value) || (name == "ssh-key" && value == kAgent)) return;
  // Not shown: somebody may have given what is to stand in the file.
  refuse_option("--" + name + " is an absolute path" + (name == "ssh-key" ? ", 'agent'" : "") +
                " or 'systemd:NAME'");
}

std::shared_ptr<SftpDestination> open_sftp(const std::string& url, const PlaceOptions& options,
                                           const PlaceContext& context) {
  for (const auto& [name, value] : options) check_sftp_option(name, value);
  SftpOptions sftp;
  sftp.address = parse_sftp_url(url);
  sftp.ssh.known_hosts = option_of(options, "known-hosts");
  const std::string key = option_of(options, "ssh-key");
  const std::string passphrase = option_of(options, "ssh-passphrase-file");
  if (key == kAgent) {
    if (!passphrase.empty()) refuse_option("an agent needs no --ssh-passphrase-file");
    sftp.ssh.agent = agent_of_environment();
  } else if (key.empty()) {
    sftp.ssh.keys = [passphrase] { return usual_keys(passphrase); };
  } else {
    sftp.ssh.keys = [key, passphrase] { return std::vector<SshKey>{read_ssh_key(key, passphrase)}; };
  }
  if (context.limits) {
    sftp.ssh.before_sending = [limits = context.limits](std::uint64_t bytes) { limits->pay_upload(bytes); };
    sftp.ssh.before_receiving = [limits = context.limits](std::uint64_t bytes) {
      limits->pay_download(bytes);
    };
  }
  sftp.counts = context.counts;
  return std::make_shared<SftpDestination>(std::move(sftp));
}

}  // namespace garner::destination
