#include "store/blob_writer.h"

#include <unistd.h>

#include <bit>
#include <catch2/catch.hpp>
#include <set>

#include "base/error.h"
#include "base/file.h"
#include "destination/local.h"
#include "support/hooked_destination.h"
#include "support/many_repositories.h"
#include "support/store_fixture.h"

namespace garner::store {
namespace {

using namespace testing;

// A repository at a place with a staging folder, which a test may step in front of.
struct Place {
  Place() {
    make_folders_durably(folder.path("repository"));
    hooked = std::make_shared<HookedDestination>(
        std::make_shared<destination::LocalDestination>(folder.path("repository")));
    repository = machine.create(hooked, keyring);
  }
  BlobWriterOptions options() const {
    BlobWriterOptions options;
    options.run = run;
    options.staging_folder = *hooked->staging_folder();
    return options;
  }

  Machine machine;
  TemporaryFolder folder;
  crypto::Keyring keyring = crypto::Keyring::generate({1, 0});
  std::shared_ptr<HookedDestination> hooked;
  std::unique_ptr<Repository> repository;
  const Uuid run = Uuid::random();
};

TEST_CASE("a finished pack keeps its name only where its upload goes on") {
  Place place;
  const TestBlob blob = test_blob(*place.repository, std::string(5000, 'x'));
  std::vector<DurablePack> durable;
  {
    BlobWriter writer(*place.repository, place.options());
    CHECK(writer.put(0, blob.id, blob.content));
    durable = writer.finish();
    REQUIRE(durable.size() == 1);
    REQUIRE(durable[0].deliveries.size() == 1);
  }
  const ObjectName name = durable[0].deliveries[0].name;
  const bool goes_on = GENERATE(true, false);
  place.hooked->answer_can_go_on = [&](const std::string& key, const std::string& path) {
    CHECK(key == pack_key(name));
    CHECK(path == durable[0].path);
    return goes_on;
  };
  const Bytes before = read_file(durable[0].path, 1u << 20);

  BlobWriter writer(*place.repository, place.options());
  CHECK(writer.adopt(durable).committed[0].empty());
  // What has arrived is of these bytes.
  if (goes_on) CHECK(read_file(durable[0].path, 1u << 20) == before);
  const std::vector<DurablePack> told = writer.make_durable();
  CHECK(told.empty() == goes_on);
  if (!goes_on) {
    REQUIRE(told.size() == 1);
    CHECK(told[0].deliveries.at(0).name != name);
  }
  writer.publish();
  REQUIRE(writer.published().size() == 1);
  CHECK((writer.published()[0].name == name) == goes_on);
  CHECK(place.hooked->size(pack_key(name)).has_value() == goes_on);
  REQUIRE(place.repository->commit(test_plan(writer.published())).committed);
  CHECK(place.repository->read(blob.kind, blob.id) == blob.content);
}

TEST_CASE("a pack whose upload goes on and whose file is not what it was is gone") {
  Place place;
  const TestBlob blob = test_blob(*place.repository, std::string(5000, 'x'));
  std::vector<DurablePack> durable;
  {
    BlobWriter writer(*place.repository, place.options());
    writer.put(0, blob.id, blob.content);
    durable = writer.finish();
  }
  place.hooked->answer_can_go_on = [](const std::string&, const std::string&) { return true; };
  REQUIRE(truncate(durable[0].path.c_str(), 3000) == 0);
  BlobWriter writer(*place.repository, place.options());
  try {
    writer.adopt(durable);
    FAIL("it was taken over");
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::kNotFound);
  }
}

// ---- For several destinations ----

struct Several : ManyRepositories {
  using ManyRepositories::ManyRepositories;
  BlobWriterOptions options() const {
    BlobWriterOptions options;
    options.run = run;
    options.staging_folder = spool();
    return options;
  }
  TestBlob blob(const std::string& text, crypto::BlobKind kind = crypto::BlobKind::kData) {
    return test_blob(at(0), text, kind);
  }
  // Puts it there, as an earlier backup has.
  void give(unsigned number, const TestBlob& blob) {
    REQUIRE(at(number).commit(test_plan({store_pack(at(number), {blob})})).committed);
  }
  void commit(BlobWriter& writer, unsigned number) {
    CommitPlan plan = test_plan(writer.published(number));
    plan.names.merge(writer.take_names(number));
    REQUIRE(at(number).commit(plan).committed);
    writer.forget(plan.packs, number);
  }
  std::size_t packs_at(unsigned number) { return objects(number, "packs/"); }

