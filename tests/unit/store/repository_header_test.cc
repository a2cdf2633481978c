#include "store/repository_header.h"

#include "support/error_kind.h"
#include "support/memory_destination.h"
#include "support/random_packs.h"

using namespace garner;
using namespace garner::store;
using namespace garner::testing;

TEST_CASE("a header comes back as it was created, and verifies under its keyring") {
  crypto::initialize_crypto();
  MemoryDestination destination;
  const crypto::Keyring keyring = crypto::Keyring::generate({5, 0});
  const Uuid repository = Uuid::random();
  const RepositoryHeader created = create_header(destination, repository, keyring, {1234, 5});
  const RepositoryHeader read = read_header(destination);
  CHECK(read.repository == repository);
  CHECK(read.encrypted);
  CHECK(read.keyring == keyring.id());
  CHECK(read.hash == created.hash);
  CHECK(read.hash == crypto::hash(destination.object(kHeaderKey)));
  CHECK(verify_header(destination, keyring).hash == read.hash);
  CHECK(kind_of([&] {
          create_header(destination, Uuid::random(), keyring, {1, 1});
        }) == ErrorKind::kAlreadyExists);
}

TEST_CASE("another keyring, and the other mode, are wrong keys") {
  crypto::initialize_crypto();
  const crypto::Keyring keyring = crypto::Keyring::generate({5, 0});
  MemoryDestination encrypted;
  create_header(encrypted, Uuid::random(), keyring, {1, 0});
  MemoryDestination plain;
  create_header(plain, Uuid::random(), crypto::Keyring::unencrypted(), {1, 0});
  CHECK_FALSE(read_header(plain).encrypted);
  CHECK_NOTHROW(verify_header(plain, crypto::Keyring::unencrypted()));
  CHECK(kind_of([&] {
          verify_header(encrypted, crypto::Keyring::generate({5, 0}));
        }) == ErrorKind::kWrongKey);
  CHECK(kind_of([&] { verify_header(encrypted, crypto::Keyring::unencrypted()); }) == ErrorKind::kWrongKey);
  CHECK(kind_of([&] { verify_header(plain, keyring); }) == ErrorKind::kWrongKey);
}

TEST_CASE("a rotated keyring still verifies the header") {
  crypto::initialize_crypto();
  MemoryDestination destination;
  crypto::Keyring keyring = crypto::Keyring::generate({5, 0});
  create_header(destination, Uuid::random(), keyring, {1, 0});
  keyring.rotate({6, 0});
  CHECK_NOTHROW(verify_header(destination, keyring));
}

TEST_CASE("without a header the message says what is there instead") {
  crypto::initialize_crypto();
  MemoryDestination destination;
  CHECK(kind_of([&] { read_header(destination); }) == ErrorKind::kNotARepository);
  CHECK(message_of([&] { read_header(destination); }).find("it is empty") != std::string::npos);
  destination.put("photo.jpg", as_bytes("x"));
  CHECK(message_of([&] { read_header(destination); }).find("other files") != std::string::npos);
  destination.put("log/0000000000000001", as_bytes("x"));
  CHECK(kind_of([&] { read_header(destination); }) == ErrorKind::kNotARepository);
  CHECK(message_of([&] { read_header(destination); }).find("garner.repo is missing") != std::string::npos);
}

TEST_CASE("a newer format is told from damage") {
  crypto::initialize_crypto();
  MemoryDestination destination;
  v1::RepositoryHeader message;
  message.set_format_version(kFormatVersion + 1);
  const std::string serialized = message.SerializeAsString();
  ByteWriter writer;
  writer.bytes(as_bytes("GARNREPO"));
  writer.u32(static_cast<std::uint32_t>(serialized.size()));
  writer.bytes(as_bytes(serialized));
  destination.put(kHeaderKey, writer.data());
  CHECK(kind_of([&] { read_header(destination); }) == ErrorKind::kNewerFormat);
}

TEST_CASE("no truncated or changed header verifies") {
  crypto::initialize_crypto();
  MemoryDestination destination;
  const crypto::Keyring keyring = crypto::Keyring::generate({5, 0});
  create_header(destination, Uuid::random(), keyring, {1'700'000'000, 0});
  Bytes& object = destination.object(kHeaderKey);
  const Bytes original = object;
  auto fails = [&] {
    try {
      verify_header(destination, keyring);
      return false;
    } catch (const Error& error) {
      return error.kind() == ErrorKind::kDamaged || error.kind() == ErrorKind::kNewerFormat ||
             error.kind() == ErrorKind::kWrongKey;
    }
  };
  for (std::size_t size = 0; size < original.size(); ++size) {
    CAPTURE(size);
    object.assign(original.begin(), original.begin() + static_cast<std::ptrdiff_t>(size));
    REQUIRE(fails());
  }
  for (std::size_t bit = 0; bit < original.size() * 8; ++bit) {
    CAPTURE(bit);
    object = original;
    object[bit / 8] = static_cast<std::uint8_t>(object[bit / 8] ^ (1u << (bit % 8)));
    REQUIRE(fails());
  }
  object = original;
  CHECK_FALSE(fails());
}
