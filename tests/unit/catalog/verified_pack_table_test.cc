#include "catalog/verified_pack_table.h"

#include <catch2/catch.hpp>

#include <algorithm>

#include "support.h"

namespace garner::catalog {
namespace {

maintenance::PackSize pack(int number, std::uint64_t size = 100) {
  maintenance::PackSize pack;
  pack.name.value[0] = static_cast<std::uint8_t>(number);
  pack.size = size;
  return pack;
}

struct WithPacks {
  WithPacks() : catalog(state.open()), table(catalog.verified_packs()) {
    catalog.configuration().add_destination(facts_of("disk"));
    catalog.configuration().add_destination(facts_of("other"));
  }
  std::vector<VerifiedPack> packs() {
    auto packs = table.packs("disk");
    std::sort(packs.begin(), packs.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
    return packs;
  }
  StateFolder state;
  Catalog catalog;
  VerifiedPackTable& table;
};

TEST_CASE("packs are first seen when they come, and forgotten when they go") {
  WithPacks with;
  with.table.keep("disk", {pack(1), pack(2)}, 1000);
  with.table.keep("disk", {pack(2), pack(3, 7)}, 2000);
  CHECK(with.packs() == std::vector<VerifiedPack>{{pack(2).name, 100, 1000, std::nullopt, false},
                                                  {pack(3).name, 7, 2000, std::nullopt, false}});
  CHECK(with.table.packs("other").empty());
}

TEST_CASE("what was read is verified or damaged, and a check of damage keeps when it was good last") {
  WithPacks with;
  with.table.keep("disk", {pack(1), pack(2)}, 1000);
  // One that came after the listing is noted, too.
  with.table.note("disk", {{pack(1), true}, {pack(2), false}, {pack(3), true}}, 1500);
  CHECK(with.packs() == std::vector<VerifiedPack>{{pack(1).name, 100, 1000, 1500, false},
                                                  {pack(2).name, 100, 1000, std::nullopt, true},
                                                  {pack(3).name, 100, 1500, 1500, false}});
  with.table.note("disk", {{pack(1), false}, {pack(2), true}}, 1600);
  CHECK(with.packs()[0] == VerifiedPack{pack(1).name, 100, 1000, 1500, true});
  CHECK(with.packs()[1] == VerifiedPack{pack(2).name, 100, 1000, 1600, false});
}

TEST_CASE("sums tell what was verified since, and what waits longest") {
  WithPacks with;
  CHECK(with.table.sum("disk", 0).packs == 0);
  CHECK_FALSE(with.table.sum("disk", 0).oldest.has_value());
  with.table.keep("disk", {pack(1, 10), pack(2, 20), pack(3, 30), pack(4, 40)}, 1000);
  with.table.note("disk", {{pack(1, 10), true}}, 1100);
  with.table.note("disk", {{pack(2, 20), true}, {pack(3, 30), false}}, 1200);
  const VerifiedSum sum = with.table.sum("disk", 1150);
  CHECK(sum.packs == 4);
  CHECK(sum.bytes == 100);
  CHECK(sum.verified_bytes == 20);
  CHECK(sum.damaged_packs == 1);
  CHECK(sum.oldest == 1000);
  CHECK(with.table.sum("disk", 1100).verified_bytes == 30);
}

TEST_CASE("times of a clock that was ahead are forgotten") {
  WithPacks with;
  with.table.keep("disk", {pack(1), pack(2)}, 9000);
  with.table.note("disk", {{pack(1), true}}, 9001);
  with.table.keep("disk", {pack(1), pack(2)}, 1000);
  CHECK(with.packs() == std::vector<VerifiedPack>{{pack(1).name, 100, 1000, std::nullopt, false},
                                                  {pack(2).name, 100, 1000, std::nullopt, false}});
}

TEST_CASE("a destination that has gone keeps nothing, and what comes late is no error") {
  WithPacks with;
  with.table.keep("disk", {pack(1)}, 1000);
  const std::uint64_t changes = with.table.changes();
  with.catalog.configuration().remove_destination("disk");
  CHECK(with.packs().empty());
  with.table.keep("disk", {pack(1)}, 1000);
  with.table.note("disk", {{pack(1), true}}, 1000);
  CHECK(with.packs().empty());
  CHECK(with.table.changes() == changes);
}

}  // namespace
}  // namespace garner::catalog
