#include "destination/sftp/ssh_login.h"

#include <libssh2.h>

#include <memory>

#include "base/bytes.h"

namespace garner::destination {

namespace {

constexpr int kMostTries = 5;

struct AgentDeleter {
  void operator()(LIBSSH2_AGENT* agent) const {
    libssh2_agent_disconnect(agent);
    libssh2_agent_free(agent);
  }
};

bool is_lost(long code) {
  return code == LIBSSH2_ERROR_SOCKET_DISCONNECT || code == LIBSSH2_ERROR_SOCKET_RECV ||
         code == LIBSSH2_ERROR_SOCKET_SEND;
}

class Login {
 public:
  Login(SshSession& session, const std::string& user) : session_(session), user_(user) {}

  // True: no key is needed. This is how one asks what the server takes.
  bool ask_for_methods();
  bool try_key(const SshKey& key);
  bool try_agent(const std::string& socket);
  SshFailure refusal() const;

 private:
  static constexpr const char* kDoing = "logging in";

  void note(const std::string& what, const std::string& why) {
    tried_ += (tried_.empty() ? "" : ", ") + printable(what) + " (" + why + ")";
  }
  bool judge(long result, const std::string& name);

  SshSession& session_;
  const std::string& user_;
  std::string tried_;
  int tries_ = 0;
};

bool Login::ask_for_methods() {
  const char* methods = nullptr;
  const long result = session_.complete(kDoing, [&]() -> long {
    methods = libssh2_userauth_list(session_.get(), user_.data(), static_cast<unsigned>(user_.size()));
    return methods != nullptr ? 0 : libssh2_session_last_errno(session_.get());
  });
  if (methods == nullptr) {
    if (libssh2_userauth_authenticated(session_.get()) != 0) return true;
    throw session_.failure(kDoing, result);
  }
  const std::string list = std::string(",") + methods + ",";
  if (list.find(",publickey,") == std::string::npos) {
    throw SshFailure("the server takes no keys, but " + printable(methods) + ", which is not supported",
                     false);
  }
  return false;
}

bool Login::judge(long result, const std::string& name) {
  if (result == 0) return true;
  // A connection that is lost before the answer has come is LIBSSH2_ERROR_PUBLICKEY_UNVERIFIED to libssh2,
  // too.
  const bool refused =
      result == LIBSSH2_ERROR_AUTHENTICATION_FAILED || result == LIBSSH2_ERROR_PUBLICKEY_UNVERIFIED;
  if (refused && !session_.is_lost()) {
    ++tries_;
    note(name, "refused");
    return false;
  }
  if (refused || is_lost(result) || result == LIBSSH2_ERROR_TIMEOUT) {
    // A server that has refused enough ends the connection.
    if (tries_ > 0) throw refusal();
    throw session_.failure(kDoing, result);
  }
  note(name, session_.failure("it cannot be used", result).what());
  return false;
}

bool Login::try_key(const SshKey& key) {
  if (tries_ >= kMostTries) return false;
  const long result = session_.complete(kDoing, [&] {
    return libssh2_userauth_publickey_frommemory(session_.get(), user_.data(), user_.size(), nullptr, 0,
                                                 key.text.data(), key.text.size(), key.passphrase.c_str());
  });
  // There are many words for a key that cannot be read.
  if (result == LIBSSH2_ERROR_FILE || result == LIBSSH2_ERROR_KEYFILE_AUTH_FAILED ||
      result == LIBSSH2_ERROR_PROTO) {
    note(key.name, key.passphrase.empty() ? "it is no private key, or has a passphrase that was not given"
                                          : "it is no private key, or its passphrase is another one");
    return false;
  }
  return judge(result, key.name);
}

// The agent is asked without a time limit: it may ask its user.
bool Login::try_agent(const std::string& socket) {
  const std::unique_ptr<LIBSSH2_AGENT, AgentDeleter> agent(libssh2_agent_init(session_.get()));
  if (!agent) return false;
  libssh2_agent_set_identity_path(agent.get(), socket.c_str());
  if (libssh2_agent_connect(agent.get()) != 0 || libssh2_agent_list_identities(agent.get()) != 0) {
    note("the agent at " + socket, "it does not answer");
    return false;
  }
  libssh2_agent_publickey* key = nullptr;
  libssh2_agent_publickey* next = nullptr;
  bool any = false;
  while (libssh2_agent_get_identity(agent.get(), &next, key) == 0) {
    key = next;
    any = true;
    if (tries_ >= kMostTries) return false;
    const long result =
        session_.complete(kDoing, [&] { return libssh2_agent_userauth(agent.get(), user_.c_str(), key); });
    if (judge(result, std::string("the agent's ") + (key->comment != nullptr ? key->comment : "key")))
      return true;
  }
  if (!any) note("the agent at " + socket, "it holds no keys");
  return false;
}

SshFailure Login::refusal() const {
  std::string message = "the server lets nobody in as " + printable(user_) + " with these keys: ";
  message += tried_.empty() ? "none was given" : tried_;
  message += ". The public key has to stand in ~" + printable(user_) + "/.ssh/authorized_keys there";
  if (libssh2_version(0x010b00) == nullptr) {
    message +=
        "; RSA keys are signed with SHA-1 by this machine's libssh2, which servers refuse: use an Ed25519 "
        "key";
  }
  return SshFailure(message, false);
}

}  // namespace

void log_in(SshSession& session, const std::string& user, const std::vector<SshKey>& keys,
            const std::string& agent) {
  Login login(session, user);
  if (login.ask_for_methods()) return;
  for (const SshKey& key : keys) {
    if (login.try_key(key)) return;
  }
  if (!agent.empty() && login.try_agent(agent)) return;
  throw login.refusal();
}

}  // namespace garner::destination
