// Who is let in, and which server is believed.
#include <sys/stat.h>

#include <libssh2.h>
#include <catch2/catch.hpp>
#include <fstream>

#include "base/error.h"
#include "base/file.h"
#include "destination/sftp/open_sftp.h"
#include "server.h"
#include "slow_link.h"
#include "support/temporary_folder.h"

namespace garner::destination {
namespace {

using garner::testing::TemporaryFolder;
using testing::Agent;
using testing::make_key;
using testing::Server;

// What every operation of a destination with these options fails with, at once.
std::string away(const SftpOptions& options) {
  SftpDestination destination(options);
  const auto failure_of = [](const auto& operation) {
    try {
      operation();
    } catch (const Error& error) {
      CHECK(error.kind() == ErrorKind::kDestinationAway);
      return std::string(error.what());
    }
    return std::string("no error");
  };
  const auto start = std::chrono::steady_clock::now();
  CHECK(failure_of([&] { destination.list(""); }) != "no error");
  CHECK(failure_of([&] { destination.get_all("log/1", 10); }) != "no error");
  const std::string message = failure_of([&] { destination.put("log/1", as_bytes("one")); });
  CHECK(std::chrono::steady_clock::now() - start < options.patience);
  return message;
}

void check_away(const SftpOptions& options, const std::string& says) {
  CHECK_THAT(away(options), Catch::Matchers::Contains(says));
}

bool is_let_in(SftpOptions options) {
  try {
    SftpDestination(options).create_folder();
    return true;
  } catch (const Error& error) {
    UNSCOPED_INFO(error.what());
    return false;
  }
}

std::string public_key(const Server& server) {
  return std::string(as_text(read_file(server.file("host_key.pub"), 10'000)));
}

SftpOptions with_known_hosts(const Server& server, const TemporaryFolder& folder, const std::string& text) {
  std::ofstream(folder.path("known_hosts"), std::ios::trunc) << text;
  SftpOptions options = server.options("root");
  options.ssh.known_hosts = folder.path("known_hosts");
  return options;
}

TEST_CASE("a server whose host key is not the known one is not believed") {
  const Server server;
  const Server other;
  const TemporaryFolder folder;
  const std::string name = "[127.0.0.1]:" + std::to_string(server.port());
  const std::string key = public_key(server);

  CHECK(is_let_in(with_known_hosts(server, folder, name + " " + key)));
  // Without a port it is good for each.
  CHECK(is_let_in(with_known_hosts(server, folder, "127.0.0.1 " + key)));
  CHECK(is_let_in(with_known_hosts(server, folder, "# a comment\n\n[127.0.0.*]:* " + key)));

  check_away(with_known_hosts(server, folder, ""),
             "the host key of " + name + " is not known: ssh-ed25519 SHA256:");
  check_away(with_known_hosts(server, folder, ""), "ssh-keyscan -p ");
  check_away(with_known_hosts(server, folder, "[127.0.0.1]:1 " + key), "is not known");
  check_away(with_known_hosts(server, folder, name + ",!127.0.0.1,!" + name + " " + key), "is not known");
  SftpOptions missing = server.options("root");
  missing.ssh.known_hosts = folder.path("none");
  check_away(missing, "is not known");

  const std::string changed =
      away(with_known_hosts(server, folder, "# first\n" + name + " " + public_key(other)));
  CHECK_THAT(changed, Catch::Matchers::Contains("HAS CHANGED"));
  CHECK_THAT(changed, Catch::Matchers::Contains(folder.path("known_hosts") + ", line 2"));
  check_away(with_known_hosts(server, folder, name + " " + key + "@revoked * " + key), "has been revoked");

  // Nobody has been told who we are.
  CHECK(server.sessions() == 3);
}

TEST_CASE("a server is known by the key that is known of it, though it has others") {
  const TemporaryFolder folder;
  Server server;
  make_key(folder.path("host"), "ecdsa", "", server);
  server.kill();
  server.start({"HostKey=" + folder.path("host"), "HostKeyAlgorithms=ecdsa-sha2-nistp256"});
  const std::string name = "[127.0.0.1]:" + std::to_string(server.port());
  const std::string ecdsa(as_text(read_file(folder.path("host.pub"), 10'000)));
  CHECK(is_let_in(with_known_hosts(server, folder, name + " " + ecdsa)));
  const std::string message = away(with_known_hosts(server, folder, name + " " + public_key(server)));
  CHECK_THAT(message, Catch::Matchers::Contains("Known are keys of it of type ssh-ed25519"));
}

TEST_CASE("keys with a passphrase and of other types are taken") {
  const testing::ForgetfulLibrary forgetful;
  const Server server;
  const TemporaryFolder folder;
  SftpOptions options = server.options("root");
  const auto use = [&](const std::string& name, const std::string& passphrase) {
    std::ofstream(folder.path("passphrase"), std::ios::trunc) << passphrase << "\n";
    chmod(folder.path("passphrase").c_str(), 0600);
    options.ssh.keys = [&folder, name, passphrase] {
      return std::vector<SshKey>{
          read_ssh_key(folder.path(name), passphrase.empty() ? "" : folder.path("passphrase"))};
    };
  };
  for (const char* type : {"ed25519", "ecdsa"}) {
    CAPTURE(type);
    make_key(folder.path(std::string(type)), type, "", server);
    make_key(folder.path(std::string(type) + "-sealed"), type, "open sesame", server);
    use(type, "");
    CHECK(is_let_in(options));
    use(std::string(type) + "-sealed", "open sesame");
    CHECK(is_let_in(options));
    use(std::string(type) + "-sealed", "");
    check_away(options, "has a passphrase that was not given");
    use(std::string(type) + "-sealed", "close sesame");
    check_away(options, "its passphrase is another one");
  }
  // Signed with SHA-1 by older versions, which servers refuse.
  make_key(folder.path("rsa"), "rsa", "", server);
  use("rsa", "");
  if (libssh2_version(0x010b00) != nullptr) {
    CHECK(is_let_in(options));
  } else {
    check_away(options, "use an Ed25519 key");
  }
}

TEST_CASE("keys that are refused, missing or open to others are told with what to do") {
  const Server server;
  const Server other;
  const TemporaryFolder folder;
  SftpOptions options = server.options("root");
  const auto use = [&](const std::string& path) {
    options.ssh.keys = [path] { return std::vector<SshKey>{read_ssh_key(path)}; };
  };
  use(other.file("key"));
  check_away(options,
             "lets nobody in as " + server.user() + " with these keys: " + other.file("key") + " (refused)");
  check_away(options, "authorized_keys");
  // The right one may come second.
  options.ssh.keys = [&] {
    return std::vector<SshKey>{read_ssh_key(other.file("key")), read_ssh_key(server.file("key"))};
  };
  CHECK(is_let_in(options));
  use(folder.path("none"));
  check_away(options, folder.path("none"));
  std::ofstream(folder.path("text")) << "this is no key";
  chmod(folder.path("text").c_str(), 0600);
  use(folder.path("text"));
  check_away(options, "it is no private key");
  chmod(folder.path("text").c_str(), 0640);
  check_away(options, "chmod 600 " + folder.path("text"));
  options.ssh.keys = nullptr;
  check_away(options, "none was given");
  // Another user's name.
  options = server.options("root");
  options.address.user = "garner-nobody";
  check_away(options, "lets nobody in as garner-nobody");
}

TEST_CASE("a connection that is lost at any point of the login is no refusal, and is made anew") {
  const Server server;
  const TemporaryFolder folder;
  testing::SlowLink link(server.port(), std::chrono::milliseconds(0));
  SftpOptions options = with_known_hosts(server, folder, "127.0.0.1 " + public_key(server));
  options.address.port = link.port();
  for (int answers = 1; answers <= 12; ++answers) {
    CAPTURE(answers);
    link.cut_at(answers);
    CHECK(is_let_in(options));
  }
}

TEST_CASE("an ssh-agent's keys are used") {
  const Server server;
  const Server other;
  SftpOptions options = server.options("root");
  options.ssh.keys = nullptr;
  {
    const Agent agent({other.file("key"), server.file("key")});
    options.ssh.agent = agent.socket();
    CHECK(is_let_in(options));
  }
  check_away(options, "it does not answer");
  const Agent empty({});
  options.ssh.agent = empty.socket();
  check_away(options, "it holds no keys");
  const Agent wrong({other.file("key")});
  options.ssh.agent = wrong.socket();
  check_away(options, "the agent's key (refused)");
}

TEST_CASE("how a server is reached is told by options of its URL") {
  Server server;
  const TemporaryFolder folder;
  const std::string url = server.options("root").address.url();
  const std::string known_hosts = server.file("known_hosts");
  const auto open = [&](PlaceOptions options) {
    options.emplace("known-hosts", known_hosts);
    return open_sftp(url, options, {});
  };
  CHECK_NOTHROW(open({{"ssh-key", server.file("key")}})->create_folder());
  make_key(folder.path("sealed"), "ed25519", "open sesame", server);
  std::ofstream(folder.path("passphrase")) << "open sesame\n";
  chmod(folder.path("passphrase").c_str(), 0600);
  const PlaceOptions sealed{{"ssh-key", folder.path("sealed")},
                            {"ssh-passphrase-file", folder.path("passphrase")}};
  CHECK_NOTHROW(open(sealed)->create_folder());
  // Of systemd's, which may have any mode.
  setenv("CREDENTIALS_DIRECTORY", folder.path().c_str(), 1);
  chmod(folder.path("sealed").c_str(), 0440);
  CHECK_NOTHROW(
      open({{"ssh-key", "systemd:sealed"}, {"ssh-passphrase-file", "systemd:passphrase"}})->create_folder());
  unsetenv("CREDENTIALS_DIRECTORY");
  const auto refusal = [&](const PlaceOptions& options) {
    try {
      open(options)->create_folder();
    } catch (const Error& error) {
      CHECK(error.kind() == ErrorKind::kDestinationAway);
      return std::string(error.what());
    }
    return std::string("no error");
  };
  CHECK_THAT(refusal(sealed), Catch::Matchers::Contains("chmod 600 " + folder.path("sealed")));
  CHECK_THAT(refusal({{"ssh-key", "systemd:sealed"}}), Catch::Matchers::Contains("LoadCredential"));
  CHECK_THAT(refusal({{"ssh-key", folder.path("none")}}), Catch::Matchers::Contains(folder.path("none")));
  unsetenv("SSH_AUTH_SOCK");
  CHECK_THAT(refusal({{"ssh-key", "agent"}}), Catch::Matchers::Contains("SSH_AUTH_SOCK"));
  const Agent agent({server.file("key")});
  setenv("SSH_AUTH_SOCK", agent.socket().c_str(), 1);
  CHECK_NOTHROW(open({{"ssh-key", "agent"}})->create_folder());
  unsetenv("SSH_AUTH_SOCK");
}

TEST_CASE("a server that is none of ours is told as what it is") {
  SECTION("text before SFTP") {
    const Server server({"Subsystem sftp=/bin/echo Welcome to this machine"});
    check_away(server.options("root"), "sends text where SFTP begins ('Welcome to this machine");
  }
  SECTION("no SFTP") {
    const Server server({"Subsystem sftp=/bin/true"});
    // It may be that the server is ending just then.
    try {
      SftpDestination(server.options("root", std::chrono::seconds(1))).list("");
      FAIL("no error");
    } catch (const Error& error) {
      CHECK(error.kind() == ErrorKind::kDestinationAway);
      CHECK_THAT(error.what(), Catch::Matchers::Contains("has ended SFTP"));
    }
  }
  SECTION("no keys") {
    const Server server({"PubkeyAuthentication=no", "PasswordAuthentication=yes"});
    check_away(server.options("root"), "takes no keys, but ");
  }
  SECTION("ciphers of another age") {
    const Server server({"Ciphers=aes128-cbc"});
    check_away(server.options("root"), "agreeing with the server on keys");
  }
  SECTION("no name") {
    const Server server;
    SftpOptions options = server.options("root");
    options.address.host = "no-such-host.invalid";
    options.ssh.connect_timeout = std::chrono::seconds(3);
    CHECK_THAT(away(options), Catch::Matchers::Contains("no-such-host.invalid"));
  }
}

}  // namespace
}  // namespace garner::destination
