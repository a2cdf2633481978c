#include "backup/fill_run.h"

#include <rapidcheck.h>
#include <algorithm>
#include <filesystem>
#include <map>
#include <set>

#include "backup_fixture.h"
#include "snapshot/closure.h"
#include "store/pack.h"
#include "support/watched_destination.h"

using namespace garner;
using namespace garner::backup;
using namespace garner::testing;

namespace {

// A backup's repository, and others of the same keyring that are filled from it.
struct Filling {
  Backups backups;
  SmallRepository other{small_parameters(), &backups.small.keyring()};
  MemoryCheckpoint checkpoint;
  std::shared_ptr<WatchedDestination> target_place;
  std::shared_ptr<WatchedDestination> supplier_place;
  Uuid run = Uuid::random();
  CheckpointPace pace;

  Filling() {
    other.wrap([&](auto inner) { return target_place = std::make_shared<WatchedDestination>(inner); });
    backups.small.wrap(
        [&](auto inner) { return supplier_place = std::make_shared<WatchedDestination>(inner); });
  }

  v1::SnapshotEntry entry(const crypto::BlobId& id) {
    const auto state = backups.small.repository().state();
    return *store::find_snapshot(*state, id.view());
  }
  std::vector<Supplier> suppliers() { return {{"disk", &backups.small.repository()}}; }
  FilledTarget fill(const crypto::BlobId& id, CheckpointStore& store, const std::vector<Supplier>& from,
                    std::stop_token stop = {}) {
    FillOptions options;
    options.run = run;
    options.threads = 2;
    options.pace = pace;
    return run_fill(other.repository(), entry(id), from, store, options, backups.clock, backups.monitor,
                    stop);
  }
  FilledTarget fill(const crypto::BlobId& id) { return fill(id, checkpoint, suppliers()); }
  ErrorKind failure(const crypto::BlobId& id, std::string* message = nullptr) {
    try {
      fill(id);
    } catch (const Error& error) {
      if (message != nullptr) *message = error.what();
      return error.kind();
    }
    FAIL("it was filled");
    return ErrorKind::kInternal;
  }

