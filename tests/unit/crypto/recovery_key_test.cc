#include <rapidcheck.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <string>

#include "crypto/key_slot.h"
#include "support/error_kind.h"

namespace garner::crypto {
namespace {

using testing::message_of;

constexpr std::string_view kAlphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

bool reads_as(std::string_view text, const Secret& key) {
  return equal_constant_time(parse_recovery_key(text).view(), key.view());
}

bool is_refused(std::string_view text) {
  try {
    parse_recovery_key(text);
    return false;
  } catch (const Error& error) {
    return error.kind() == ErrorKind::kInvalidInput;
  }
}

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return text;
}

TEST_CASE("a recovery key is printed in eight groups of seven") {
  const std::string text = print_recovery_key(generate_recovery_key());
  REQUIRE(text.size() == 8 * 7 + 7);
  for (std::size_t i = 0; i < text.size(); ++i) CHECK((text[i] == '-') == (i % 8 == 7));
}

TEST_CASE("printed recovery keys never change") {
  Bytes counted(32);
  for (std::size_t i = 0; i < counted.size(); ++i) counted[i] = static_cast<std::uint8_t>(i * 8);
  CHECK(print_recovery_key(Secret(ByteView(counted))) ==
        "0041061-050R3GG-28A1C60-T3GF208-H44RM2M-B1E60S3-8DHR78Y-3W550FY");
}

TEST_CASE("a recovery key is read as it was printed, however it was typed") {
  REQUIRE(rc::check("round trip", [] {
    const Secret key(ByteView(*rc::gen::container<Bytes>(32, rc::gen::arbitrary<std::uint8_t>())));
    const std::string text = print_recovery_key(key);
    RC_ASSERT(reads_as(text, key));
    RC_ASSERT(reads_as(lower(text), key));
    std::string bare = text;
    bare.erase(std::remove(bare.begin(), bare.end(), '-'), bare.end());
    RC_ASSERT(reads_as(bare, key));
    std::string alike = text;
    for (char& character : alike) {
      if (character == '0') character = *rc::gen::element('0', 'O', 'o');
      if (character == '1') character = *rc::gen::element('1', 'I', 'i', 'L', 'l');
      if (character == '-') character = *rc::gen::element('-', ' ', '\n');
    }
    RC_ASSERT(reads_as("  " + alike + "\r\n", key));
  }));
}

TEST_CASE("a typo is caught") {
  const std::string text = print_recovery_key(generate_recovery_key());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '-') continue;
    for (const char other : kAlphabet) {
      if (other == text[i]) continue;
      std::string typo = text;
      typo[i] = other;
      REQUIRE(is_refused(typo));
    }
    std::string missing = text;
    missing.erase(i, 1);
    REQUIRE(is_refused(missing));
    std::string doubled = text;
    doubled.insert(i, 1, text[i]);
    REQUIRE(is_refused(doubled));
    if (i + 1 < text.size() && text[i + 1] != '-' && text[i + 1] != text[i]) {
      std::string swapped = text;
      std::swap(swapped[i], swapped[i + 1]);
      REQUIRE(is_refused(swapped));
    }
  }
}

TEST_CASE("what is off is said, and the key is not") {
  const std::string text = print_recovery_key(generate_recovery_key());
  std::string unknown = text;
  unknown[8] = 'U';
  CHECK(message_of([&] { parse_recovery_key(unknown); }) ==
        "character 8 of the recovery key is 'U', which no recovery key has");
  CHECK(message_of([&] { parse_recovery_key(text.substr(0, 55)); }) ==
        "a recovery key has 56 letters and digits; this one has 49");
  std::string typo = text;
  typo[0] = typo[0] == '0' ? '2' : '0';
  const std::string message = message_of([&] { parse_recovery_key(typo); });
  CHECK(message.find("checksum") != std::string::npos);
  CHECK(message.find(typo.substr(0, 7)) == std::string::npos);
  CHECK(is_refused(""));
  CHECK(is_refused(std::string(100'000, '0')));
}

}  // namespace
}  // namespace garner::crypto
