#include "destination/secret_file.h"

#include <fcntl.h>

#include <cerrno>
#include <cstdlib>
#include <string_view>

#include "base/bytes.h"
#include "base/error.h"

namespace garner::destination {

namespace {

constexpr std::string_view kSystemd = "systemd:";

std::string path_of(const std::string& source) {
  if (!source.starts_with(kSystemd)) return source;
  const char* const folder = std::getenv("CREDENTIALS_DIRECTORY");
  if (folder == nullptr || *folder == '\0')
    throw Error(ErrorKind::kNotFound,
                "the daemon's unit has no credentials: add LoadCredentialEncrypted= to it");
  return folder + ("/" + source.substr(kSystemd.size()));
}

}  // namespace

bool is_secret_source(const std::string& source) {
  if (source.find('\0') != std::string::npos) return false;
  if (!source.starts_with(kSystemd)) return source.starts_with('/');
  const std::string name = source.substr(kSystemd.size());
  return !name.empty() && name != "." && name != ".." && name.find('/') == std::string::npos;
}

SecretFile open_secret(const std::string& source, std::size_t limit) {
  SecretFile file{path_of(source), {}, {}};
  const std::string shown = printable(file.path);
  file.fd = open_file(file.path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
  if (fstat(file.fd.get(), &file.facts) != 0)
    throw system_error(errno, "reading " + shown, ErrorKind::kReadFailed);
  if (!S_ISREG(file.facts.st_mode)) throw Error(ErrorKind::kInvalidInput, shown + " is no file");
  // systemd gives its files to the unit alone.
  if (!source.starts_with(kSystemd) && (file.facts.st_mode & (S_IRWXG | S_IRWXO)) != 0)
    throw Error(ErrorKind::kPermissionDenied,
                shown + " can be used by others than its owner, so it is not secret: chmod 600 " + shown);
  if (static_cast<std::uint64_t>(file.facts.st_size) > limit)
    throw Error(ErrorKind::kInvalidInput, shown + " is too large");
  return file;
}

std::string read_secret(const SecretFile& file) {
  std::string text(static_cast<std::size_t>(file.facts.st_size), '\0');
  const MutableByteView into(reinterpret_cast<std::uint8_t*>(text.data()), text.size());
  text.resize(read_at(file.fd.get(), into, 0, file.path));
  return text;
}

}  // namespace garner::destination
