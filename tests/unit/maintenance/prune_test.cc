// Prune gives back what is not referred to, and nothing else: beside others, after a failure at any step, and
// without reading what it only deletes.
#include <catch2/catch.hpp>

#include <memory>
#include <set>
#include <string>

#include "base/error.h"
#include "maintenance/forget.h"
#include "maintenance/mark.h"
#include "maintenance/pack_use.h"
#include "maintenance/prune.h"
#include "support/difference_node.h"
#include "support/error_kind.h"
#include "support/hooked_destination.h"
#include "support/recording_destination.h"
#include "unit/maintenance/maintenance_fixture.h"
#include "unit/snapshot/sample_nodes.h"

using namespace garner;
using namespace garner::testing;
using namespace std::chrono_literals;

namespace {

struct PruneFixture {
  TemporaryFolder source;
  SmallRepository small;
  std::shared_ptr<RecordingDestination> recording;
  RecordingPruneMonitor monitor;

  PruneFixture() {
    small.wrap([&](std::shared_ptr<destination::Destination> inner) {
      return recording = std::make_shared<RecordingDestination>(std::move(inner));
    });
  }

  void write_files(int first, int last, std::uint64_t version) {
    for (int number = first; number < last; ++number) {
      write_file(source.path("file" + std::to_string(number)),
                 noise(9000, static_cast<std::uint64_t>(number) + 1000 * version));
    }
  }

  crypto::BlobId back_up() {
    small.back_up({source.path()});
    const auto state = small.repository().state();
    return crypto::BlobId::from_bytes(as_bytes(state->snapshots(state->snapshots_size() - 1).id()));
  }

  void forget(const std::vector<crypto::BlobId>& ids) {
    maintenance::ForgetOptions options;
    options.choose = [&](const store::v1::RepositoryState&) { return ids; };
    maintenance::run_forget(small.repository(), options, system_clock());
  }

  maintenance::PruneOptions options() const {
    maintenance::PruneOptions options;
    options.run = run;
    options.grace = 0s;
    options.threads = 2;
    return options;
  }

  maintenance::PruneResult prune(const maintenance::PruneOptions& options) {
    return maintenance::run_prune(small.repository(), options, system_clock(), monitor, {});
  }
  maintenance::PruneResult prune() { return prune(options()); }

  std::map<std::string, std::uint64_t> objects(const std::string& prefix) {
    std::map<std::string, std::uint64_t> all;
    for (const auto& object : small.destination().list(prefix)) all[object.key] = object.size;
    return all;
  }
  std::uint64_t pack_bytes() {
    std::uint64_t sum = 0;
    for (const auto& [key, size] : objects("packs/")) sum += size;
    return sum;
  }

  // The packs of which something is in use, and too little, as a prune of what is listed now would find.
  std::set<std::string> to_rewrite(const maintenance::PruneOptions& options) {
    store::Repository& repository = small.repository();
    maintenance::Marks marks(repository.index().freeze());
    maintenance::Marker marker(repository, marks, 1, {}, [](std::uint64_t) {});
    marker.mark(*repository.state(), {});
    std::set<std::string> keys;
    for (const maintenance::PackUse& pack : maintenance::count_use(marks)) {
      if (pack.live_blobs > 0 && 1 - pack.live_share() > options.max_unused)
        keys.insert(store::pack_key(pack.name));
    }
    return keys;
  }
  // Prunes, and sees that of the packs that are gone exactly those were read that were rewritten, and of
  // those that stay none with data.
  maintenance::PruneResult prune_and_check_reads(const maintenance::PruneOptions& options) {
    const auto before = objects("packs/");
    std::set<std::string> data;
    for (const auto& name : small.repository().index().live_packs()) {
      const store::PackReader reader(small.destination(), small.repository().keyring(), name);
      if (reader.header().kind == store::PackKind::kData) data.insert(store::pack_key(name));
    }
    const std::set<std::string> little_in_use = to_rewrite(options);
    recording->forget_reads();
    const auto result = prune(options);
    const std::set<std::string> read = recording->read_keys();
    const auto after = objects("packs/");
    std::uint64_t rewritten = 0;
    for (const auto& [key, size] : before) {
      INFO(key << (data.contains(key) ? ", data" : ", metadata"));
      const bool stays = after.contains(key);
      if (stays && !data.contains(key)) continue;
      CHECK(read.contains(key) == (!stays && little_in_use.contains(key)));
      if (!stays && little_in_use.contains(key)) ++rewritten;
    }
    CHECK(rewritten == result.rewritten.packs);
    return result;
  }

