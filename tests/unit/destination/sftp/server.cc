#include "server.h"

#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <thread>

#include "base/error.h"
#include "base/file.h"
#include "support/eventually.h"

namespace garner::destination::testing {

namespace {

// For a shell; none of the tests' words has a quote in it.
std::string quoted(const std::string& word) { return " '" + word + "'"; }

void run_command(const std::string& command) {
  if (std::system(command.c_str()) != 0) throw Error(ErrorKind::kUnavailable, "this failed: " + command);
}

}  // namespace

void Server::run(const std::string& action, const std::vector<std::string>& options) {
  std::string command = GARNER_OPENSSH " " + action + quoted(files_.path());
  for (const std::string& option : options) command += quoted(option);
  run_command(command);
}

std::string Server::fact(std::size_t line) const {
  std::ifstream facts(file("server"));
  std::string text;
  for (std::size_t at = 0; at <= line; ++at) {
    if (!std::getline(facts, text)) throw Error(ErrorKind::kUnavailable, "the server has told no facts");
  }
  return text;
}

SftpOptions Server::options(const std::string& name, std::chrono::milliseconds patience) const {
  SftpOptions options;
  options.address = parse_sftp_url("sftp://" + user() + "@" + fact(0) + ":" + fact(1) + path(name));
  options.ssh.known_hosts = file("known_hosts");
  options.ssh.keys = [key = file("key")] { return std::vector<SshKey>{read_ssh_key(key)}; };
  options.ssh.connect_timeout = std::chrono::seconds(5);
  options.ssh.stall_timeout = std::chrono::seconds(2);
  options.patience = options.short_patience = patience;
  return options;
}

std::unique_ptr<SftpDestination> Server::destination(const std::string& name) const {
  auto destination = std::make_unique<SftpDestination>(options(name));
  destination->create_folder();
  return destination;
}

std::size_t Server::sessions() const {
  std::ifstream log(file("log"));
  std::size_t sessions = 0;
  for (std::string line; std::getline(log, line);) {
    if (line.find("Starting session: subsystem 'sftp'") != std::string::npos) ++sessions;
  }
  return sessions;
}

void make_key(const std::string& path, const std::string& type, const std::string& passphrase,
              const Server& server) {
  run_command("ssh-keygen -q -t " + type + " -N" + quoted(passphrase) + " -C 'a key' -f" + quoted(path) +
              " </dev/null");
  run_command("cat" + quoted(path + ".pub") + " >>" + quoted(server.file("authorized_keys")));
}

Agent::Agent(const std::vector<std::string>& keys) {
  FILE* output = popen(("ssh-agent -s -a" + quoted(socket())).c_str(), "r");
  if (output == nullptr) throw Error(ErrorKind::kUnavailable, "no ssh-agent can be started");
  char line[500];
  while (std::fgets(line, sizeof line, output) != nullptr) {
    if (std::sscanf(line, "SSH_AGENT_PID=%d", &process_) == 1) break;
  }
  while (std::fgets(line, sizeof line, output) != nullptr) {
  }
  pclose(output);
  for (const std::string& key : keys) {
    run_command("SSH_AUTH_SOCK=" + socket() + " ssh-add -q" + quoted(key) + " </dev/null");
  }
}

// It removes its socket as it ends: before the folder goes.
Agent::~Agent() {
  if (process_ <= 0 || ::kill(process_, SIGTERM) != 0) return;
  garner::testing::eventually([&] { return access(socket().c_str(), F_OK) != 0; });
}

}  // namespace garner::destination::testing
