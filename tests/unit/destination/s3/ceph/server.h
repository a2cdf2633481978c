// The S3 server that the tests talk to, as it was started for them.
#pragma once

#include <string>

#include "destination/s3/s3.h"

namespace garner::destination::testing {

struct Server {
  std::string endpoint;  // http://HOST:PORT
  S3Credentials credentials;
  std::string region;
};
const Server& server();

// A bucket that was not there before; it stays until the server ends.
std::string make_bucket();
// The bucket, below the prefix; with the server's keys.
S3Options options_for(const std::string& bucket, const std::string& prefix = "");

}  // namespace garner::destination::testing
