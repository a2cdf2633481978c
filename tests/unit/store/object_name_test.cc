#include "store/object_name.h"

#include <catch2/catch.hpp>
#include <set>

#include "support/random_packs.h"

namespace garner::store {
namespace {

using testing::kind_of;

TEST_CASE("a name is made anew each time, and proves the bytes") {
  crypto::initialize_crypto();
  Bytes object = {1, 2, 3, 4};
  std::set<ObjectName> names;
  for (int i = 0; i < 50; ++i) names.insert(make_name(object));
  REQUIRE(names.size() == 50);
  for (const ObjectName& name : names) {
    REQUIRE(is_name_of(name, object));
    for (std::size_t i = 0; i < name.value.size(); ++i) {
      ObjectName other = name;
      other.value[i] ^= 1;
      REQUIRE_FALSE(is_name_of(other, object));
    }
  }
  ObjectName name = *names.begin();
  object.back() ^= 1;
  REQUIRE_FALSE(is_name_of(name, object));
}

TEST_CASE("bytes that come in pieces have the same name as whole ones") {
  NameHasher hasher;
  hasher.update(as_bytes("an "));
  hasher.update(as_bytes("object"));
  REQUIRE(is_name_of(hasher.finish(), as_bytes("an object")));
}

TEST_CASE("names have one text form") {
  ObjectName name = make_name({});
  REQUIRE(ObjectName::from_hex(name.hex()) == name);
  REQUIRE(ObjectName::from_bytes(name.view()) == name);
  REQUIRE(pack_key(name) == "packs/" + name.hex().substr(0, 2) + "/" + name.hex());
  REQUIRE(segment_key(name) == "index/" + name.hex());

  std::string upper(64, 'A');
  for (const std::string& text :
       {std::string(), std::string(63, 'a'), std::string(65, 'a'), upper, std::string(64, 'g')}) {
    REQUIRE(kind_of([&] { ObjectName::from_hex(text); }) == ErrorKind::kDamaged);
  }
  REQUIRE(kind_of([&] { ObjectName::from_bytes(Bytes(31)); }) == ErrorKind::kDamaged);
}

}  // namespace
}  // namespace garner::store
