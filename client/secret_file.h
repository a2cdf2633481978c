// Files with secrets, which the client reads so that the daemon never opens a path that a caller names.
#pragma once

#include <optional>
#include <string>

#include "garner/v1/service.pb.h"

namespace garner::client {

// What --password-file, --key-file and --recovery-key-file were given; "-" is standard input.
struct SecretFiles {
  std::optional<std::string> password;
  std::optional<std::string> key_file;
  std::optional<std::string> recovery_key;

  bool any() const { return password || key_file || recovery_key; }
};

// The content of the one that is given; none when none is. A password loses one line end, a recovery key the
// blanks around it. Failure(kExitUsage) when two are given, and for a file that is missing, empty, too large,
// or readable by anyone but its owner.
std::optional<v1::Secret> read_secret(const SecretFiles& files);
// The file that it is read from, for the configuration as a file; none for standard input.
std::optional<v1::SecretReference> reference_of(const SecretFiles& files, bool share_keyring);
// An absolute path for a file that is to be remembered; none for standard input, and for what a shell opened
// or UTF-8 cannot write.
std::optional<std::string> remembered_path(const std::string& option, const std::string& path);
// Reads what a reference names; a credential is a password in the folder that systemd gave this process.
v1::Secret read_reference(const v1::SecretReference& reference);

// The content of one file that holds a secret; `option` names it in messages. Failure(kExitUsage) as above.
std::string read_secret_file(const std::string& option, const std::string& path, std::size_t limit);
// A password: without one line end, and not empty.
std::string read_password(const std::string& option, const std::string& path);
// Of a file that need not be secret.
std::string read_plain_file(const std::string& option, const std::string& path, std::size_t limit);

}  // namespace garner::client
