#include "retention_option.h"

#include <catch2/catch.hpp>

#include "failure.h"

namespace garner::client {
namespace {

TEST_CASE("rules are of all destinations, or of the one that stands before '='") {
  RetentionArguments given;
  CHECK_FALSE(given.any());
  given.daily = {"7", "usb=30"};
  given.within = {"usb=1y"};
  CHECK(given.any());
  const RetentionEdits edits = to_edits(given);
  REQUIRE(edits.own.has_value());
  CHECK(edits.own->daily() == 7);
  CHECK_FALSE(edits.own->has_within());
  REQUIRE(edits.of_destinations.size() == 1);
  CHECK(edits.of_destinations.at("usb").daily() == 30);
  CHECK(edits.of_destinations.at("usb").within() == "1y");
  CHECK_FALSE(edits.of_destinations.at("usb").has_last());
  v1::AddSetRequest request;
  add_retention(given, request);
  CHECK(request.retention().daily() == 7);
  REQUIRE(request.destination_retentions_size() == 1);
  CHECK(request.destination_retentions(0).destination() == "usb");
  CHECK(request.destination_retentions(0).retention().within() == "1y");
}

TEST_CASE("0 is a rule that is taken away, and what is not given stays") {
  RetentionArguments given;
  given.last = {"disk=0"};
  given.within = {"0"};
  const RetentionEdits edits = to_edits(given);
  CHECK(edits.own->has_within());
  CHECK(edits.own->within().empty());
  CHECK(edits.of_destinations.at("disk").has_last());
  CHECK_FALSE(edits.of_destinations.at("disk").has_daily());
}

TEST_CASE("rules that cannot be read, or are given twice, are refused") {
  for (const char* text : {"two", "-1", "100001", "disk=", "=3", "a b=3", "disk=x", "disk=usb=3"}) {
    INFO(text);
    RetentionArguments given;
    given.last = {text};
    CHECK_THROWS_AS(to_edits(given), Failure);
  }
  RetentionArguments twice;
  twice.last = {"3", "disk=4", "4"};
  CHECK_THROWS_AS(to_edits(twice), Failure);
  twice.last = {"disk=4", "3", "disk=4"};
  CHECK_THROWS_AS(to_edits(twice), Failure);
}

}  // namespace
}  // namespace garner::client
