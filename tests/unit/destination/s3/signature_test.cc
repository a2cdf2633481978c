#include "destination/s3/signature.h"

#include <catch2/catch.hpp>

#include "base/error.h"
#include "destination/s3/address.h"
#include "destination/s3/digest.h"

namespace garner::destination {
namespace {

// The examples of Amazon's documentation, "Signature Calculations for the Authorization Header".
const S3Credentials kExample{"AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", ""};
const TimePoint kTime{1'369'353'600, 0};

std::string signature_of(const std::string& method, const std::string& path, const std::string& query,
                         HttpHeaders headers, ByteView body = {}) {
  headers.emplace_back("host", "examplebucket.s3.amazonaws.com");
  headers.emplace_back("x-amz-date", signing_time(kTime));
  headers.emplace_back("x-amz-content-sha256", sha256_hex(body));
  const std::string whole =
      signature(method, percent_encoded(path, true), query, headers, "us-east-1", kExample);
  return whole.substr(whole.rfind('=') + 1);
}

TEST_CASE("S3: requests are signed as Amazon's examples are") {
  CHECK(signing_time(kTime) == "20130524T000000Z");
  CHECK(signature_of("GET", "/test.txt", "", {{"range", "bytes=0-9"}}) ==
        "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41");
  CHECK(
      signature_of("PUT", "/test$file.text", "",
                   {{"date", "Fri, 24 May 2013 00:00:00 GMT"}, {"x-amz-storage-class", "REDUCED_REDUNDANCY"}},
                   as_bytes("Welcome to Amazon S3.")) ==
      "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd");
  CHECK(signature_of("GET", "/", "lifecycle=", {}) ==
        "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543");
  CHECK(signature_of("GET", "/", "max-keys=2&prefix=J", {}) ==
        "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7");
}

TEST_CASE("S3: a signature names whose it is and what it covers") {
  const std::string whole = signature("GET", "/bucket/key", "",
                                      {{"x-amz-date", signing_time(kTime)},
                                       {"host", "localhost:9000"},
                                       {"x-amz-security-token", "token"},
                                       {"x-amz-content-sha256", sha256_hex(ByteView{})}},
                                      "eu-central-1", kExample);
  CHECK_THAT(whole,
             Catch::Matchers::StartsWith(
                 "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/eu-central-1/s3/aws4_request, "
                 "SignedHeaders=host;x-amz-content-sha256;x-amz-date;x-amz-security-token, Signature="));
  CHECK(whole.find(kExample.secret_key) == std::string::npos);
}

}  // namespace
}  // namespace garner::destination