  // Every snapshot is whole, and nothing is there that should have gone.
  void check_whole() { CHECK(problems_of_check(small.repository()) == std::vector<std::string>{}); }
  void check_tidy() {
    const auto state = small.repository().state();
    CHECK(state->condemned_size() == 0);
    CHECK(state->dead_size() == 0);
    CHECK(objects("packs/").size() == small.repository().index().live_packs().size());
    CHECK(list_names(*small.destination().staging_folder()).empty());
    std::size_t segments = 0;
    for (const auto& segment : state->segments()) segments += segment.inlined().empty() ? 1 : 0;
    CHECK(objects("index/").size() == segments);
  }

  Uuid run = Uuid::random();
};

}  // namespace

TEST_CASE("what only a forgotten snapshot refers to goes, unread; the rest stays") {
  PruneFixture fixture;
  fixture.write_files(0, 60, 0);
  const auto first = fixture.back_up();
  fixture.write_files(0, 60, 1);
  fixture.back_up();
  fixture.forget({first});
  const std::uint64_t bytes = fixture.pack_bytes();
  fixture.small.reopen();
  fixture.small.wrap([&](std::shared_ptr<destination::Destination> inner) {
    return fixture.recording = std::make_shared<RecordingDestination>(std::move(inner));
  });
  const auto result = fixture.prune_and_check_reads(fixture.options());
  CHECK(fixture.monitor.problems.empty());
  CHECK(result.dead.packs > 3);
  CHECK(result.freed_bytes == bytes - fixture.pack_bytes());
  CHECK(fixture.pack_bytes() < bytes * 6 / 10);
  fixture.check_tidy();
  fixture.check_whole();
  // Nothing is left for another one.
  const std::uint64_t generation = fixture.small.repository().state()->generation();
  CHECK(fixture.prune().freed_bytes == 0);
  CHECK(fixture.small.repository().state()->generation() == generation);
}

TEST_CASE("of packs that are mostly dead what is alive is copied; others stay as they are") {
  PruneFixture fixture;
  fixture.write_files(0, 100, 0);
  const auto first = fixture.back_up();
  // Of the first packs a little is used by the second snapshot, of the last nearly all.
  for (int number = 0; number < 50; ++number) {
    if (number % 10 != 0) std::filesystem::remove(fixture.source.path("file" + std::to_string(number)));
  }
  fixture.back_up();
  fixture.forget({first});
  const std::uint64_t bytes = fixture.pack_bytes();

  SECTION("all of them") {
    const auto result = fixture.prune_and_check_reads(fixture.options());
    CHECK(result.rewritten.packs > 1);
    CHECK(result.copied.bytes < result.rewritten.bytes);
    CHECK(result.freed_bytes == bytes - fixture.pack_bytes());
    CHECK(result.unused_beyond_limit == 0);
  }
  SECTION("not beyond the limit") {
    auto options = fixture.options();
    options.rewrite_limit = 0;
    const auto result = fixture.prune(options);
    CHECK(result.rewritten.packs == 0);
    CHECK(result.unused_beyond_limit > 0);
    CHECK(result.freed_bytes == bytes - fixture.pack_bytes());
  }
  SECTION("all that hold anything unused") {
    auto options = fixture.options();
    const auto told = [&](double max_unused) {
      auto dry = options;
      dry.dry_run = true;
      dry.max_unused = max_unused;
      return fixture.prune(dry);
    };
    CHECK(told(1).rewritten.packs == 0);
    CHECK(told(0).rewritten.packs > told(0.5).rewritten.packs);
    options.max_unused = 0;
    const auto result = fixture.prune_and_check_reads(options);
    CHECK(told(0).rewritten.packs == 0);
    CHECK(result.unused_in_use_packs == 0);
    CHECK(result.freed_bytes == bytes - fixture.pack_bytes());
  }
  SECTION("none, when all may be unused") {
    auto options = fixture.options();
    options.max_unused = 1;
    const auto result = fixture.prune_and_check_reads(options);
    CHECK(result.rewritten.packs == 0);
    CHECK(result.unused_in_use_packs > 0);
    CHECK(result.unused_beyond_limit == 0);
  }
  fixture.check_tidy();
  fixture.check_whole();
}

