#include "base/byte_count.h"

#include <catch2/catch.hpp>

using namespace garner;

TEST_CASE("amounts of bytes are read with their units") {
  CHECK(parse_byte_count("0") == 0);
  CHECK(parse_byte_count("512") == 512);
  CHECK(parse_byte_count("512B") == 512);
  CHECK(parse_byte_count("2K") == 2000);
  CHECK(parse_byte_count("2KB") == 2000);
  CHECK(parse_byte_count("2KiB") == 2048);
  CHECK(parse_byte_count("1.5M") == 1'500'000);
  CHECK(parse_byte_count("64 MiB") == 64u << 20);
  CHECK(parse_byte_count("0.5GiB") == 512u << 20);
  CHECK(parse_byte_count("3T") == 3'000'000'000'000);
  CHECK(parse_byte_count("9007199254740992") == 9007199254740992);
}

TEST_CASE("text that is no amount is told apart") {
  for (const char* text : {"",
                           "M",
                           "-1",
                           "+1",
                           ".5M",
                           "5.M",
                           "1..5M",
                           "1e3",
                           "2m",
                           "2MIB",
                           "2 ",
                           "2  M",
                           " 2M",
                           "2M ",
                           "9007199254740993K",
                           "99999999999999999999",
                           "nan",
                           "inf",
                           "0x10",
                           "2Mi",
                           "2Ki"}) {
    INFO(text);
    CHECK_FALSE(parse_byte_count(text).has_value());
  }
}

TEST_CASE("an amount is written in the unit that gives it exactly") {
  CHECK(exact_byte_count(0) == "0");
  CHECK(exact_byte_count(317) == "317");
  CHECK(exact_byte_count(2'000'000) == "2M");
  CHECK(exact_byte_count(1'500'000) == "1500K");
  CHECK(exact_byte_count(64u << 20) == "64MiB");
  for (const std::uint64_t bytes :
       {1ull, 999ull, 1000ull, 1024ull, 5'120'000ull, 1ull << 40, 7'000'000'000ull})
    CHECK(parse_byte_count(exact_byte_count(bytes)) == bytes);
}
