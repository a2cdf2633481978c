#include "destination/sftp/host_key.h"

#include <libssh2.h>

#include <algorithm>
#include <string_view>

#include "base/bytes.h"

namespace garner::destination {

namespace {

// Best first. DSA is no more.
constexpr std::string_view kMethods[] = {
    "ssh-ed25519",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "rsa-sha2-512",
    "rsa-sha2-256",
    "ssh-rsa",
};

// The type of key that a method is for: RSA keys are signed with in several ways.
std::string_view type_of(std::string_view method) { return method.starts_with("rsa-") ? "ssh-rsa" : method; }

std::string joined_words(const std::vector<std::string>& words, const char* between) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : between) + word;
  return text;
}

}  // namespace

void prefer_known_keys(SshSession& session, const SftpAddress& address, const KnownHosts& known) {
  const std::vector<std::string> types = known.types(address.host, address.port);
  std::vector<std::string> methods;
  for (const bool wanted : {true, false}) {
    for (const std::string_view method : kMethods) {
      const bool is_known = std::find(types.begin(), types.end(), type_of(method)) != types.end();
      if (is_known == wanted) methods.emplace_back(method);
    }
  }
  session.offer(LIBSSH2_METHOD_HOSTKEY, methods);
}

void check_host_key(SshSession& session, const SftpAddress& address, const KnownHosts& known,
                    const std::vector<std::string>& files) {
  std::size_t length = 0;
  int kind = 0;
  const char* bytes = libssh2_session_hostkey(session.get(), &length, &kind);
  if (bytes == nullptr) throw SshFailure("the server shows no host key", false);
  const ByteView key(reinterpret_cast<const std::uint8_t*>(bytes), length);
  const KnownHosts::Answer answer = known.check(address.host, address.port, key);

  const std::string name = KnownHosts::name_of(address.host, address.port);
  const std::string shown = printable(key_type(key)) + " " + fingerprint(key);
  const std::string port =
      address.port == SftpAddress::kUsualPort ? "" : "-p " + std::to_string(address.port) + " ";
  const std::string how =
      "compare it with what " + address.host +
      " has (ssh-keygen -lf on the files /etc/ssh/ssh_host_*_key.pub there), and add the line "
      "that `ssh-keyscan " +
      port + address.host + "` prints to " + printable(files.front());
  switch (answer.verdict) {
    case KnownHosts::Verdict::kKnown:
      return;
    case KnownHosts::Verdict::kUnknown:
      throw SshFailure("the host key of " + name + " is not known: " + shown + ": " + how, false);
    case KnownHosts::Verdict::kOtherType:
      throw SshFailure("the host key that " + name + " shows is not known: " + shown +
                           ". Known are keys of it of type " +
                           printable(joined_words(known.types(address.host, address.port), ", ")) + " (" +
                           answer.place + "), which it has not, or this machine's libssh2 cannot use: " + how,
                       false);
    case KnownHosts::Verdict::kChanged:
      throw SshFailure("the host key of " + name + " HAS CHANGED: it shows " + shown +
                           ", and another one is known (" + answer.place +
                           "). Somebody may be in between, reading and changing what is sent. Only if "
                           "the server was given a new key: `ssh-keygen -R '" +
                           name + "' -f FILE`, then " + how,
                       false);
    case KnownHosts::Verdict::kRevoked:
      throw SshFailure("the host key of " + name + ", " + shown + ", has been revoked (" + answer.place +
                           "): whoever shows it must not be trusted",
                       false);
  }
}

}  // namespace garner::destination
