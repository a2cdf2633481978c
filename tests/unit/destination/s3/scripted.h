// What the tests of the S3 destination with servers by script share.
#pragma once

#include <catch2/catch.hpp>
#include <memory>
#include <string>

#include "base/error.h"
#include "destination/s3/s3.h"
#include "support/memory_store.h"
#include "support/scripted_http.h"

namespace garner::destination::testing {

using garner::testing::HttpGiven;
using garner::testing::HttpSeen;
using garner::testing::MemoryStore;
using garner::testing::ScriptedHttp;

// The bucket `bucket` there, below `pre/`; patient for a few seconds.
inline S3Options options_for(const ScriptedHttp& server) {
  S3Options options;
  options.address = parse_s3_url("s3:http://" + server.address() + "/bucket/pre");
  options.credentials = [] { return S3Credentials{"access", "secret", ""}; };
  options.patience = options.short_patience = std::chrono::seconds(5);
  return options;
}

template <typename Operation>
Error failure_of(const Operation& operation) {
  try {
    operation();
  } catch (const Error& error) {
    UNSCOPED_INFO(error.what());
    return error;
  }
  FAIL("no error");
  throw;
}

inline auto says(const std::string& text) { return Catch::Matchers::Contains(text); }

}  // namespace garner::destination::testing