TEST_CASE("a dry run tells what would go and changes nothing") {
  PruneFixture fixture;
  fixture.write_files(0, 60, 0);
  const auto first = fixture.back_up();
  fixture.write_files(0, 50, 1);
  fixture.back_up();
  fixture.forget({first});
  const auto before = fixture.objects("");
  fixture.recording->fail_after(0);
  auto options = fixture.options();
  options.dry_run = true;
  const auto told = fixture.prune(options);
  fixture.recording->never_fail();
  CHECK(fixture.objects("") == before);
  const auto done = fixture.prune();
  CHECK(told.dead.packs == done.dead.packs);
  CHECK(told.dead.bytes == done.dead.bytes);
  CHECK(told.rewritten.packs == done.rewritten.packs);
}

TEST_CASE("nothing is condemned while a tree that is needed cannot be read") {
  PruneFixture fixture;
  fixture.write_files(0, 60, 0);
  const auto first = fixture.back_up();
  fixture.write_files(0, 60, 1);
  const auto second = fixture.back_up();
  fixture.forget({first});
  const auto state = fixture.small.repository().state();
  const auto tree =
      crypto::BlobId::from_bytes(as_bytes(state->snapshots(0).snapshot().sources(0).root().tree()));
  const auto pack = fixture.small.repository().index().find(tree)->pack;
  fixture.small.destination().remove(store::pack_key(pack));
  const auto before = fixture.objects("");
  const auto result = fixture.prune();
  CHECK(result.problem_count > 0);
  REQUIRE(!fixture.monitor.problems.empty());
  CHECK(fixture.monitor.problems.front().find(second.hex().substr(0, 8)) != std::string::npos);
  CHECK(result.freed_bytes == 0);
  CHECK(fixture.objects("packs/") == [&] {
    auto left = before;
    std::erase_if(left, [](const auto& entry) { return !entry.first.starts_with("packs/"); });
    return left;
  }());
}

TEST_CASE("nothing is condemned while content that is needed is missing") {
  PruneFixture fixture;
  fixture.write_files(0, 60, 0);
  const auto first = fixture.back_up();
  const auto before = fixture.objects("packs/");
  fixture.write_files(30, 60, 1);
  fixture.back_up();
  fixture.forget({first});
  std::string needed;
  for (const auto& name : fixture.small.repository().index().live_packs()) {
    const store::PackReader reader(fixture.small.destination(), fixture.small.repository().keyring(), name);
    if (reader.header().kind != store::PackKind::kData) continue;
    if (!before.contains(store::pack_key(name))) needed = store::pack_key(name);
  }
  REQUIRE_FALSE(needed.empty());
  const auto count = fixture.objects("packs/").size();
  fixture.small.destination().remove(needed);
  const auto result = fixture.prune();
  CHECK(result.problem_count == 1);
  CHECK(fixture.objects("packs/").size() == count - 1);
}

