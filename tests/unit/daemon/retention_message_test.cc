#include "retention_message.h"

#include <catch2/catch.hpp>

#include "base/error.h"
#include "stored_request.h"

namespace garner::daemon {
namespace {

TEST_CASE("a policy comes back from its message as it was") {
  maintenance::RetentionPolicy policy;
  policy.last = 3;
  policy.quarterly = 4;
  policy.within = maintenance::parse_span("1y2w");
  CHECK(to_policy(to_message(policy)) == policy);
  CHECK(to_policy(v1::Retention()).empty());
}

TEST_CASE("an edit changes what it names and nothing else") {
  v1::Retention message;
  message.set_last(3);
  message.set_daily(7);
  message.set_within("1y");
  v1::RetentionEdit edit;
  edit.set_daily(0);
  edit.set_monthly(12);
  const v1::Retention after = edited(message, edit);
  CHECK(after.last() == 3);
  CHECK(after.daily() == 0);
  CHECK(after.monthly() == 12);
  CHECK(after.within() == "1y");
}

TEST_CASE("impossible numbers and durations are refused") {
  v1::Retention message;
  message.set_daily(100'001);
  CHECK_THROWS_AS(to_policy(message), Error);
  message.set_daily(1);
  message.set_within("a while");
  CHECK_THROWS_AS(to_policy(message), Error);
}

TEST_CASE("what an earlier version was asked to do can still be read") {
  StoredRequest request;
  request.destinations = {"disk"};
  request.dry_run = true;
  request.forget.mutable_retention()->set_last(2);
  request.forget_set = "home";
  request.by_itself = true;
  const Bytes now = encode(request);
  const StoredRequest read = decode_request(now);
  CHECK(read.forget.retention().last() == 2);
  CHECK(read.forget_set == "home");
  CHECK(read.by_itself);
  // Version 1 ended with dry_run: 13 bytes of forget and prune came with 2, and 23 of commands with 3.
  StoredRequest plain;
  plain.destinations = {"disk"};
  plain.dry_run = true;
  Bytes before = encode(plain);
  before.resize(before.size() - 13 - 23);
  before[0] = 1;
  const StoredRequest earlier = decode_request(before);
  CHECK(earlier.destinations == std::vector<std::string>{"disk"});
  CHECK(earlier.dry_run);
  CHECK_FALSE(earlier.by_itself);
}

}  // namespace
}  // namespace garner::daemon
