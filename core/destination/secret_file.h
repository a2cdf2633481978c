// Secrets by which a place is reached. They stand in files, are read when they are needed, and are not kept
// with the configuration: one that is renewed is renewed in its place, and nothing shows it. Any thread.
#pragma once

#include <sys/stat.h>

#include <cstddef>
#include <string>

#include "base/file.h"

namespace garner::destination {

// The absolute path of a file, or "systemd:NAME", a credential of the daemon's unit.
bool is_secret_source(const std::string& source);

struct SecretFile {
  std::string path;
  Fd fd;
  struct stat facts {};
};

// Opens what the source names, of at most `limit` bytes. Error(kNotFound); Error(kPermissionDenied), which
// says what to do, for a file that others than its owner may use; Error(kInvalidInput) for what is no file,
// which is not waited for, or too long.
SecretFile open_secret(const std::string& source, std::size_t limit);
std::string read_secret(const SecretFile& file);

}  // namespace garner::destination