TEST_CASE("objects that no record names go when they are old enough") {
  PruneFixture fixture;
  fixture.write_files(0, 10, 0);
  fixture.back_up();
  auto& repository = fixture.small.repository();
  const auto orphan =
      store_pack(repository, {test_blob(repository, "of a backup that never came to its end")});
  auto options = fixture.options();
  options.grace = 1h;
  auto result = fixture.prune(options);
  CHECK(result.orphans.packs == 0);
  CHECK(result.young_orphans.packs == 1);
  CHECK(fixture.small.destination().size(store::pack_key(orphan.name)).has_value());
  result = fixture.prune();
  CHECK(result.orphans.packs == 1);
  CHECK(result.freed_bytes == orphan.size);
  CHECK_FALSE(fixture.small.destination().size(store::pack_key(orphan.name)).has_value());
  fixture.check_tidy();
  // Its writer cannot commit on it any more.
  const auto outcome = repository.commit(test_plan({orphan}));
  CHECK_FALSE(outcome.committed);
  CHECK(outcome.lost_names.contains(orphan.name));
}

TEST_CASE("what an unfinished run has committed stays, until the run has been silent for too long") {
  PruneFixture fixture;
  fixture.write_files(0, 10, 0);
  fixture.back_up();
  auto& repository = fixture.small.repository();
  store::CommitPlan plan;
  plan.packs = {store_pack(repository, {test_blob(repository, "of a run of several days")})};
  store::v1::UnfinishedRoot root;
  set_uuid(*root.mutable_run(), Uuid::random());
  plan.set_roots = {root};
  REQUIRE(repository.commit(plan).committed);
  auto options = fixture.options();
  options.grace = 1h;
  auto result = fixture.prune(options);
  CHECK(result.dead.packs == 0);
  CHECK(result.abandoned_runs == 0);
  CHECK(repository.index().is_live(plan.packs[0].name));
  result = fixture.prune();
  CHECK(result.abandoned_runs == 1);
  CHECK(repository.state()->roots_size() == 0);
  CHECK_FALSE(fixture.small.destination().size(store::pack_key(plan.packs[0].name)).has_value());
  fixture.check_tidy();
  fixture.check_whole();
}

namespace {

// A fill commits trees before what they lead to, and some that its snapshot has no use for.
struct UnfinishedFill {
  explicit UnfinishedFill(PruneFixture& owner)
      : fixture(owner), old(test_blob(repository(), "content that nobody refers to but the fill")) {
    store::v1::TreePage below;
    *below.add_nodes() = sample_file("file");
    below.mutable_nodes(0)->mutable_content(0)->set_id(std::string(as_text(old.id.view())));
    inner = test_blob(repository(), snapshot::serialize(below), crypto::BlobKind::kTree);
    store::v1::TreePage above;
    *above.add_nodes() = sample_file("file");  // of content that is nowhere
    *above.add_nodes() = sample_folder("folder", {inner.id, {}});
    outer = test_blob(repository(), snapshot::serialize(above), crypto::BlobKind::kTree);
  }
  store::Repository& repository() { return fixture.small.repository(); }
  void commit(const TestBlob& blob) {
    store::CommitPlan plan;
    plan.packs = {store_pack(repository(), {blob})};
    store::v1::UnfinishedRoot root;
    set_uuid(*root.mutable_run(), run);
    plan.set_roots = {root};
    REQUIRE(repository().commit(plan).committed);
  }

  PruneFixture& fixture;
  const Uuid run = Uuid::random();
  TestBlob old;
  TestBlob inner;
  TestBlob outer;
};

}  // namespace

