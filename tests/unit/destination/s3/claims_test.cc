#include "destination/s3/claims.h"

#include "scripted.h"

namespace garner::destination {
namespace {

using namespace testing;

const std::string kOne(32, 'a');
const std::string kTwo(32, 'b');

struct ClaimedPlace {
  MemoryStore store{MemoryStore::Conditions::kIgnored};
  ScriptedHttp server{[this](const HttpSeen& request) { return store.answer(request); }};

  std::unique_ptr<S3Destination> open(const std::string& writer) {
    S3Options options = options_for(server);
    options.single_writer = writer;
    return std::make_unique<S3Destination>(options);
  }
};

TEST_CASE("S3: where nobody can create exclusively, the one who has claimed it writes") {
  ClaimedPlace place;
  const auto one = place.open(kOne);
  const auto two = place.open(kTwo);
  CHECK_FALSE(claimed_by(*one));
  CHECK(failure_of([&] { one->put_exclusive("log/1", as_bytes("one")); }).kind() == ErrorKind::kConflict);
  claim(*one, kOne);
  CHECK(claimed_by(*two) == kOne);
  CHECK(one->put_exclusive("log/1", as_bytes("one")));
  CHECK_FALSE(one->put_exclusive("log/1", as_bytes("other")));
  CHECK(failure_of([&] { one->put("log/1", as_bytes("other")); }).kind() == ErrorKind::kAlreadyExists);
  CHECK(place.store.objects.at("pre/log/1") == "one");

  const Error error = failure_of([&] { two->put_exclusive("log/2", as_bytes("two")); });
  CHECK(error.kind() == ErrorKind::kConflict);
  CHECK_THAT(error.what(), says("garner destination claim"));
  CHECK_FALSE(place.store.objects.contains("pre/log/2"));
  CHECK(as_text(two->get_all("log/1", 10)) == "one");

  claim(*two, kTwo);
  CHECK(two->put_exclusive("log/2", as_bytes("two")));
  CHECK(failure_of([&] { one->put_exclusive("log/3", as_bytes("three")); }).kind() == ErrorKind::kConflict);
  claim(*one, kOne);
  CHECK(claimed_by(*two) == kOne);
}

TEST_CASE("S3: who has claimed a place already writes nothing to claim it") {
  ClaimedPlace place;
  const auto one = place.open(kOne);
  claim(*one, kOne);
  const auto before = place.store.objects;
  claim(*one, kOne);
  CHECK(place.store.objects == before);
}

TEST_CASE("S3: what is no claim is none") {
  ClaimedPlace place;
  const auto one = place.open(kOne);
  claim(*one, kOne);
  place.store.objects["pre/claims/zzzz"] = "";
  place.store.objects["pre/claims/0000000000000009-short"] = "";
  place.store.objects["pre/claims/000000000000000g-" + kTwo] = "";
  CHECK(claimed_by(*one) == kOne);
}

TEST_CASE("S3: a claim that no other can follow is told") {
  ClaimedPlace place;
  const auto one = place.open(kOne);
  const std::string last = "pre/claims/ffffffffffffffff-" + kTwo;
  place.store.objects[last] = "";
  const Error error = failure_of([&] { claim(*one, kOne); });
  CHECK(error.kind() == ErrorKind::kConflict);
  CHECK_THAT(error.what(), says("remove what begins with 'claims/ffffffffffffffff'"));
  CHECK(place.store.objects.size() == 1);
  place.store.objects.erase(last);
  claim(*one, kOne);
  CHECK(claimed_by(*one) == kOne);
}

}  // namespace
}  // namespace garner::destination
