// Where the keys to an S3 store come from. They are read when they are needed, not kept with the
// configuration: keys that expire are renewed in their place, and nothing shows them.
#pragma once

#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "destination/s3/signature.h"

namespace garner::destination {

// "environment" (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN of the daemon), or as
// is_secret_source() says. Error(kInvalidInput) for anything else.
void check_credentials_source(const std::string& source);

// Of a file: lines `aws_access_key_id = …`, `aws_secret_access_key = …` and, for keys that expire,
// `aws_session_token = …`, without a section or in [default]. Error(kInvalidInput), which names what is
// missing and never shows a value.
S3Credentials parse_credentials(std::string_view text);

// Any thread.
class CredentialSource {
 public:
  // As check_credentials_source().
  explicit CredentialSource(std::string source);
  // A file is read again whenever it has changed. Error(kDestinationAway), which says what to put right: a
  // run waits for that.
  S3Credentials get();

 private:
  struct Version {
    TimePoint modified;
    std::uint64_t inode = 0;
    std::uint64_t size = 0;
    bool operator==(const Version&) const = default;
  };
  S3Credentials from_file();

  const std::string source_;
  std::mutex mutex_;
  std::optional<Version> version_;  // of the file that `read_` came from
  S3Credentials read_;
};

}  // namespace garner::destination
