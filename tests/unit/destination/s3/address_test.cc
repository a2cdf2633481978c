#include "destination/s3/address.h"

#include "scripted.h"

namespace garner::destination {
namespace {

using testing::failure_of;

TEST_CASE("S3: a URL is taken apart, and told in one spelling") {
  S3Address plain = parse_s3_url("s3:https://S3.Example.org:443/backups/");
  CHECK(plain.host == "s3.example.org");
  CHECK(plain.bucket == "backups");
  CHECK(plain.prefix.empty());
  CHECK(plain.text() == "s3:https://s3.example.org/backups");
  CHECK(plain.server() == "s3.example.org");
  CHECK(plain.path("log/1") == "/backups/log/1");
  CHECK(plain.path("") == "/backups");
  plain.virtual_host = true;
  CHECK(plain.server() == "backups.s3.example.org");
  CHECK(plain.path("log/1") == "/log/1");
  CHECK(plain.path("") == "/");

  const S3Address deep = parse_s3_url("s3:http://[::1]:9000/b.c/one/two words//");
  CHECK(deep.host == "[::1]:9000");
  CHECK(deep.prefix == "one/two words/");
  CHECK(deep.path(deep.prefix + "x") == "/b.c/one/two%20words/x");
  CHECK(deep.text() == "s3:http://[::1]:9000/b.c/one/two words");
  CHECK(parse_s3_url("s3:http://host:80/bucket").host == "host");
  CHECK(parse_s3_url("s3:http://host:443/bucket").host == "host:443");
}

TEST_CASE("S3: what is no URL of a bucket is refused, and a key in it is not shown") {
  for (const char* bad : {"s3:",
                          "s3:ftp://host/bucket",
                          "s3:https://",
                          "s3:https://host",
                          "s3:https://host/",
                          "s3:https://host/B",
                          "s3:https://host/ab",
                          "s3:https://user:SECRET@host/bucket",
                          "s3:user:SECRET@host/bucket",
                          "s3://user:SECRET@host/bucket",
                          "s3:https://user:SECRET/SECRET@host/bucket",
                          "s3:https://host/bucket/a//b",
                          "s3://bucket",
                          "s3:https://host/bucket/../x",
                          "s3:https://host/bucket/a?x=1",
                          "s3:https://ho st/bucket",
                          "s3:https://host/bucket/\n",
                          "s3:https://host:443:443/bucket",
                          "s3:https://host:/bucket",
                          "s3:https://host:port/bucket",
                          "s3:https://[::1/bucket",
                          "s3:https://:9000/bucket"}) {
    CAPTURE(bad);
    const Error error = failure_of([&] { parse_s3_url(bad); });
    CHECK(error.kind() == ErrorKind::kInvalidInput);
    CHECK(std::string(error.what()).find("SECRET") == std::string::npos);
  }
}

TEST_CASE("S3: servers' names tell regions") {
  const auto region = [](const std::string& host) {
    return region_of(parse_s3_url("s3:https://" + host + "/bucket"));
  };
  CHECK(region("s3.eu-central-1.amazonaws.com") == "eu-central-1");
  CHECK(region("s3.dualstack.eu-west-1.amazonaws.com") == "eu-west-1");
  CHECK(region("s3-fips.us-east-2.amazonaws.com") == "us-east-2");
  CHECK(region("s3-fips.dualstack.us-east-2.amazonaws.com") == "us-east-2");
  CHECK(region("s3-us-west-2.amazonaws.com") == "us-west-2");
  CHECK(region("s3.amazonaws.com") == "us-east-1");
  CHECK(region("s3.us-west-004.backblazeb2.com") == "us-west-004");
  CHECK(region("0123.r2.cloudflarestorage.com") == "auto");
  CHECK(region("localhost:9000") == "us-east-1");
}

}  // namespace
}  // namespace garner::destination
