#include "store/record.h"

#include <algorithm>
#include <set>

#include "store/padding.h"
#include "support/random_packs.h"
#include "support/store_fixture.h"

using namespace garner;
using namespace garner::store;
using namespace garner::testing;

namespace {

struct RecordFixture {
  CryptoReady ready;
  crypto::Keyring keyring = crypto::Keyring::generate({1, 0});
  crypto::WriterKey writer = crypto::WriterKey::generate();
  Uuid repository = Uuid::random();
  Record record;

  RecordFixture() {
    record.features = {0, 6, 7};
    record.parameters.set_chunk_average(4096);
    record.parameters.set_pack_target(99);
    record.body.set_generation(17);
    record.body.set_index_from("somewhere");
  }
  SealedRecord seal() const { return seal_record(record, writer, keyring, repository); }
};

}  // namespace

TEST_CASE("a record's key is its generation, and back") {
  CHECK(record_key(1) == "log/0000000000000001");
  CHECK(record_key(std::uint64_t{1} << 40) == "log/0000010000000000");
  CHECK(generation_of("log/0000010000000000") == std::uint64_t{1} << 40);
  CHECK(generation_of(record_key(~std::uint64_t{0})) == ~std::uint64_t{0});
  for (const char* key : {"", "log/", "log/1", "log/000000000000000G", "log/000000000000000A",
                          "log/00000000000000011", "gol/0000000000000001", "log/ 000000000000001"}) {
    CAPTURE(key);
    CHECK(generation_of(key) == 0);
  }
}

TEST_CASE("a record that nobody would read is not made") {
  RecordFixture fixture;
  fixture.record.body.set_index_from(std::string(kMaximumRecord, 'x'));
  CHECK_THROWS_AS(fixture.seal(), Error);
}

TEST_CASE("a record comes back as it was sealed") {
  const RecordFixture fixture;
  const SealedRecord sealed = fixture.seal();
  CHECK(sealed.object.size() == padded_object_size(sealed.object.size()));
  const OpenedRecord opened = open_record(sealed.object, 17, fixture.keyring, fixture.repository);
  CHECK(opened.hash == sealed.hash);
  CHECK(opened.hash == crypto::hash(sealed.object));
  CHECK(opened.record.features == fixture.record.features);
  CHECK(opened.record.parameters.SerializeAsString() == fixture.record.parameters.SerializeAsString());
  CHECK(opened.record.body.SerializeAsString() == fixture.record.body.SerializeAsString());
  CHECK(crypto::verify(fixture.writer.public_key(), opened.signed_bytes, opened.signature));
  CHECK_FALSE(
      crypto::verify(crypto::WriterKey::generate().public_key(), opened.signed_bytes, opened.signature));
}

TEST_CASE("what a record is signed over holds its repository, flags, parameters and body") {
  RecordFixture fixture;
  auto signed_bytes = [](const RecordFixture& of) {
    return open_record(of.seal().object, 17, of.keyring, of.repository).signed_bytes;
  };
  std::set<Bytes> all{signed_bytes(fixture)};
  CHECK_FALSE(all.insert(signed_bytes(fixture)).second);
  fixture.repository = Uuid::random();
  CHECK(all.insert(signed_bytes(fixture)).second);
  fixture.record.features.prune = 8;
  CHECK(all.insert(signed_bytes(fixture)).second);
  fixture.record.parameters.set_pack_target(100);
  CHECK(all.insert(signed_bytes(fixture)).second);
  fixture.record.body.set_index_from("elsewhere");
  CHECK(all.insert(signed_bytes(fixture)).second);
}

TEST_CASE("a record opens only where it was sealed for") {
  RecordFixture fixture;
  const SealedRecord sealed = fixture.seal();
  CHECK(kind_of([&] { open_record(sealed.object, 18, fixture.keyring, fixture.repository); }) ==
        ErrorKind::kDamaged);
  CHECK(kind_of([&] { open_record(sealed.object, 17, fixture.keyring, Uuid::random()); }) ==
        ErrorKind::kDamaged);
  const crypto::Keyring other = crypto::Keyring::generate({1, 0});
  CHECK(kind_of([&] { open_record(sealed.object, 17, other, fixture.repository); }) == ErrorKind::kDamaged);
}

TEST_CASE("a record of an epoch that is not known asks for another key") {
  RecordFixture fixture;
  crypto::Keyring rotated = fixture.keyring.copy();
  rotated.rotate({2, 0});
  const SealedRecord sealed = seal_record(fixture.record, fixture.writer, rotated, fixture.repository);
  CHECK(kind_of([&] { open_record(sealed.object, 17, fixture.keyring, fixture.repository); }) ==
        ErrorKind::kWrongKey);
  CHECK(open_record(sealed.object, 17, rotated, fixture.repository).record.body.generation() == 17);
}

TEST_CASE("a record with a must-know-to-read flag is of a newer version; other flags are not in the way") {
  RecordFixture fixture;
  fixture.record.features = {0, ~std::uint64_t{0}, ~std::uint64_t{0}};
  const SealedRecord readable = fixture.seal();
  const Record opened = open_record(readable.object, 17, fixture.keyring, fixture.repository).record;
  CHECK(kind_of([&] { require_writable(opened.features); }) == ErrorKind::kNewerFormat);
  fixture.record.features.read = 4;
  const SealedRecord unreadable = fixture.seal();
  CHECK(kind_of([&] { open_record(unreadable.object, 17, fixture.keyring, fixture.repository); }) ==
        ErrorKind::kNewerFormat);
}

TEST_CASE("a record of another format version or key is no damage, unless it opens all the same") {
  const RecordFixture fixture;
  SealedRecord sealed = fixture.seal();
  const auto kind = [&] {
    return kind_of([&] { open_record(sealed.object, 17, fixture.keyring, fixture.repository); });
  };
  // What opens as this version's is of this version: that number was changed, or the number of the key.
  const auto [at, value, told] = GENERATE(table<std::size_t, std::uint8_t, ErrorKind>(
      {{8, 2, ErrorKind::kNewerFormat}, {12, 9, ErrorKind::kWrongKey}}));
  sealed.object[at] = value;
  CHECK(kind() == ErrorKind::kDamaged);
  sealed.object[100] ^= 1;
  CHECK(kind() == told);
}

TEST_CASE("no truncated or changed record opens") {
  const RecordFixture fixture;
  const SealedRecord sealed = fixture.seal();
  auto fails = [&](ByteView object) {
    try {
      open_record(object, 17, fixture.keyring, fixture.repository);
      return false;
    } catch (const Error& error) {
      return error.kind() == ErrorKind::kDamaged || error.kind() == ErrorKind::kNewerFormat ||
             error.kind() == ErrorKind::kWrongKey;  // the epoch was changed
    }
  };
  for (std::size_t size = 0; size < sealed.object.size(); size += size < 80 ? 1 : 41) {
    CAPTURE(size);
    REQUIRE(fails(ByteView(sealed.object).first(size)));
  }
  Bytes changed = sealed.object;
  for (std::size_t bit = 0; bit < changed.size() * 8; bit += bit < 48 * 8 ? 1 : 37) {
    CAPTURE(bit);
    changed[bit / 8] = static_cast<std::uint8_t>(changed[bit / 8] ^ (1u << (bit % 8)));
    REQUIRE(fails(changed));
    changed[bit / 8] = static_cast<std::uint8_t>(changed[bit / 8] ^ (1u << (bit % 8)));
  }
  changed.push_back(0);
  CHECK(fails(changed));
}
