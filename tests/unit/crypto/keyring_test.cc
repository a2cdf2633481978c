#include "crypto/keyring.h"

#include <rapidcheck.h>

#include <catch2/catch.hpp>

#include "crypto/contexts.h"
#include "crypto/hash.h"
#include "garner/v1/store.pb.h"
#include "support/error_kind.h"

namespace garner::crypto {
namespace {

using testing::kind_of;

constexpr TimePoint kKeyringTime{1'800'000'000, 5};

bool is_same_key(const Secret& a, const Secret& b) { return equal_constant_time(a.view(), b.view()); }

TEST_CASE("a keyring is read as it was written") {
  Keyring keyring = Keyring::generate(kKeyringTime);
  CHECK(keyring.rotate({kKeyringTime.seconds + 1, 0}) == 2);
  const Keyring parsed = Keyring::parse(keyring.serialize().view());
  CHECK(parsed.id() == keyring.id());
  CHECK(parsed.encrypted());
  REQUIRE(parsed.current_epoch() == 2);
  CHECK(parsed.epochs()[0].created == kKeyringTime);
  for (std::uint32_t epoch : {1u, 2u}) {
    CHECK(is_same_key(parsed.derive(epoch, context::kDataId), keyring.derive(epoch, context::kDataId)));
  }
}

TEST_CASE("keys differ by keyring, epoch and context") {
  Keyring keyring = Keyring::generate(kKeyringTime);
  const Secret before = keyring.derive(1, context::kSealData);
  keyring.rotate(kKeyringTime);
  CHECK(is_same_key(before, keyring.derive(1, context::kSealData)));
  CHECK_FALSE(is_same_key(before, keyring.derive(2, context::kSealData)));
  CHECK_FALSE(is_same_key(before, keyring.derive(1, context::kSealMetadata)));
  CHECK_FALSE(is_same_key(before, Keyring::generate(kKeyringTime).derive(1, context::kSealData)));
}

TEST_CASE("a key derives from the master key by its context alone") {
  const Keyring keyring = Keyring::generate(kKeyringTime);
  const Secret expected = derive_key(context::kHeaderMac, keyring.epochs()[0].master.view());
  CHECK(is_same_key(keyring.derive(1, context::kHeaderMac), expected));
}

TEST_CASE("an epoch that is not there cannot be derived from") {
  const Keyring keyring = Keyring::generate(kKeyringTime);
  CHECK(kind_of([&] { keyring.derive(2, context::kSealData); }) == ErrorKind::kWrongKey);
  CHECK(kind_of([&] { keyring.derive(0, context::kSealData); }) == ErrorKind::kWrongKey);
}

TEST_CASE("epochs are appended in order") {
  Keyring keyring = Keyring::generate(kKeyringTime);
  CHECK(kind_of([&] { keyring.append({3, random_secret(32), kKeyringTime}); }) == ErrorKind::kInvalidInput);
  CHECK(kind_of([&] { keyring.append({1, random_secret(32), kKeyringTime}); }) == ErrorKind::kInvalidInput);
  CHECK(kind_of([&] { keyring.append({2, random_secret(31), kKeyringTime}); }) == ErrorKind::kInvalidInput);
  keyring.append({2, random_secret(32), kKeyringTime});
  CHECK(keyring.current_epoch() == 2);
}

TEST_CASE("a copy has a life of its own") {
  Keyring keyring = Keyring::generate(kKeyringTime);
  const Keyring copy = keyring.copy();
  keyring.rotate(kKeyringTime);
  CHECK(copy.current_epoch() == 1);
  CHECK(copy.id() == keyring.id());
  CHECK(is_same_key(copy.derive(1, context::kDataId), keyring.derive(1, context::kDataId)));
}

TEST_CASE("the published keyring is the same for everyone and cannot become a secret one") {
  Keyring keyring = Keyring::unencrypted();
  CHECK_FALSE(keyring.encrypted());
  CHECK(keyring.id().is_nil());
  // These may never change: unencrypted repositories could not be read any more.
  CHECK(to_hex(keyring.epochs()[0].master.view()) ==
        "c6b107cbccb96b248c7f53507df7145317c0cd9ab8f0c39d309ae2e0d651e5ad");
  CHECK(to_hex(keyring.derive(1, context::kGearTable).view()) ==
        "1859c2927d7957df626e2a20838087df470de0ca0be76719a176d4ba8b194e51");
  CHECK(kind_of([&] { keyring.rotate(kKeyringTime); }) == ErrorKind::kInvalidInput);
  CHECK(kind_of([&] { keyring.serialize(); }) == ErrorKind::kInternal);
  CHECK_FALSE(keyring.copy().encrypted());
}

store::v1::Keyring valid_message() {
  store::v1::Keyring message;
  message.set_id(std::string(16, 'i'));
  for (std::uint32_t number : {1u, 2u}) {
    message.add_epochs()->set_number(number);
    message.mutable_epochs()->rbegin()->set_master(std::string(32, 'm'));
  }
  return message;
}

TEST_CASE("a malformed keyring is damage") {
  const auto kind = [](const store::v1::Keyring& message) {
    return kind_of([&] { Keyring::parse(as_bytes(message.SerializeAsString())); });
  };
  CHECK(Keyring::parse(as_bytes(valid_message().SerializeAsString())).current_epoch() == 2);
  store::v1::Keyring message = valid_message();
  message.set_id("short");
  CHECK(kind(message) == ErrorKind::kDamaged);
  message = valid_message();
  message.clear_epochs();
  CHECK(kind(message) == ErrorKind::kDamaged);
  message = valid_message();
  message.mutable_epochs(0)->set_number(2);
  CHECK(kind(message) == ErrorKind::kDamaged);
  message = valid_message();
  message.mutable_epochs(1)->set_master(std::string(33, 'm'));
  CHECK(kind(message) == ErrorKind::kDamaged);
  message = valid_message();
  message.mutable_epochs(1)->mutable_created()->set_nanos(1'000'000'000);
  CHECK(kind(message) == ErrorKind::kDamaged);
  CHECK(kind_of([] { Keyring::parse({}); }) == ErrorKind::kDamaged);
  CHECK(kind_of([] { Keyring::parse(Bytes(kMaximumKeyringSize + 1)); }) == ErrorKind::kDamaged);
}

TEST_CASE("any bytes are a valid keyring or damage") {
  const std::string valid = valid_message().SerializeAsString();
  const auto parses_or_is_damaged = [](ByteView bytes) {
    try {
      const Keyring keyring = Keyring::parse(bytes);
      return keyring.current_epoch() >= 1 && keyring.epochs()[0].master.size() == 32;
    } catch (const Error& error) {
      return error.kind() == ErrorKind::kDamaged;
    }
  };
  for (std::size_t length = 0; length < valid.size(); ++length) {
    REQUIRE(parses_or_is_damaged(as_bytes(valid).first(length)));
  }
  for (std::size_t bit = 0; bit < valid.size() * 8; ++bit) {
    Bytes flipped(valid.begin(), valid.end());
    flipped[bit / 8] ^= static_cast<std::uint8_t>(1u << (bit % 8));
    REQUIRE(parses_or_is_damaged(flipped));
  }
}

}  // namespace
}  // namespace garner::crypto
