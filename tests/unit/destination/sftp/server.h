// An OpenSSH server for a test, and an ssh-agent: started with it, ended with it.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "destination/sftp/sftp.h"
#include "support/temporary_folder.h"
#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/lsan_interface.h>
#endif

namespace garner::destination::testing {

// While it is there, memory that is not freed is not told of: libssh2 1.10 forgets a few bytes with each
// ECDSA key, and each time that keys of a session are made anew.
class ForgetfulLibrary {
#ifdef __SANITIZE_ADDRESS__
  __lsan::ScopedDisabler disabler_;
#endif

 public:
  ForgetfulLibrary() {}
};

// tests/support/openssh_server tells what the options are.
class Server {
 public:
  explicit Server(const std::vector<std::string>& options = {}) { start(options); }
  Server(const Server&) = delete;
  ~Server() { run("stop"); }

  // The same server again, with the options that it has then.
  void start(const std::vector<std::string>& options = {}) { run("start", options); }
  void kill() { run("kill"); }
  void cut() { run("cut"); }
  void hang() { run("hang"); }
  void go_on() { run("go-on"); }

  // A folder of the server's, for roots: it is this machine's.
  const std::string& folder() const { return folder_.path(); }
  std::string path(const std::string& name) const { return folder_.path(name); }
  // What the script keeps: "key", "known_hosts", "log".
  std::string file(const std::string& name) const { return files_.path(name); }

  // The root `path(name)`, with the server's key and limits of a few seconds. `patience`: everybody's.
  SftpOptions options(const std::string& name,
                      std::chrono::milliseconds patience = std::chrono::seconds(6)) const;
  std::string user() const { return fact(2); }
  std::uint16_t port() const { return static_cast<std::uint16_t>(std::stoul(fact(1))); }
  // With its root folder.
  std::unique_ptr<SftpDestination> destination(const std::string& name) const;
  // How many sessions it has given to anybody.
  std::size_t sessions() const;

 private:
  std::string fact(std::size_t line) const;
  void run(const std::string& action, const std::vector<std::string>& options = {});

  const garner::testing::TemporaryFolder files_;
  const garner::testing::TemporaryFolder folder_;
};

// A new key of ssh-keygen's at `path`, of `type`; lets it in at the server.
void make_key(const std::string& path, const std::string& type, const std::string& passphrase,
              const Server& server);

class Agent {
 public:
  // Holds the keys in these files.
  explicit Agent(const std::vector<std::string>& keys);
  Agent(const Agent&) = delete;
  ~Agent();
  std::string socket() const { return folder_.path("agent"); }

 private:
  const garner::testing::TemporaryFolder folder_;
  int process_ = 0;
};

inline Bytes some_bytes(std::size_t size) {
  Bytes bytes(size);
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<std::uint8_t>(i * 31 + i / 7919);
  return bytes;
}

}  // namespace garner::destination::testing
