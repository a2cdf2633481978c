#include "secret_file.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "argument.h"
#include "failure.h"
#include "text.h"

namespace garner::client {
namespace {

constexpr std::size_t kLargestPassword = 4096;
constexpr std::size_t kSmallestKeyFile = 32;
constexpr std::size_t kLargestKeyFile = 64 << 10;
constexpr std::size_t kLargestRecoveryKey = 4096;

class InputDescriptor {
 public:
  explicit InputDescriptor(int value) : value_(value) {}
  ~InputDescriptor() {
    if (value_ > STDERR_FILENO) close(value_);
  }
  InputDescriptor(const InputDescriptor&) = delete;
  InputDescriptor& operator=(const InputDescriptor&) = delete;
  int get() const { return value_; }

 private:
  int value_;
};

// While it lives, a terminal does not show what is typed.
class Unechoed {
 public:
  explicit Unechoed(int descriptor) : descriptor_(descriptor) {
    if (tcgetattr(descriptor_, &before_) != 0) return;
    termios silent = before_;
    silent.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    active_ = tcsetattr(descriptor_, TCSAFLUSH, &silent) == 0;
  }
  ~Unechoed() {
    if (!active_) return;
    tcsetattr(descriptor_, TCSAFLUSH, &before_);
    // The line end was typed unseen.
    [[maybe_unused]] const ssize_t written = write(STDERR_FILENO, "\n", 1);
  }
  Unechoed(const Unechoed&) = delete;
  Unechoed& operator=(const Unechoed&) = delete;

 private:
  int descriptor_;
  termios before_{};
  bool active_ = false;
};

// The content up to its end, or up to the line end with `one_line`; one byte beyond `limit` at most.
std::string read_up_to(int descriptor, std::size_t limit, bool one_line, const std::string& name) {
  std::string content;
  std::array<char, 4096> buffer{};
  while (content.size() <= limit) {
    const ssize_t count = read(descriptor, buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) throw usage_failure(name + " cannot be read: " + std::strerror(errno));
    if (count == 0) break;
    content.append(buffer.data(), static_cast<std::size_t>(count));
    if (one_line && content.find('\n') != std::string::npos) break;
  }
  return content;
}

std::string read_whole(const std::string& option, const std::string& path, std::size_t limit, bool secret) {
  const bool standard_input = path == "-";
  if (path.empty()) throw usage_failure(option + " is empty: give a file, or - for standard input");
  const std::string name = standard_input ? "standard input" : printable(path);
  const InputDescriptor file(standard_input ? STDIN_FILENO
                                            : open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY));
  if (file.get() < 0) throw usage_failure(option + " " + name + " cannot be opened: " + std::strerror(errno));

