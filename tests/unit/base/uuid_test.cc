#include "base/uuid.h"

#include <catch2/catch.hpp>

#include "base/error.h"

namespace garner {
namespace {

void check_refused(std::string_view text) {
  INFO(text);
  try {
    Uuid::parse(text);
    FAIL_CHECK("was parsed");
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::kInvalidInput);
  }
}

TEST_CASE("uuids have the usual text form") {
  const Uuid uuid = Uuid::parse("01234567-89ab-cdef-0123-456789ABCDEF");
  CHECK(uuid.text() == "01234567-89ab-cdef-0123-456789abcdef");
  CHECK(uuid.value[0] == 0x01);
  CHECK(uuid.value[15] == 0xef);
  CHECK(Uuid::from_bytes(uuid.view()) == uuid);
}

TEST_CASE("other text is refused") {
  check_refused("");
  check_refused("0123456789abcdef0123456789abcdef");
  check_refused("01234567-89ab-cdef-0123-456789abcde");
  check_refused("01234567-89ab-cdef-0123-456789abcdef0");
  check_refused("01234567-89ab-cdef-0123-456789abcdeg");
  check_refused("0123456-789ab-cdef-0123-456789abcdef");
  check_refused("01234567-89ab-cdef-0123-45678-abcdef");
}

TEST_CASE("sixteen bytes make a uuid and no other number does") {
  const Bytes bytes(17);
  CHECK_THROWS_AS(Uuid::from_bytes(bytes), Error);
  CHECK_THROWS_AS(Uuid::from_bytes(ByteView(bytes).first(15)), Error);
  CHECK(Uuid::from_bytes(ByteView(bytes).first(16)).is_nil());
}

TEST_CASE("random uuids are of version 4 and differ") {
  const Uuid first = Uuid::random();
  CHECK(first.text()[14] == '4');
  CHECK(std::string("89ab").find(first.text()[19]) != std::string::npos);
  CHECK(first != Uuid::random());
  CHECK_FALSE(first.is_nil());
}

}  // namespace
}  // namespace garner
