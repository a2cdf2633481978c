// What it means that an S3 store refuses a request: whether that passes by itself, and what people can do.
// Pure functions; any thread.
#pragma once

#include <string>

#include "base/clock.h"
#include "base/error.h"
#include "destination/s3/address.h"
#include "destination/s3/http_client.h"

namespace garner::destination {

// Whether the same request may be answered otherwise in a while.
bool may_pass(const HttpAnswer& answer);

struct Refused {
  const S3Address& address;
  const std::string& region;  // that the request was signed for
  bool writes = false;        // the request was to change something
  TimePoint now;              // when it was made
  bool has_body = true;       // the answer has one: it is none to HEAD
};

// `doing`: "writing s3:…". The kinds are those of destination.h: kNotFound where the object, or the upload,
// is not there; kDestinationFull; kDestinationAway where nothing can be done there at all until somebody puts
// it right; kReadFailed or kWriteFailed where it is this request that is refused.
Error refusal(const HttpAnswer& answer, const std::string& doing, const Refused& refused);

}  // namespace garner::destination
