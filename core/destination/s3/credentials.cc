#include "destination/s3/credentials.h"

#include <algorithm>
#include <cstdlib>

#include "base/bytes.h"
#include "base/error.h"
#include "destination/secret_file.h"

namespace garner::destination {

namespace {

constexpr const char* kEnvironment = "environment";
constexpr std::size_t kLargestFile = 64u << 10;
constexpr std::size_t kLongestValue = 16u << 10;

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kBlanks = " \t\r";
  const std::size_t first = text.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

// They go into a request's header.
void check_value(const std::string& name, const std::string& value) {
  const bool fits = value.size() <= kLongestValue &&
                    std::all_of(value.begin(), value.end(), [](char c) { return c > ' ' && c < '\x7f'; });
  if (!fits) throw Error(ErrorKind::kInvalidInput, name + " holds what no key can hold");
}

void check_complete(const S3Credentials& keys, const std::string& access, const std::string& secret,
                    const std::string& token) {
  if (keys.access_key.empty()) throw Error(ErrorKind::kInvalidInput, access + " is missing");
  if (keys.secret_key.empty()) throw Error(ErrorKind::kInvalidInput, secret + " is missing");
  check_value(access, keys.access_key);
  check_value(secret, keys.secret_key);
  check_value(token, keys.session_token);
  // A signature's parts are told from each other by it.
  if (keys.access_key.find('/') != std::string::npos)
    throw Error(ErrorKind::kInvalidInput, access + " holds what no key can hold");
}

std::string variable(const char* name) {
  const char* const value = std::getenv(name);
  return value != nullptr ? value : "";
}

S3Credentials from_environment() {
  S3Credentials keys{variable("AWS_ACCESS_KEY_ID"), variable("AWS_SECRET_ACCESS_KEY"),
                     variable("AWS_SESSION_TOKEN")};
  check_complete(keys, "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN");
  return keys;
}

}  // namespace

void check_credentials_source(const std::string& source) {
  if (source == kEnvironment || is_secret_source(source)) return;
  throw Error(ErrorKind::kInvalidInput, "'" + printable(source) +
                                            "' names no keys: an absolute path, 'environment' or "
                                            "'systemd:NAME' is expected");
}

S3Credentials parse_credentials(std::string_view text) {
  S3Credentials keys;
  bool is_ours = true;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    const std::string_view line = trimmed(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (line.empty() || line.front() == '#' || line.front() == ';') continue;
    if (line.front() == '[') {
      is_ours = line.back() == ']' && trimmed(line.substr(1, line.size() - 2)) == "default";
      continue;
    }
    const std::size_t equals = line.find('=');
    if (!is_ours || equals == std::string_view::npos) continue;
    const std::string_view name = trimmed(line.substr(0, equals));
    const std::string value(trimmed(line.substr(equals + 1)));
    if (name == "aws_access_key_id") keys.access_key = value;
    if (name == "aws_secret_access_key") keys.secret_key = value;
    if (name == "aws_session_token") keys.session_token = value;
  }
  check_complete(keys, "aws_access_key_id", "aws_secret_access_key", "aws_session_token");
  return keys;
}

CredentialSource::CredentialSource(std::string source) : source_(std::move(source)) {
  check_credentials_source(source_);
}

S3Credentials CredentialSource::get() {
  try {
    return source_ == kEnvironment ? from_environment() : from_file();
  } catch (const Error& error) {
    throw Error(ErrorKind::kDestinationAway,
                "the keys to the store (--access-keys " + printable(source_) + "): " + error.what());
  }
}

S3Credentials CredentialSource::from_file() {
  const SecretFile file = open_secret(source_, kLargestFile);
  const Version version{{file.facts.st_mtim.tv_sec, static_cast<std::uint32_t>(file.facts.st_mtim.tv_nsec)},
                        file.facts.st_ino,
                        static_cast<std::uint64_t>(file.facts.st_size)};
  const std::lock_guard lock(mutex_);
  if (version_ == version) return read_;
  version_.reset();
  read_ = parse_credentials(read_secret(file));
  version_ = version;
  return read_;
}

}  // namespace garner::destination
