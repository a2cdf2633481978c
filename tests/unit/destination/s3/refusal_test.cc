#include "destination/s3/refusal.h"

#include "scripted.h"

namespace garner::destination {
namespace {

using testing::says;

HttpAnswer answer_of(long status, const std::string& code, const std::string& message = "m",
                     const std::string& more = "") {
  HttpAnswer answer;
  answer.status = status;
  const std::string body =
      "<Error><Code>" + code + "</Code><Message>" + message + "</Message>" + more + "</Error>";
  answer.body.assign(body.begin(), body.end());
  return answer;
}

Error told(const HttpAnswer& answer, bool writes = false, bool has_body = true) {
  static const S3Address address = parse_s3_url("s3:https://host/my-bucket");
  static const std::string region = "us-east-1";
  return refusal(answer, "doing it", {address, region, writes, {1'800'000'000, 0}, has_body});
}

TEST_CASE("S3: whom a store refuses is told what to do") {
  struct Case {
    long status;
    const char* code;
    ErrorKind kind;
    const char* says;
  };
  for (const Case& one :
       {Case{404, "NoSuchBucket", ErrorKind::kDestinationAway, "make the bucket my-bucket"},
        Case{404, "NoSuchKey", ErrorKind::kNotFound, "NoSuchKey"},
        Case{404, "NoSuchUpload", ErrorKind::kNotFound, "NoSuchUpload"},
        Case{403, "InvalidAccessKeyId", ErrorKind::kDestinationAway, "not known there"},
        Case{403, "SignatureDoesNotMatch", ErrorKind::kDestinationAway, "secret key is wrong"},
        Case{400, "ExpiredToken", ErrorKind::kDestinationAway, "has expired"},
        Case{403, "AccessDenied", ErrorKind::kReadFailed, "may not do this"},
        Case{403, "QuotaExceeded", ErrorKind::kDestinationFull, ""},
        Case{507, "XMinioStorageFull", ErrorKind::kDestinationFull, ""},
        Case{503, "SlowDown", ErrorKind::kDestinationAway, "503 SlowDown"},
        Case{500, "InternalError", ErrorKind::kDestinationAway, "500"},
        Case{501, "NotImplemented", ErrorKind::kReadFailed, "does not know"},
        Case{403, "InvalidObjectState", ErrorKind::kReadFailed, "archive"}}) {
    CAPTURE(one.code);
    const Error error = told(answer_of(one.status, one.code));
    CHECK(error.kind() == one.kind);
    CHECK_THAT(error.what(), says(one.says));
    CHECK_THAT(error.what(), says("doing it: the server answers"));
  }
  CHECK(told(answer_of(403, "AccessDenied"), /*writes=*/true).kind() == ErrorKind::kWriteFailed);
  CHECK(told(answer_of(403, "AccessDenied", "Cannot upload files, storage cap exceeded."), true).kind() ==
        ErrorKind::kDestinationFull);
}

TEST_CASE("S3: a wrong region is told, and a wrong clock by how much") {
  CHECK_THAT(told(answer_of(400, "AuthorizationHeaderMalformed", "m", "<Region>eu-west-1</Region>")).what(),
             says("give --region eu-west-1"));
  HttpAnswer moved = answer_of(301, "PermanentRedirect");
  moved.headers["x-amz-bucket-region"] = "eu-west-3";
  CHECK_THAT(told(moved).what(), says("give --region eu-west-3"));
  moved.headers["x-amz-bucket-region"] = "us-east-1";
  CHECK_THAT(told(moved).what(), says("use its address"));
  HttpAnswer skewed = answer_of(403, "RequestTimeTooSkewed");
  skewed.headers["date"] = "Fri, 15 Jan 2027 09:00:00 GMT";  // an hour after the request
  CHECK_THAT(told(skewed).what(), says("60 minutes behind"));
}

TEST_CASE("S3: what is no answer of a store is told so") {
  HttpAnswer page;
  page.status = 404;
  const std::string body = "<html>Not here</html>";
  page.body.assign(body.begin(), body.end());
  CHECK(told(page).kind() == ErrorKind::kDestinationAway);
  CHECK_THAT(told(page).what(), says("is the address right?"));
  // A store says why it refuses, but not in its answer to HEAD.
  page.body.clear();
  CHECK(told(page).kind() == ErrorKind::kDestinationAway);
  CHECK(told(page, /*writes=*/false, /*has_body=*/false).kind() == ErrorKind::kReadFailed);
}

TEST_CASE("S3: what may pass is tried again, and nothing else") {
  for (const long status : {408, 429, 500, 502, 503, 504, 520}) CHECK(may_pass(answer_of(status, "X")));
  for (const long status : {301, 403, 404, 412, 501, 507}) CHECK_FALSE(may_pass(answer_of(status, "X")));
  CHECK(may_pass(answer_of(409, "ConditionalRequestConflict")));
  CHECK(may_pass(answer_of(400, "RequestTimeout")));
  CHECK_FALSE(may_pass(answer_of(400, "InvalidArgument")));
}

}  // namespace
}  // namespace garner::destination