TEST_CASE("that an unfinished run has not all that its trees lead to is no damage") {
  PruneFixture fixture;
  fixture.write_files(0, 60, 0);
  const auto first = fixture.back_up();
  fixture.write_files(0, 60, 1);
  fixture.back_up();
  UnfinishedFill fill(fixture);
  fill.commit(fill.outer);
  fixture.forget({first});
  auto options = fixture.options();
  options.grace = 1h;
  const auto result = fixture.prune(options);
  CHECK(result.problem_count == 0);
  CHECK(fixture.monitor.problems.empty());
  CHECK(result.dead.packs > 0);
  CHECK(fill.repository().index().find_pack(fill.outer.id).has_value());
}

TEST_CASE("what a tree leads to that comes after the marking is marked with it") {
  PruneFixture fixture;
  fixture.write_files(0, 10, 0);
  fixture.back_up();
  UnfinishedFill fill(fixture);
  // Of a run that was before: a pack that is a candidate.
  store::CommitPlan plan;
  plan.packs = {store_pack(fill.repository(), {fill.old})};
  REQUIRE(fill.repository().commit(plan).committed);
  fill.commit(fill.outer);
  maintenance::Marks marks(fill.repository().index().freeze());
  maintenance::Marker marker(fill.repository(), marks, 2, {}, [](std::uint64_t) {});
  marker.mark(*fill.repository().state());
  CHECK(marker.problems().empty());
  CHECK_FALSE(marks.is_in_use(fill.old.id));
  fill.commit(fill.inner);
  marker.mark(*fill.repository().state());
  CHECK(marker.problems().empty());
  CHECK(marks.is_in_use(fill.old.id));
}

TEST_CASE("a backup that commits on what is about to be condemned is seen") {
  PruneFixture fixture;
  fixture.write_files(0, 60, 0);
  const auto first = fixture.back_up();
  const auto entry = fixture.small.repository().snapshot_of_run(
      Uuid::from_bytes(as_bytes(fixture.small.repository().state()->snapshots(0).snapshot().run())));
  fixture.write_files(0, 60, 1);
  fixture.back_up();
  fixture.forget({first});

  std::shared_ptr<HookedDestination> hooked;
  fixture.small.wrap([&](std::shared_ptr<destination::Destination> inner) {
    return hooked = std::make_shared<HookedDestination>(std::move(inner));
  });
  // Just before the record that condemns: another machine lists the old tree again, found in packs that were
  // live.
  hooked->before_put_exclusive = [&](const std::string&) {
    forge_record_by_other(fixture.small.repository(), [&](store::Record& record) {
      auto& added = *record.body.add_add_snapshots();
      *added.mutable_snapshot() = entry->snapshot();
      set_uuid(*added.mutable_snapshot()->mutable_run(), Uuid::random());
      const auto id = fixture.small.repository().hasher().id(crypto::BlobKind::kSnapshot,
                                                             as_bytes(added.snapshot().SerializeAsString()));
      added.set_id(id.value.data(), id.value.size());
    });
  };
  const auto packs = fixture.objects("packs/");
  const auto result = fixture.prune();
  // But for the pack that held nothing but the blob of the snapshot that was forgotten.
  CHECK(result.dead.packs <= 1);
  CHECK(fixture.objects("packs/").size() + 1 >= packs.size());
  CHECK(fixture.small.repository().state()->snapshots_size() == 2);
  fixture.check_whole();
}

TEST_CASE("a prune that is cut off at any change is taken up by the next one") {
  PruneFixture fixture;
  fixture.write_files(0, 60, 0);
  const auto first = fixture.back_up();
  for (int number = 0; number < 60; ++number) {
    if (number % 8 != 0) std::filesystem::remove(fixture.source.path("file" + std::to_string(number)));
  }
  fixture.write_files(100, 120, 0);
  fixture.back_up();
  fixture.forget({first});
  const std::uint64_t bytes = fixture.pack_bytes();
  std::size_t failures = 0;
  for (std::size_t changes = 0;; ++changes) {
    // Each try begins where the one before was cut off, and is let come one change further.
    fixture.recording->fail_after(changes);
    bool done = false;
    try {
      fixture.prune();
      done = true;
    } catch (const Error& error) {
      CHECK(error.kind() == ErrorKind::kWriteFailed);
      ++failures;
    }
    fixture.recording->never_fail();
    fixture.small.reopen();
    fixture.check_whole();
    fixture.small.wrap([&](std::shared_ptr<destination::Destination> inner) {
      return fixture.recording = std::make_shared<RecordingDestination>(std::move(inner));
    });
    if (done) break;
    REQUIRE(changes < 100);
  }
  CHECK(failures > 4);
  fixture.prune();
  CHECK(fixture.pack_bytes() < bytes * 6 / 10);
  fixture.check_tidy();
  fixture.check_whole();
}

