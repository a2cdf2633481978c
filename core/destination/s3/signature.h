// How requests are signed: AWS Signature Version 4, as Amazon's documentation of S3 describes it. libcurl has
// it, too, but signs other parts of a request from version to version.
#pragma once

#include <string>

#include "base/clock.h"
#include "destination/s3/http_client.h"

namespace garner::destination {

struct S3Credentials {
  std::string access_key;
  std::string secret_key;
  std::string session_token;  // of keys that expire; empty: none
};

// "20130524T000000Z".
std::string signing_time(TimePoint time);

// The value of the header `authorization`. `path` and `query` are percent-encoded as they are sent, the
// parameters of `query` in the order of their names, each with '='. `headers` are those that are signed:
// x-amz-date and x-amz-content-sha256 are among them, and the server's name as `host`.
std::string signature(const std::string& method, const std::string& path, const std::string& query,
                      HttpHeaders headers, const std::string& region, const S3Credentials& credentials);

}  // namespace garner::destination
