#include "destination/sftp/user_files.h"

#include <pwd.h>
#include <string.h>
#include <unistd.h>

#include <cerrno>

#include "base/bytes.h"
#include "base/error.h"
#include "base/file.h"
#include "destination/secret_file.h"

namespace garner::destination {

namespace {

constexpr std::size_t kLongestKey = 64u << 10;
constexpr std::size_t kLongestPassphrase = 4096;
constexpr std::size_t kLongestKnownHosts = 32u << 20;

struct Account {
  std::string name;
  std::string home;
};

Account own_account() {
  passwd entry{};
  passwd* found = nullptr;
  std::vector<char> buffer(1024);
  while (getpwuid_r(geteuid(), &entry, buffer.data(), buffer.size(), &found) == ERANGE &&
         buffer.size() < (1u << 20)) {
    buffer.resize(buffer.size() * 2);
  }
  if (found == nullptr) return {};
  return {entry.pw_name, entry.pw_dir};
}

void wipe(std::string& text) {
  explicit_bzero(text.data(), text.size());
  text.clear();
}

}  // namespace

void wipe(std::vector<SshKey>& keys) {
  for (SshKey& key : keys) {
    wipe(key.text);
    wipe(key.passphrase);
  }
}

std::string own_user_name() {
  std::string name = own_account().name;
  if (name.empty()) {
    throw Error(ErrorKind::kInvalidInput,
                "this process runs as a user without a name: write the server's as sftp://USER@HOST/PATH");
  }
  return name;
}

std::vector<std::string> usual_known_hosts() {
  std::vector<std::string> paths;
  const std::string home = own_account().home;
  if (!home.empty()) paths.push_back(home + "/.ssh/known_hosts");
  paths.emplace_back("/etc/ssh/ssh_known_hosts");
  return paths;
}

std::vector<std::string> usual_key_files() {
  std::vector<std::string> paths;
  const std::string home = own_account().home;
  if (home.empty()) return paths;
  for (const char* const name : {"id_ed25519", "id_ecdsa", "id_rsa"}) {
    std::string path = home + "/.ssh/" + name;
    if (access(path.c_str(), F_OK) == 0) paths.push_back(std::move(path));
  }
  return paths;
}

SshKey read_ssh_key(const std::string& source, const std::string& passphrase_source) {
  SshKey key;
  key.name = source;
  key.text = read_secret(open_secret(source, kLongestKey));
  if (passphrase_source.empty()) return key;
  key.passphrase = read_secret(open_secret(passphrase_source, kLongestPassphrase));
  const std::size_t end = key.passphrase.find_first_of("\r\n");
  if (end != std::string::npos) key.passphrase.resize(end);
  return key;
}

KnownHosts read_known_hosts(const std::vector<std::string>& paths) {
  KnownHosts hosts;
  for (const std::string& path : paths) {
    try {
      const Bytes text = read_file(path, kLongestKnownHosts);
      hosts.add(as_text(text), path);
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::kNotFound) throw;
    }
  }
  return hosts;
}

}  // namespace garner::destination