TEST_CASE("a check that is overtaken by a prune finds no damage") {
  PruneFixture fixture;
  fixture.write_files(0, 60, 0);
  const auto first = fixture.back_up();
  for (int number = 0; number < 60; ++number) {
    if (number % 8 != 0) std::filesystem::remove(fixture.source.path("file" + std::to_string(number)));
  }
  fixture.back_up();
  maintenance::PruneResult result;
  const auto prune = [&] {
    fixture.forget({first});
    result = fixture.prune();
  };
  SECTION("after it has read the index") { fixture.recording->before_list("packs/", prune); }
  SECTION("before it reads the keys") { fixture.recording->before_list("keys/", prune); }
  fixture.check_whole();
  CHECK(result.dead.packs + result.rewritten.packs > 1);
  fixture.check_tidy();
}

TEST_CASE("whoever may only add cannot forget, pin or prune") {
  PruneFixture fixture;
  fixture.write_files(0, 5, 0);
  const auto only = fixture.back_up();
  fixture.small.demote();
  CHECK(kind_of([&] { fixture.forget({only}); }) == ErrorKind::kPermissionDenied);
  CHECK(kind_of([&] { fixture.prune(); }) == ErrorKind::kPermissionDenied);
  CHECK(kind_of([&] { maintenance::set_pinned(fixture.small.repository(), only, true); }) ==
        ErrorKind::kPermissionDenied);
  CHECK(fixture.small.repository().state()->snapshots_size() == 1);
}

TEST_CASE("a run whose pack was taken for an orphan and dropped gives what it still has another name") {
  PruneFixture fixture;
  fixture.write_files(0, 5, 0);
  fixture.back_up();
  store::Repository& repository = fixture.small.repository();
  store::BlobWriterOptions how;
  how.run = Uuid::random();
  how.staging_folder = *fixture.small.destination().staging_folder();
  const std::string content = noise(5000, 77);
  const auto id = repository.hasher().id(crypto::BlobKind::kData, as_bytes(content));

  // Published; and a crash brings its staging name back.
  std::vector<store::DurablePack> durable;
  const std::string saved = fixture.source.path("saved");
  {
    store::BlobWriter writer(repository, how);
    writer.put(0, id, as_bytes(content));
    durable = writer.finish();
    REQUIRE(durable.size() == 1);
    REQUIRE(durable[0].deliveries.size() == 1);
    std::filesystem::copy_file(durable[0].path, saved);
    writer.publish();
  }
  const store::ObjectName first = durable[0].deliveries[0].name;
  CHECK(fixture.prune().orphans.packs == 1);
  REQUIRE_FALSE(fixture.small.destination().size(store::pack_key(first)));
  std::filesystem::copy_file(saved, durable[0].path);

  store::BlobWriter writer(repository, how);
  CHECK(writer.adopt(durable).committed[0].empty());
  writer.finish();
  writer.publish();
  store::CommitPlan plan;
  plan.packs = writer.published();
  REQUIRE(plan.packs.size() == 1);
  CHECK(plan.packs[0].name != first);
  REQUIRE(repository.commit(plan).committed);
  // As a machine has it that reads the log from its start.
  fixture.small.reopen();
  CHECK(as_text(fixture.small.repository().read(crypto::BlobKind::kData, id)) == content);
}