  const Uuid run = Uuid::random();
};

std::set<crypto::BlobId> blobs_of(const std::vector<FinishedPack>& packs) {
  std::set<crypto::BlobId> blobs;
  for (const FinishedPack& pack : packs) {
    for (const PackedFrame& frame : pack.frames) {
      for (const FrameBlob& blob : frame.blobs) blobs.insert(blob.id);
    }
  }
  return blobs;
}

TEST_CASE("each of several destinations is given what it lacks, and nothing else") {
  Several several(3);
  const TestBlob at_none = several.blob("nobody has it");
  const TestBlob at_first = several.blob("the first has it");
  const TestBlob at_others = several.blob("the others have it");
  const TestBlob at_all = several.blob("everybody has it");
  several.give(0, at_first);
  several.give(1, at_others);
  several.give(2, at_others);
  for (unsigned number = 0; number < 3; ++number) several.give(number, at_all);

  BlobWriter writer(several.all(), several.options());
  CHECK(writer.put(0, at_none.id, at_none.content) == 7);
  CHECK(writer.put(0, at_first.id, at_first.content) == 6);
  CHECK(writer.put(0, at_others.id, at_others.content) == 1);
  CHECK(writer.put(0, at_all.id, at_all.content) == 0);
  for (const TestBlob* blob : {&at_none, &at_first, &at_others, &at_all})
    CHECK(writer.put(0, blob->id, blob->content) == 0);
  CHECK(writer.pending_blobs(0) == 2);
  CHECK(writer.pending_blobs(1) == 2);
  const std::vector<DurablePack> told = writer.finish();
  CHECK(told.size() == 3);
  std::set<ObjectName> names;
  for (const DurablePack& pack : told) {
    CHECK(pack.deliveries.size() == static_cast<std::size_t>(std::popcount(pack.lacking)));
    for (const PackDelivery& delivery : pack.deliveries) {
      CHECK(has_target(pack.lacking, delivery.target));
      CHECK(names.insert(delivery.name).second);
    }
  }
  CHECK(list_names(several.spool()).size() == 3);
  CHECK(writer.undelivered(0) == 0);  // nothing is recorded
  CHECK_FALSE(writer.publish_next(0));
  writer.recorded();
  CHECK(writer.undelivered(0) > 0);
  writer.publish();
  CHECK(writer.undelivered(0) == 0);
  CHECK(list_names(several.spool()).empty());
  CHECK(blobs_of(writer.published(0)) == std::set{at_none.id, at_others.id});
  CHECK(blobs_of(writer.published(1)) == std::set{at_none.id, at_first.id});
  CHECK(blobs_of(writer.published(2)) == std::set{at_none.id, at_first.id});
  CHECK(writer.take_released().empty());
  std::vector<std::size_t> released;
  for (unsigned number = 0; number < 3; ++number) {
    several.commit(writer, number);
    released.push_back(writer.take_released().size());
    for (const TestBlob* blob : {&at_none, &at_first, &at_others, &at_all})
      CHECK(several.at(number).read(blob->kind, blob->id) == blob->content);
  }
  // A pack is let go of when the last of those has committed that it is for: the first one's own at once.
  CHECK(released == std::vector<std::size_t>{1, 0, 2});
  CHECK(writer.pending_blobs(0) == 0);
}

TEST_CASE("a blob is referred to where all destinations have it") {
  Several several(2);
  const TestBlob old = several.blob("old");
  const TestBlob half = several.blob("half");
  const TestBlob made = several.blob("made");
  several.give(0, old);
  several.give(1, old);
  several.give(0, half);
  BlobWriter writer(several.all(), several.options());
  writer.put(0, made.id, made.content);
  CHECK(writer.refer(0, old.id));
  CHECK(writer.refer(0, made.id));
  CHECK_FALSE(writer.refer(0, half.id));
  // What the one has is no reason to rest on it.
  CHECK(writer.take_names(0).size() == 1);
  CHECK(writer.take_names(1).size() == 1);
  CHECK(writer.holds(1, made.id));
  CHECK_FALSE(writer.holds(0, half.id));
  CHECK(writer.put(0, half.id, half.content) == 2);
  CHECK(writer.holds(1, half.id));
  CHECK_FALSE(writer.holds(0, half.id));
  CHECK(writer.refer(0, half.id));
}

TEST_CASE("frames of what some lack do not break up those of what all lack") {
  Several several(3);
  std::vector<TestBlob> blobs;
  for (int i = 0; i < 60; ++i) {
    blobs.push_back(several.blob(std::string(1000, static_cast<char>('a' + i % 26)) + std::to_string(i)));
    if (i % 3 == 1) several.give(0, blobs.back());
  }
  BlobWriter writer(several.all(), several.options());
  for (const TestBlob& blob : blobs) writer.put(0, blob.id, blob.content);
  std::size_t frames = 0;
  for (const DurablePack& pack : writer.finish()) frames += pack.frames.size();
  CHECK(frames <= 9);  // 8 KiB each
}

TEST_CASE("a destination that leaves is given nothing any more, and the others all") {
  Several several(2);
  BlobWriterOptions options = several.options();
  options.spool_limit = 1;
  BlobWriter writer(several.all(), options);
  const TestBlob before = several.blob("before");
  const TestBlob after = several.blob("after");
  writer.put(0, before.id, before.content);
  writer.finish();
  writer.recorded();
  CHECK_FALSE(writer.has_room());
  CHECK(writer.publish_next(0));
  CHECK_FALSE(writer.has_room());
  writer.leave(1);
  CHECK(writer.has_room());  // nobody waits for it
  CHECK_FALSE(writer.publish_next(1));
  // A process that died now would go on with it.
  CHECK(list_names(several.spool()).size() == 1);
  CHECK(writer.put(0, after.id, after.content) == 1);
  writer.finish();
  CHECK(list_names(several.spool()).size() == 2);
  writer.recorded(target_bit(1));
  CHECK(list_names(several.spool()).size() == 1);
  CHECK(writer.publish_next(0));
  CHECK(list_names(several.spool()).empty());
  CHECK(several.packs_at(0) == 2);
  CHECK(several.packs_at(1) == 0);
  several.commit(writer, 0);
  CHECK(writer.take_released().size() == 2);
}

TEST_CASE("what is forgotten at one destination is still known for the other") {
  Several several(2);
  BlobWriter writer(several.all(), several.options());
  const TestBlob blob = several.blob("both");
  writer.put(0, blob.id, blob.content);
  writer.finish();
  writer.recorded();
  while (writer.publish_next(0)) {
  }
  // Given up: it counts as not stored there.
  CHECK(writer.forget(writer.published(0), 0).size() == 1);
  CHECK_FALSE(writer.holds(0, blob.id));
  CHECK(writer.holds(1, blob.id));
  CHECK(writer.put(0, blob.id, blob.content) == 1);
  writer.finish();
  writer.publish();
  CHECK(writer.published(0).size() == 1);
  CHECK(writer.published(1).size() == 1);
}

TEST_CASE("a process takes over what another one has left for several destinations") {
  Several several(2);
  const TestBlob blob = several.blob(std::string(5000, 'x'));
  std::vector<DurablePack> durable;
  {
    BlobWriter writer(several.all(), several.options());
    writer.put(0, blob.id, blob.content);
    durable = writer.finish();
    REQUIRE(durable.size() == 1);
    writer.recorded();
    CHECK(writer.publish_next(0));
  }
  const std::string path = durable[0].path;
  const ObjectName first = durable[0].deliveries.at(0).name;
  const ObjectName second = durable[0].deliveries.at(1).name;
  REQUIRE(several.place(0).size(pack_key(first)));
  // A crash in mid-delivery leaves the second name of the file.
  REQUIRE(link(path.c_str(), (path + "-1").c_str()) == 0);

  SECTION("what is there stays, what is not is given under a new name") {
    BlobWriter writer(several.all(), several.options());
    const auto adopted = writer.adopt(durable);
    CHECK(adopted.left.empty());
    CHECK(adopted.committed[0].empty());
    CHECK(writer.holds(0, blob.id));
    CHECK(writer.holds(1, blob.id));
    CHECK(writer.put(0, blob.id, blob.content) == 0);
    const auto told = writer.make_durable();
    REQUIRE(told.size() == 1);
    CHECK(told[0].deliveries.at(0).name == first);
    CHECK(told[0].deliveries.at(1).name != second);
    CHECK_FALSE(writer.publish_next(1));  // not recorded yet
    writer.publish();
    CHECK(writer.published(0).at(0).name == first);
    for (unsigned number = 0; number < 2; ++number) {
      several.commit(writer, number);
      CHECK(several.at(number).read(blob.kind, blob.id) == blob.content);
    }
    CHECK_FALSE(several.place(1).size(pack_key(second)));
  }
  SECTION("an upload that goes on keeps its name") {
    several.place(1).answer_can_go_on = [&](const std::string& key, const std::string& file) {
      CHECK(key == pack_key(second));
      CHECK(file == path + "-1");
      return true;
    };
    BlobWriter writer(several.all(), several.options());
    writer.adopt(durable);
    CHECK(writer.make_durable().empty());
    CHECK(writer.publish_next(1));
    CHECK(several.place(1).size(pack_key(second)));
  }
  SECTION("one that is away now has left") {
    BlobWriter writer({several.all()[0], nullptr}, several.options());
    CHECK(writer.adopt(durable).left.empty());
    CHECK(list_names(several.spool()).size() == 2);
    writer.recorded(target_bit(1));
    CHECK(list_names(several.spool()).empty());
    several.commit(writer, 0);
    CHECK(several.at(0).read(blob.kind, blob.id) == blob.content);
  }
  SECTION("whoever lacks what cannot be had here any more leaves") {
    remove_file(path);
    remove_file(path + "-1");
    BlobWriter writer(several.all(), several.options());
    const auto adopted = writer.adopt(durable);
    REQUIRE(adopted.left.size() == 1);
    CHECK(adopted.left.contains(1));
    CHECK(writer.live() == target_bit(0));
    writer.recorded(target_bit(1));
    several.commit(writer, 0);
    CHECK(several.at(0).read(blob.kind, blob.id) == blob.content);
  }
  SECTION("what is nowhere is told") {
    several.place(0).remove(pack_key(first));
    remove_file(path);
    remove_file(path + "-1");
    BlobWriter writer(several.all(), several.options());
    CHECK_THROWS_AS(writer.adopt(durable), Error);
  }
  SECTION("what one has committed is released when the other has it too") {
    CommitPlan plan = test_plan({{first, PackKind::kData, *durable[0].size, durable[0].frames}});
    REQUIRE(several.at(0).commit(plan).committed);
    BlobWriter writer(several.all(), several.options());
    CHECK(writer.adopt(durable).committed[0].size() == 1);
    CHECK(writer.take_names(0) == std::set{first});
    const auto told = writer.make_durable();
    REQUIRE(told.size() == 1);
    CHECK(told[0].deliveries.at(0).is_committed);
    CHECK(writer.take_released().empty());
    writer.publish();
    several.commit(writer, 1);
    CHECK(writer.take_released().size() == 1);
    CHECK(several.packs_at(0) == 1);
  }
}

TEST_CASE("a pack that was open is closed for all who lack it") {
  Several several(3);
  const TestBlob blob = several.blob(std::string(5000, 'x'));
  several.give(1, blob);
  std::vector<DurablePack> durable;
  {
    BlobWriter writer(several.all(), several.options());
    CHECK(writer.put(0, blob.id, blob.content) == 5);
    durable = writer.make_durable();
    REQUIRE(durable.size() == 1);
    REQUIRE_FALSE(durable[0].size);
    CHECK(durable[0].lacking == 5);
  }
  BlobWriter writer(several.all(), several.options());
  writer.adopt(durable);
  writer.finish();
  writer.publish();
  CHECK(list_names(several.spool()).empty());
  for (const unsigned number : {0u, 2u}) {
    several.commit(writer, number);
    CHECK(several.at(number).read(blob.kind, blob.id) == blob.content);
  }
  CHECK(several.packs_at(1) == 1);
}

TEST_CASE("an open pack that nobody is there for is dropped once that is recorded") {
  Several several(2);
  const TestBlob blob = several.blob(std::string(5000, 'x'));
  several.give(0, blob);
  std::vector<DurablePack> durable;
  {
    BlobWriter writer(several.all(), several.options());
    writer.put(0, blob.id, blob.content);
    durable = writer.make_durable();
  }
  BlobWriter writer({several.all()[0], nullptr}, several.options());
  writer.adopt(durable);
  CHECK(writer.make_durable().empty());
  CHECK(list_names(several.spool()).size() == 1);
  writer.recorded(target_bit(1));
  CHECK(list_names(several.spool()).empty());
  CHECK(writer.take_released() == std::vector{durable[0].id});
}

TEST_CASE("a pack for several is sealed with a key that all of them give out, and tells the latest record") {
  Several several(2);
  const TestBlob old = several.blob("old");
  for (int i = 0; i < 3; ++i) several.give(1, several.blob("record " + std::to_string(i)));
  BlobWriter writer(several.all(), several.options());
  writer.put(0, old.id, old.content);
  writer.finish();
  writer.publish();
  for (unsigned number = 0; number < 2; ++number) {
    const PackReader reader(several.place(number), several.keyring(), writer.published(number).at(0).name);
    CHECK(reader.read_directory().generation == several.at(1).state()->generation());
  }
}

}  // namespace
}  // namespace garner::store