  bool is_listed(const crypto::BlobId& id) {
    const auto state = other.repository().state();
    return store::find_snapshot(*state, id.view()) != nullptr;
  }
  bool is_complete(const crypto::BlobId& id) {
    return is_listed(id) && snapshot::Completeness(other.repository(), {}).is_complete(entry(id).snapshot());
  }
  std::vector<std::string> differences(const crypto::BlobId& id, const std::string& source) {
    TemporaryFolder folder;
    QuietRestore restored;
    restore::RestoreOptions options;
    options.target = folder.path("restored");
    run_restore(other.repository(), entry(id).snapshot(), options, restored, {});
    auto found = TreeComparison::differences(source, folder.path("restored"));
    found.insert(found.end(), restored.errors.begin(), restored.errors.end());
    return found;
  }
};

using Ids = std::set<crypto::BlobId>;

Ids blobs_of(const store::Repository& repository) {
  Ids ids;
  repository.index().for_each([&](const crypto::BlobId& id, const store::BlobLocation& location) {
    if (location.kind != crypto::BlobKind::kSnapshot) ids.insert(id);
  });
  return ids;
}

std::set<store::ObjectName> packs_with(const store::Repository& repository, store::PackKind kind) {
  std::set<store::ObjectName> names;
  repository.index().for_each([&](const crypto::BlobId&, const store::BlobLocation& location) {
    if (store::pack_kind(location.kind) == kind) names.insert(location.pack);
  });
  return names;
}

void damage(SmallRepository& small, const store::ObjectName& pack) {
  const std::string path = small.path() + "/" + store::pack_key(pack);
  std::filesystem::permissions(path, std::filesystem::perms::owner_write, std::filesystem::perm_options::add);
  std::fstream file(path, std::ios::binary | std::ios::in | std::ios::out);
  file.seekp(3000);
  for (int i = 0; i < 60'000; ++i) file.put('\x55');
  REQUIRE(file);
}

// What a prune does with a pack of which little is in use: everything goes into a new one, and it is
// condemned and deleted.
void move_pack(store::Repository& repository, const store::ObjectName& old) {
  std::vector<TestBlob> blobs;
  repository.index().for_each([&](const crypto::BlobId& id, const store::BlobLocation& location) {
    if (location.pack == old) blobs.push_back({location.kind, id, {}});
  });
  for (TestBlob& blob : blobs) blob.content = repository.read(blob.kind, blob.id);
  store::CommitPlan plan;
  for (std::size_t i = 0; i < blobs.size(); i += 50) {
    plan.packs.push_back(store_pack(
        repository, {blobs.begin() + static_cast<std::ptrdiff_t>(i),
                     blobs.begin() + static_cast<std::ptrdiff_t>(std::min(blobs.size(), i + 50))}));
  }
  plan.removal.condemn = {old};
  plan.removal.decided_on = repository.state()->generation();
  REQUIRE(repository.commit(plan).committed);
  repository.destination().remove(store::pack_key(old));
}

}  // namespace

TEST_CASE("an empty repository is given a snapshot: one id, everything restores, the source is not read") {
  Filling filling;
  const Sources sources(1);
  const crypto::BlobId id = filling.backups.run(sources.root()).snapshot;
  const FilledTarget filled = filling.fill(id);
  CHECK(filled.snapshot == id);
  CHECK(filled.suppliers == std::vector<std::string>{"disk"});
  CHECK(filled.counters.new_bytes == filling.entry(id).snapshot().new_bytes());
  CHECK(filled.counters.supplied_bytes > filled.counters.new_bytes);
  CHECK(filled.counters.stored_bytes > filled.counters.new_bytes);
  CHECK(filling.is_complete(id));
  CHECK(filling.differences(id, sources.root()).empty());
  CHECK(blobs_of(filling.other.repository()) == blobs_of(filling.backups.small.repository()));
  // It stands in a pack as well, for whoever has to rebuild the log.
  CHECK(filling.other.repository().index().find(id).has_value());
  CHECK_FALSE(filling.checkpoint.load().has_value());
  CHECK(filling.other.repository().state()->roots().empty());

  // And again: there is nothing to do.
  const std::uint64_t generation = filling.other.repository().state()->generation();
  filling.fill(id);
  CHECK(filling.other.repository().state()->generation() == generation);
}

TEST_CASE(
    "a repository that is some snapshots behind is given what it lacks, and nothing of its own is read") {
  Filling filling;
  Sources sources(2);
  const auto options = [&] { return filling.backups.options({sources.root()}); };
  filling.fill(filling.backups.run(options()).snapshot);
  crypto::BlobId newest;
  for (int i = 0; i < 3; ++i) {
    write_file(sources.root() + "/new" + std::to_string(i), random_text(sources.random(), 50'000));
    write_file(sources.root() + "/folder0/file1", random_text(sources.random(), 20'000));
    newest = filling.backups.run(options()).snapshot;
  }
  const Ids before = blobs_of(filling.other.repository());
  filling.target_place->forget_counts();
  filling.supplier_place->forget_counts();
  filling.run = Uuid::random();
  const FilledTarget filled = filling.fill(newest);
  CHECK(filled.snapshot == newest);
  CHECK(filling.is_complete(newest));
  CHECK(filling.differences(newest, sources.root()).empty());
  CHECK(filled.counters.new_bytes >= 170'000);
  // Versions of file1 in between, and trees, are no part of it, as far as whole frames do not bring them.
  CHECK(filled.counters.supplied_bytes < 300'000);
  CHECK(filled.counters.new_bytes <= filled.counters.supplied_bytes);
  Ids lacking;
  const Ids after = blobs_of(filling.other.repository());
  std::ranges::set_difference(after, before, std::inserter(lacking, lacking.end()));
  CHECK_FALSE(lacking.empty());
  // The snapshot in between is not at the target.
  CHECK(filling.other.repository().state()->snapshots_size() == 2);
}

TEST_CASE("nothing is read at a target that is far away, but what the walk compares with is read elsewhere") {
  Filling filling;
  Sources sources(3);
  filling.fill(filling.backups.run(sources.root()).snapshot);
  write_file(sources.root() + "/new", random_text(sources.random(), 100'000));
  const crypto::BlobId id = filling.backups.run(sources.root()).snapshot;
  filling.other.reopen();
  filling.other.wrap(
      [&](auto inner) { return filling.target_place = std::make_shared<WatchedDestination>(inner); });
  filling.target_place->forget_counts();
  filling.run = Uuid::random();
  filling.fill(id);
  CHECK(filling.target_place->reads("packs") == 0);
  CHECK(filling.is_complete(id));
}

TEST_CASE("frames are handed on as they are: compressed once") {
  Filling filling;
  const TemporaryFolder folder;
  const std::string source = folder.path("source");
  make_folders_durably(source);
  for (int i = 0; i < 40; ++i) {
    std::string text;
    for (int line = 0; line < 400; ++line) text += "line " + std::to_string(line * i) + " of a file\n";
    write_file(source + "/text" + std::to_string(i), text);
  }
  const crypto::BlobId id = filling.backups.run(source).snapshot;
  filling.fill(id);
  const auto frames = [](SmallRepository& small) {
    std::multiset<std::string> opened;
    for (const store::ObjectName& name : packs_with(small.repository(), store::PackKind::kData)) {
      const store::PackReader reader(small.destination(), small.repository().keyring(), name);
      for (const store::PackedFrame& frame : reader.read_directory().frames) {
        Scratch memory;
        opened.insert(std::string(as_text(reader.read_frame(frame.offset, frame.stored_length, memory))));
      }
    }
    return opened;
  };
  const auto carried = frames(filling.other);
  CHECK(carried.size() > 3);
  CHECK(carried == frames(filling.backups.small));
}

TEST_CASE("a fill that is cut off at any save goes on, and carries nothing twice") {
  for (const bool before : {true, false}) {
    for (int cut = 1;; ++cut) {
      Filling filling;
      filling.pace.bytes = 200'000;
      filling.pace.commit_bytes = 600'000;
      const Sources sources(4);
      const crypto::BlobId id = filling.backups.run(sources.root()).snapshot;
      (before ? filling.checkpoint.cut_before_save : filling.checkpoint.cut_after_save) = cut;
      bool was_cut = false;
      try {
        filling.fill(id);
      } catch (const PowerCut&) {
        was_cut = true;
      }
      INFO((before ? "before save " : "after save ") << cut);
      filling.checkpoint.cut_before_save = filling.checkpoint.cut_after_save = 0;
      filling.other.reopen();
      const FilledTarget filled = filling.fill(id);
      CHECK(filled.snapshot == id);
      CHECK(filling.is_complete(id));
      CHECK(filling.other.repository().state()->roots().empty());
      CHECK(list_names(*filling.other.destination().staging_folder()).empty());
      // What was durable is there once.
      std::map<crypto::BlobId, int> copies;
      filling.other.repository().index().for_each(
          [&](const crypto::BlobId& blob, const store::BlobLocation&) { ++copies[blob]; });
      for (const auto& [blob, count] : copies) CHECK(count == 1);
      if (!was_cut) {
        CHECK(cut > 1);
        break;
      }
    }
  }
}

TEST_CASE("a fill that is stopped is cancelled after a checkpoint, and goes on from there") {
  Filling filling;
  filling.pace.bytes = 200'000;
  const Sources sources(5);
  const crypto::BlobId id = filling.backups.run(sources.root()).snapshot;
  std::stop_source stop;
  filling.target_place->before_put_file = [&](const std::string&) { stop.request_stop(); };
  try {
    filling.fill(id, filling.checkpoint, filling.suppliers(), stop.get_token());
    FAIL("it was not stopped");
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::kCancelled);
  }
  CHECK_FALSE(filling.is_listed(id));
  const auto head = filling.checkpoint.load();
  REQUIRE(head.has_value());
  CHECK_FALSE(head->packs.empty());
  REQUIRE(head->targets.size() == 1);
  const std::uint64_t carried = head->targets[0].counters.supplied_bytes;
  CHECK(carried > 0);
  filling.target_place->before_put_file = nullptr;
  const FilledTarget filled = filling.fill(id);
  CHECK(filling.is_complete(id));
  CHECK(filled.counters.supplied_bytes >= carried);
  CHECK(filled.counters.new_bytes == filling.entry(id).snapshot().new_bytes());
}

TEST_CASE("what one supplier has lost or damaged comes from the next one") {
  Filling filling;
  const Sources sources(6);
  const crypto::BlobId id = filling.backups.run(sources.root()).snapshot;
  SmallRepository third(small_parameters(), &filling.backups.small.keyring());
  {
    FillOptions options;
    options.run = Uuid::random();
    MemoryCheckpoint checkpoint;
    run_fill(third.repository(), filling.entry(id), filling.suppliers(), checkpoint, options,
             filling.backups.clock, filling.backups.monitor, {});
  }
  const std::vector<Supplier> both{{"disk", &filling.backups.small.repository()},
                                   {"third", &third.repository()}};
  const auto data = packs_with(filling.backups.small.repository(), store::PackKind::kData);
  REQUIRE(data.size() >= 4);
  damage(filling.backups.small, *data.begin());
  std::filesystem::remove(filling.backups.small.path() + "/" + store::pack_key(*data.rbegin()));
  SECTION("both ask") {
    const FilledTarget filled = filling.fill(id, filling.checkpoint, both);
    CHECK(filled.suppliers == std::vector<std::string>{"disk", "third"});
    CHECK(filling.is_complete(id));
    CHECK(filling.differences(id, sources.root()).empty());
  }
  SECTION("trees as well") {
    for (const auto& name : packs_with(filling.backups.small.repository(), store::PackKind::kMetadata))
      std::filesystem::remove(filling.backups.small.path() + "/" + store::pack_key(name));
    filling.fill(id, filling.checkpoint, both);
    CHECK(filling.is_complete(id));
  }
  SECTION("packs that lie under each other's names") {
    const std::string one = filling.backups.small.path() + "/" + store::pack_key(*std::next(data.begin()));
    const std::string other =
        filling.backups.small.path() + "/" + store::pack_key(*std::next(data.begin(), 2));
    std::filesystem::rename(one, one + "-aside");
    std::filesystem::rename(other, one);
    std::filesystem::rename(one + "-aside", other);
    filling.fill(id, filling.checkpoint, both);
    CHECK(filling.is_complete(id));
    CHECK(filling.differences(id, sources.root()).empty());
  }
  SECTION("the first goes away in the middle") {
    filling.supplier_place->reads_until_away = 6;
    filling.fill(id, filling.checkpoint, both);
    CHECK(filling.supplier_place->away);
    CHECK(filling.is_complete(id));
  }
}

TEST_CASE("what nobody has is named by its files, and nothing is committed") {
  Filling filling;
  const TemporaryFolder folder;
  std::mt19937_64 random(7);
  const std::string source = folder.path("source");
  for (const char* name : {"/lost", "/whole"}) {
    make_folders_durably(source + name);
    write_file(source + name + "/file", random_text(random, 400'000));
  }
  const crypto::BlobId id = filling.backups.run(source).snapshot;
  // The pack with the file's first chunk.
  const v1::Node lost = filling.backups.file(id, "lost");
  snapshot::TreeReader reader(filling.backups.small.repository(),
                              crypto::BlobId::from_bytes(as_bytes(lost.tree())));
  std::optional<crypto::BlobId> chunk;
  snapshot::for_each_entry(reader.next()->node, filling.backups.small.repository(),
                           [&](std::uint64_t, const v1::ContentEntry& found) {
                             chunk = crypto::BlobId::from_bytes(as_bytes(found.id()));
                             return false;
                           });
  const auto pack = filling.backups.small.repository().index().find_pack(*chunk);
  std::filesystem::remove(filling.backups.small.path() + "/" + store::pack_key(*pack));
  std::string message;
  CHECK(filling.failure(id, &message) == ErrorKind::kDamaged);
  CHECK(message.find(source + "/lost/file") != std::string::npos);
  CHECK(message.find("disk") != std::string::npos);
  CHECK(message.find("garner repair") != std::string::npos);
  CHECK_FALSE(filling.is_listed(id));
  // What was carried is in the checkpoint: who has repaired the supplier goes on from there.
  CHECK(filling.checkpoint.load().has_value());
}

TEST_CASE("a prune of the supplier in the middle costs another look") {
  Filling filling;
  const Sources sources(8);
  const crypto::BlobId id = filling.backups.run(sources.root()).snapshot;
  const auto data = packs_with(filling.backups.small.repository(), store::PackKind::kData);
  bool moved = false;
  filling.pace.bytes = 100'000;
  filling.target_place->before_put_file = [&](const std::string&) {
    if (std::exchange(moved, true)) return;
    for (const store::ObjectName& name : data) move_pack(filling.backups.small.repository(), name);
  };
  filling.fill(id);
  CHECK(moved);
  CHECK(filling.is_complete(id));
  CHECK(filling.differences(id, sources.root()).empty());
}

TEST_CASE("what the target loses while it is filled is carried again") {
  Filling filling;
  Sources sources(9);
  filling.fill(filling.backups.run(sources.root()).snapshot);
  write_file(sources.root() + "/new", random_text(sources.random(), 100'000));
  const crypto::BlobId id = filling.backups.run(sources.root()).snapshot;
  filling.run = Uuid::random();
  SECTION("packs that it relies on") {
    RemovingCheckpoint removing(filling.checkpoint, [&] {
      const auto data = packs_with(filling.other.repository(), store::PackKind::kData);
      store::CommitPlan plan;
      plan.removal.condemn = data;
      for (const auto& snapshot : filling.other.repository().state()->snapshots())
        plan.removal.remove_snapshots.insert(crypto::BlobId::from_bytes(as_bytes(snapshot.id())));
      plan.removal.decided_on = filling.other.repository().state()->generation();
      REQUIRE(filling.other.repository().commit(plan).committed);
    });
    filling.fill(id, removing, filling.suppliers());
  }
  SECTION("the snapshot that it was compared with") {
    RemovingCheckpoint removing(filling.checkpoint, [&] {
      store::CommitPlan plan;
      for (const auto& snapshot : filling.other.repository().state()->snapshots())
        plan.removal.remove_snapshots.insert(crypto::BlobId::from_bytes(as_bytes(snapshot.id())));
      plan.removal.decided_on = filling.other.repository().state()->generation();
      REQUIRE(filling.other.repository().commit(plan).committed);
    });
    filling.fill(id, removing, filling.suppliers());
  }
  CHECK(filling.is_complete(id));
  CHECK(filling.differences(id, sources.root()).empty());
}

TEST_CASE("a target that goes away or is full, and a supplier that alone has something, pause the fill") {
  Filling filling;
  filling.pace.bytes = 200'000;
  const Sources sources(10);
  const crypto::BlobId id = filling.backups.run(sources.root()).snapshot;
  SECTION("the target is away") {
    filling.target_place->before_put_file = [&](const std::string&) { filling.target_place->away = true; };
    CHECK(filling.failure(id) == ErrorKind::kDestinationAway);
    filling.target_place->before_put_file = nullptr;
    filling.target_place->away = false;
  }
  SECTION("the target is full") {
    filling.target_place->before_put_file = [&](const std::string&) { filling.target_place->full = true; };
    CHECK(filling.failure(id) == ErrorKind::kDestinationFull);
    filling.target_place->before_put_file = nullptr;
    filling.target_place->full = false;
  }
  SECTION("the supplier is away") {
    filling.supplier_place->reads_until_away = 6;
    CHECK(filling.failure(id) == ErrorKind::kDestinationAway);
    filling.supplier_place->away = false;
  }
  CHECK_FALSE(filling.is_listed(id));
  filling.fill(id);
  CHECK(filling.is_complete(id));
}

TEST_CASE("a checkpoint that another target's fill has left does no harm") {
  Filling filling;
  filling.pace.bytes = 200'000;
  const Sources sources(11);
  const crypto::BlobId id = filling.backups.run(sources.root()).snapshot;
  SmallRepository third(small_parameters(), &filling.backups.small.keyring());
  MemoryCheckpoint& checkpoint = filling.checkpoint;
  checkpoint.cut_after_save = 1;
  CHECK_THROWS_AS(filling.fill(id), PowerCut);
  FillOptions options;
  options.run = filling.run;
  options.number = 1;
  run_fill(third.repository(), filling.entry(id), filling.suppliers(), checkpoint, options,
           filling.backups.clock, filling.backups.monitor, {});
  CHECK(snapshot::Completeness(third.repository(), {}).is_complete(filling.entry(id).snapshot()));
  filling.fill(id);
  CHECK(filling.is_complete(id));
  CHECK(list_names(*filling.other.destination().staging_folder()).empty());
  CHECK_FALSE(checkpoint.load());
}

TEST_CASE("a fill is given its number, and counts what its target had been given before") {
  Filling filling;
  const Sources sources(14);
  const crypto::BlobId id = filling.backups.run(sources.root()).snapshot;
  filling.pace.bytes = 200'000;
  FillOptions options;
  options.run = filling.run;
  options.number = 5;
  options.before = {7, 11, 13};
  options.pace = filling.pace;
  const auto fill = [&] {
    return run_fill(filling.other.repository(), filling.entry(id), filling.suppliers(), filling.checkpoint,
                    options, filling.backups.clock, filling.backups.monitor, {});
  };
  filling.checkpoint.cut_after_save = 1;
  CHECK_THROWS_AS(fill(), PowerCut);
  const auto head = filling.checkpoint.load();
  REQUIRE(head);
  REQUIRE(head->targets.size() == 1);
  CHECK(head->targets[0].number == 5);
  for (const store::DurablePack& pack : head->packs) CHECK(pack.lacking == store::target_bit(5));
  filling.other.reopen();
  const FilledTarget filled = fill();
  // What was counted and not yet durable is carried, and counted, again; what its threads had in hand when it
  // was cut off may be durable and not counted.
  const std::uint64_t made = filling.entry(id).snapshot().new_bytes();
  CHECK(filled.counters.new_bytes > made - made / 10);
  CHECK(filled.counters.new_bytes < made + made / 2);
  CHECK(filled.counters.supplied_bytes > filled.counters.new_bytes);
  CHECK(filled.counters.stored_bytes > filled.counters.new_bytes);
  CHECK(filling.is_complete(id));
}

TEST_CASE("differences are told to a repository that did not expect them, by who may") {
  Filling filling;
  Sources sources(12);
  age(sources.root() + "/large");
  filling.backups.run(sources.root());
  {
    std::fstream file(sources.root() + "/large", std::ios::binary | std::ios::in | std::ios::out);
    for (int i = 0; i < 20; ++i) {
      file.seekp(100'000 * i + 77);
      file.put('x');
    }
  }
  const crypto::BlobId id = filling.backups.run(sources.root()).snapshot;
  bool any = false;
  for (const v1::ContentEntry& entry : filling.backups.content(id, "large"))
    any = any || entry.type() == v1::ENTRY_TYPE_DIFFERENCE;
  REQUIRE(any);
  const auto expects = [](store::Repository& repository) {
    return (store::features_of(*repository.state()).read & store::kDifferencesFeature) != 0;
  };
  SECTION("a remover") {
    CHECK_FALSE(expects(filling.other.repository()));
    filling.fill(id);
    CHECK(expects(filling.other.repository()));
    CHECK(filling.is_complete(id));
    CHECK(filling.differences(id, sources.root()).empty());
  }
  SECTION("a machine that may only add") {
    filling.other.demote();
    filling.other.repository().refresh();
    CHECK(filling.failure(id) == ErrorKind::kPermissionDenied);
    CHECK_FALSE(filling.is_listed(id));
  }
}

TEST_CASE("a snapshot that was recovered is listed as that") {
  Filling filling;
  const Sources sources(13);
  const crypto::BlobId id = filling.backups.run(sources.root()).snapshot;
  store::CommitPlan plan;
  plan.removal.mark_recovered = {id};
  plan.removal.decided_on = filling.backups.small.repository().state()->generation();
  REQUIRE(filling.backups.small.repository().commit(plan).committed);
  CHECK(filling.fill(id).snapshot == id);
  CHECK(filling.is_complete(id));
  const auto state = filling.other.repository().state();
  CHECK(store::find_snapshot(*state, id.view())->recovered());
}

TEST_CASE("whatever a repository has of a set's history, it is given the whole of any snapshot") {
  REQUIRE(rc::check([] {
    Filling filling;
    Sources sources(*rc::gen::inRange<std::uint64_t>(0, 1'000'000), 2, 4);
    std::vector<crypto::BlobId> history;
    const int snapshots = *rc::gen::inRange(2, 5);
    for (int i = 0; i < snapshots; ++i) {
      const int changes = *rc::gen::inRange(0, 4);
      for (int change = 0; change < changes; ++change) {
        const std::string path = sources.root() + "/folder" + std::to_string(*rc::gen::inRange(0, 2) * 2);
        make_folders_durably(path);
        const std::string file = path + "/file" + std::to_string(*rc::gen::inRange(0, 6));
        if (*rc::gen::inRange(0, 3) == 0) {
          std::filesystem::remove(file);
        } else {
          write_file(file, random_text(sources.random(), *rc::gen::inRange<std::size_t>(0, 60'000)));
        }
      }
      history.push_back(filling.backups.run(sources.root()).snapshot);
    }
    for (int i = 0; i < 3; ++i) {
      const crypto::BlobId id = history[*rc::gen::inRange<std::size_t>(0, history.size())];
      filling.run = Uuid::random();
      RC_ASSERT(filling.fill(id).snapshot == id);
      RC_ASSERT(filling.is_complete(id));
    }
  }));
}

TEST_CASE("a snapshot of which the target has lost something is made whole") {
  Filling filling;
  const Sources sources(21);
  const crypto::BlobId id = filling.backups.run(sources.root()).snapshot;
  filling.fill(id);
  const store::ObjectName lost = *packs_with(filling.other.repository(), store::PackKind::kData).begin();
  store::CommitPlan plan;
  plan.removal.condemn = {lost};
  plan.removal.mark_recovered = {id};
  plan.removal.decided_on = filling.other.repository().state()->generation();
  REQUIRE(filling.other.repository().commit(plan).committed);
  filling.other.destination().remove(store::pack_key(lost));
  REQUIRE_FALSE(filling.is_complete(id));
  filling.run = Uuid::random();
  const FilledTarget filled = filling.fill(id);
  CHECK(filled.snapshot == id);
  CHECK(filled.counters.supplied_bytes > 0);
  CHECK(filling.is_complete(id));
  CHECK(filling.differences(id, sources.root()).empty());
}