TEST_CASE("a pinned snapshot is kept by every policy, and by the log") {
  PruneFixture fixture;
  fixture.write_files(0, 5, 0);
  const auto first = fixture.back_up();
  fixture.write_files(0, 5, 1);
  fixture.back_up();
  auto& repository = fixture.small.repository();
  CHECK(maintenance::set_pinned(repository, first, true));
  CHECK_FALSE(maintenance::set_pinned(repository, first, true));
  CHECK(kind_of([&] { fixture.forget({first}); }) == ErrorKind::kConflict);
  maintenance::ForgetOptions options;
  options.policy.last = 1;
  auto decisions = maintenance::run_forget(repository, options, system_clock());
  REQUIRE(decisions.size() == 2);
  CHECK(decisions[1].id == first);
  CHECK(decisions[1].reasons == std::vector<std::string>{"pinned"});
  fixture.small.reopen();
  CHECK(store::find_snapshot(*fixture.small.repository().state(), first.view())->pinned());
  CHECK(maintenance::set_pinned(fixture.small.repository(), first, false));
  decisions = maintenance::run_forget(fixture.small.repository(), options, system_clock());
  CHECK(decisions[1].forgotten);
  CHECK(fixture.small.repository().state()->snapshots_size() == 1);
}

TEST_CASE("a base stays as long as a difference needs it, and goes after the last one") {
  PruneFixture fixture;
  const std::string base = noise(12'000, 1);
  const std::string content = base.substr(0, 6000) + "changed" + base.substr(6000);
  const auto back_up = [&](const std::function<store::v1::Node(store::BlobSink&)>& build) {
    fixture.small.back_up_node(build);
    const auto state = fixture.small.repository().state();
    return crypto::BlobId::from_bytes(as_bytes(state->snapshots(state->snapshots_size() - 1).id()));
  };
  const auto first = back_up([&](store::BlobSink& sink) { return whole_node(sink, base); });
  const auto second =
      back_up([&](store::BlobSink& sink) { return difference_node(fixture.small, sink, base, content); });
  back_up([&](store::BlobSink& sink) { return whole_node(sink, noise(5000, 2)); });
  const auto& hasher = fixture.small.repository().hasher();
  const auto base_id = hasher.id(crypto::BlobKind::kData, as_bytes(base));
  const auto patch_id = crypto::BlobId::from_bytes(as_bytes(
      fixture.small.repository().state()->snapshots(1).snapshot().sources(0).root().content(0).patch()));

  fixture.forget({first});
  fixture.prune();
  CHECK(fixture.monitor.problems.empty());
  CHECK(fixture.small.repository().index().find(base_id));
  CHECK(fixture.small.repository().index().find(patch_id));
  fixture.check_whole();

  fixture.forget({second});
  fixture.prune();
  CHECK_FALSE(fixture.small.repository().index().find(base_id));
  CHECK_FALSE(fixture.small.repository().index().find(patch_id));
  fixture.check_tidy();
  fixture.check_whole();
}

TEST_CASE("nothing is condemned while the base of a difference is missing") {
  PruneFixture fixture;
  const std::string base = noise(12'000, 1);
  fixture.write_files(0, 10, 0);
  const auto first = fixture.back_up();
  const auto before = fixture.objects("packs/");
  fixture.small.back_up_node([&](store::BlobSink& sink) { return whole_node(sink, base); });
  // The id of a base that nobody has.
  fixture.small.back_up_node([&](store::BlobSink& sink) {
    store::v1::Node node = difference_node(fixture.small, sink, base, base + "changed");
    node.mutable_content(0)->set_base(std::string(32, 'x'));
    return node;
  });
  fixture.forget({first});
  CHECK(fixture.prune().problem_count == 1);
  for (const auto& [key, size] : before) CHECK(fixture.objects("packs/").contains(key));
}
