#include "destination/s3/answer_fields.h"

#include <catch2/catch.hpp>

namespace garner::destination {
namespace {

TEST_CASE("S3: Retry-After is seconds or a date") {
  const TimePoint now{784'111'777, 0};
  CHECK(retry_after("0", now) == std::chrono::seconds(0));
  CHECK(retry_after("120", now) == std::chrono::seconds(120));
  CHECK(retry_after("99999999999999999999", now) == std::chrono::seconds(1'000'000));
  CHECK(retry_after("Sun, 06 Nov 1994 08:50:37 GMT", now) == std::chrono::seconds(60));
  CHECK(retry_after("Sun, 06 Nov 1994 08:48:37 GMT", now) == std::chrono::seconds(0));
  CHECK_FALSE(retry_after("", now));
  CHECK_FALSE(retry_after("soon", now));
}

TEST_CASE("S3: Content-Range tells a part that can be") {
  const auto range = parse_content_range("bytes 5-9/10");
  REQUIRE(range);
  CHECK(range->first == 5);
  CHECK(range->last == 9);
  CHECK(range->whole == 10);
  CHECK(parse_content_range("bytes 0-0/18446744073709551615"));
  for (const char* text :
       {"", "bytes", "bytes ", "bytes 5-9", "bytes 5-9/*", "bytes */10", "bytes 9-5/10", "bytes 5-10/10",
        "bytes -5-9/10", "bytes 5-9/10 ", "bytes 5/9-10", "bytes 0-0/18446744073709551616", "5-9/10"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_content_range(text));
  }
}

}  // namespace
}  // namespace garner::destination
