#include "maintenance/tagging.h"

#include <catch2/catch.hpp>

#include "base/error.h"
#include "support/error_kind.h"
#include "unit/maintenance/maintenance_fixture.h"

using namespace garner;
using namespace garner::testing;
using store::Tags;

namespace {

// A repository with two snapshots.
struct TaggingFixture {
  TaggingFixture() {
    add_snapshot();
    add_snapshot();
  }
  void add_snapshot() {
    forge_record(small.repository(), [&](store::Record& record) {
      auto& added = *record.body.add_add_snapshots();
      *added.mutable_snapshot() = test_snapshot(Uuid::random(), Uuid::random());
      const auto id = small.repository().hasher().id(crypto::BlobKind::kSnapshot,
                                                     as_bytes(added.snapshot().SerializeAsString()));
      added.set_id(id.value.data(), id.value.size());
      ids.push_back(id);
    });
  }
  std::vector<maintenance::TaggedSnapshot> edit(const maintenance::TagEdit& how) {
    return maintenance::edit_tags(small.repository(), ids, how);
  }
  std::vector<maintenance::TaggedSnapshot> add(const Tags& tags) { return edit({std::nullopt, tags, {}}); }
  Tags tags_of(const crypto::BlobId& id) {
    const auto state = small.repository().state();
    const auto& tags = store::find_snapshot(*state, id.view())->tags();
    return {tags.begin(), tags.end()};
  }
  std::uint64_t generation() { return small.repository().state()->generation(); }

  SmallRepository small;
  std::vector<crypto::BlobId> ids;
};

}  // namespace

TEST_CASE("tags are added, removed, replaced and taken away, in one record for all snapshots") {
  TaggingFixture fixture;
  const std::uint64_t before = fixture.generation();
  auto told = fixture.add({"a", "b"});
  CHECK(fixture.generation() == before + 1);
  REQUIRE(told.size() == 2);
  CHECK(told[0].id == fixture.ids[0]);
  CHECK(told[0].changed);
  CHECK(told[1].tags == Tags{"a", "b"});
  CHECK(fixture.tags_of(fixture.ids[1]) == Tags{"a", "b"});

  told =
      maintenance::edit_tags(fixture.small.repository(), {fixture.ids[0]}, {std::nullopt, {"c"}, {"a", "x"}});
  CHECK(told[0].tags == Tags{"b", "c"});
  CHECK(fixture.tags_of(fixture.ids[1]) == Tags{"a", "b"});
  // Nothing to do is done without a record, and told of.
  const std::uint64_t after = fixture.generation();
  told = maintenance::edit_tags(fixture.small.repository(), {fixture.ids[0]}, {std::nullopt, {"c"}, {"x"}});
  CHECK(fixture.generation() == after);
  CHECK_FALSE(told[0].changed);
  CHECK(told[0].tags == Tags{"b", "c"});

  fixture.edit({Tags{"only"}, {}, {}});
  CHECK(fixture.tags_of(fixture.ids[0]) == Tags{"only"});
  // As a machine has it that reads the log from its start.
  fixture.small.reopen();
  CHECK(fixture.tags_of(fixture.ids[1]) == Tags{"only"});
  fixture.edit({Tags(), {}, {}});
  fixture.small.reopen();
  CHECK(fixture.tags_of(fixture.ids[0]).empty());
}

TEST_CASE("what no reader of the log would take is refused before anything is written") {
  TaggingFixture fixture;
  const std::uint64_t before = fixture.generation();
  CHECK(kind_of([&] { fixture.add({"a b"}); }) == ErrorKind::kInvalidInput);
  CHECK(kind_of([&] { fixture.edit({Tags{"-x"}, {}, {}}); }) == ErrorKind::kInvalidInput);
  Tags many;
  for (std::size_t number = 0; number < store::kMostTags; ++number) many.insert(std::to_string(number));
  Tags more = many;
  more.insert("more");
  CHECK(kind_of([&] { fixture.add(more); }) == ErrorKind::kInvalidInput);
  CHECK(fixture.generation() == before);
  fixture.add(many);
  CHECK(kind_of([&] { fixture.add({"more"}); }) == ErrorKind::kInvalidInput);
  CHECK(fixture.edit({std::nullopt, {"more"}, {"7"}})[0].tags.size() == store::kMostTags);
}

TEST_CASE("snapshots that are not listed are passed by") {
  TaggingFixture fixture;
  const crypto::BlobId gone = fixture.ids[0];
  fixture.ids[0].value[0] ^= 1;
  const auto told = fixture.add({"a"});
  REQUIRE(told.size() == 1);
  CHECK(told[0].id == fixture.ids[1]);
  CHECK(fixture.tags_of(gone).empty());
}

TEST_CASE("whoever may only add changes no tags") {
  TaggingFixture fixture;
  fixture.add({"a"});
  fixture.small.demote();
  CHECK(kind_of([&] { fixture.add({"b"}); }) == ErrorKind::kPermissionDenied);
  CHECK(kind_of([&] { fixture.edit({Tags(), {}, {}}); }) == ErrorKind::kPermissionDenied);
  CHECK(fixture.tags_of(fixture.ids[0]) == Tags{"a"});
}

TEST_CASE("a snapshot that is marked as recovered keeps its tags") {
  TaggingFixture fixture;
  fixture.add({"a"});
  store::CommitPlan plan;
  plan.removal.mark_recovered = {fixture.ids[0]};
  plan.removal.decided_on = fixture.generation();
  REQUIRE(fixture.small.repository().commit(plan).committed);
  fixture.small.reopen();
  CHECK(fixture.tags_of(fixture.ids[0]) == Tags{"a"});
}
