// The URL of a destination on a server that is reached by SSH: `sftp://[USER@]HOST[:PORT]/PATH`.
//
// PATH is absolute; `/~/PATH` begins at the folder that a login leads to. What is not printable, and `%`, `?`
// and `#`, are written as %XX. Pure functions.
#pragma once

#include <cstdint>
#include <string>

namespace garner::destination {

struct SftpAddress {
  static constexpr std::uint16_t kUsualPort = 22;

  std::string user;  // empty: the name of the user that this process runs as
  std::string host;  // a name or an address, in lower case; an IPv6 address without brackets
  std::uint16_t port = kUsualPort;
  std::string
      path;  // of the root on the server: absolute, or, below the login's folder, relative ("." for it)

  // The same as a URL, in one way for each address.
  std::string url() const;
};

// By how it begins.
bool is_sftp_url(const std::string& url);
// Error(kInvalidInput), saying what is expected.
SftpAddress parse_sftp_url(const std::string& url);

}  // namespace garner::destination