  std::string content;
  if (standard_input && isatty(STDIN_FILENO) == 1) {
    const std::string prompt = option == "--password-file" ? "Password: " : "Key: ";
    // Silent before it asks: turning the echo off drops what has been typed.
    const Unechoed unechoed(STDIN_FILENO);
    [[maybe_unused]] const ssize_t written = write(STDERR_FILENO, prompt.data(), prompt.size());
    content = read_up_to(file.get(), limit, true, name);
  } else {
    struct stat facts {};
    if (fstat(file.get(), &facts) != 0)
      throw usage_failure(option + " " + name + ": " + std::strerror(errno));
    if (S_ISDIR(facts.st_mode)) throw usage_failure(option + " " + name + " is a folder: give a file");
    if (secret && !standard_input && (facts.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
      throw usage_failure(option + " " + name + " can be used by others than its owner, so it is not secret",
                          "chmod 600 " + name);
    }
    content = read_up_to(file.get(), limit, false, name);
  }
  if (content.size() > limit) {
    throw usage_failure(option + " " + name + " is too large: at most " + human_bytes(limit));
  }
  return content;
}

std::string trimmed(const std::string& text) {
  static constexpr const char* kBlanks = " \t\r\n";
  const std::size_t begin = text.find_first_not_of(kBlanks);
  if (begin == std::string::npos) return {};
  return text.substr(begin, text.find_last_not_of(kBlanks) - begin + 1);
}

}  // namespace

std::string read_secret_file(const std::string& option, const std::string& path, std::size_t limit) {
  prctl(PR_SET_DUMPABLE, 0);  // from here on a crash leaves no copy of this process
  return read_whole(option, path, limit, true);
}

std::string read_plain_file(const std::string& option, const std::string& path, std::size_t limit) {
  return read_whole(option, path, limit, false);
}

std::string read_password(const std::string& option, const std::string& path) {
  std::string password = read_secret_file(option, path, kLargestPassword);
  if (!password.empty() && password.back() == '\n') password.pop_back();
  if (password.empty()) throw usage_failure(option + ": the password is empty");
  return password;
}

std::optional<v1::Secret> read_secret(const SecretFiles& files) {
  check_at_most_one({{"--password-file", files.password.has_value()},
                     {"--key-file", files.key_file.has_value()},
                     {"--recovery-key-file", files.recovery_key.has_value()}});
  v1::Secret secret;
  if (files.password) {
    secret.set_password(read_password("--password-file", *files.password));
  } else if (files.key_file) {
    std::string key = read_secret_file("--key-file", *files.key_file, kLargestKeyFile);
    if (key.size() < kSmallestKeyFile) {
      throw usage_failure(
          "--key-file: a key file has at least " + std::to_string(kSmallestKeyFile) + " bytes",
          "Make one with: (umask 077; head -c 64 /dev/urandom > FILE)");
    }
    secret.set_key_file(std::move(key));
  } else if (files.recovery_key) {
    std::string key =
        trimmed(read_secret_file("--recovery-key-file", *files.recovery_key, kLargestRecoveryKey));
    if (key.empty()) throw usage_failure("--recovery-key-file: the recovery key is empty");
    // Not shown: it is nearly a secret.
    if (!is_utf8(key))
      throw usage_failure("--recovery-key-file: this is not a recovery key, which is printable text");
    secret.set_recovery_key(std::move(key));
  } else {
    return std::nullopt;
  }
  return secret;
}

std::optional<std::string> remembered_path(const std::string& option, const std::string& path) {
  // What is not UTF-8 cannot be written in the file, and what a shell opened is not there another time.
  if (path == "-" || !is_utf8(path)) return std::nullopt;
  try {
    const std::string absolute = absolute_path(option, path);
    if (absolute.starts_with("/dev/") || absolute.starts_with("/proc/")) return std::nullopt;
    return absolute;
  } catch (const Failure&) {
    return std::nullopt;  // it has no plain name
  }
}

std::optional<v1::SecretReference> reference_of(const SecretFiles& files, bool share_keyring) {
  v1::SecretReference reference;
  const auto take = [&](const char* option, const std::optional<std::string>& path) {
    if (!path) return;
    if (const auto absolute = remembered_path(std::string("--") + option, *path)) {
      reference.set_option(option);
      reference.set_name(*absolute);
    }
  };
  take("password-file", files.password);
  take("key-file", files.key_file);
  take("recovery-key-file", files.recovery_key);
  if (reference.option().empty()) return std::nullopt;
  reference.set_share_keyring(share_keyring);
  return reference;
}

v1::Secret read_reference(const v1::SecretReference& reference) {
  SecretFiles files;
  if (reference.option() == "password-file") files.password = reference.name();
  if (reference.option() == "key-file") files.key_file = reference.name();
  if (reference.option() == "recovery-key-file") files.recovery_key = reference.name();
  if (reference.option() == "credential") {
    const char* const folder = std::getenv("CREDENTIALS_DIRECTORY");
    if (folder == nullptr) {
      throw usage_failure("the credential '" + printable(reference.name()) +
                              "' is not there: CREDENTIALS_DIRECTORY is not set",
                          "Run this by systemd-run -p LoadCredentialEncrypted=" +
                              printable(reference.name()) + ":FILE, or from a unit that has it.");
    }
    files.password = std::string(folder) + '/' + reference.name();
  }
  if (!files.any()) throw usage_failure("there is no kind of secret '" + printable(reference.option()) + "'");
  return *read_secret(files);
}

}  // namespace garner::client
