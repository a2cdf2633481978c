// What a run does where somebody removes what it relies on.
#include <catch2/catch.hpp>

#include "base/error.h"
#include "snapshot/node.h"
#include "support/forge_removal.h"
#include "support/hooked_destination.h"
#include "unit/backup/backup_fixture.h"

namespace garner::backup {
namespace {

TEST_CASE("content whose packs were removed is stored again though its tree is known") {
  Sources sources(22, 3, 4);
  Backups backups;
  const std::string changing = sources.root() + "/folder0/file0";
  const std::string before = random_text(sources.random(), 200'000);
  write_file(changing, before);
  const BackupResult first = backups.run(sources.root());
  write_file(changing, "something else");
  backups.run(sources.root());
  // Everything of the first snapshot that a prune would find unreferenced and in packs of its own: here, all
  // its data packs go, as if the rest had been rewritten; the trees stay.
  std::vector<store::ObjectName> packs;
  backups.small.repository().index().for_each(
      [&](const crypto::BlobId&, const store::BlobLocation& location) {
        if (location.kind == crypto::BlobKind::kData) packs.push_back(location.pack);
      });
  std::sort(packs.begin(), packs.end());
  packs.erase(std::unique(packs.begin(), packs.end()), packs.end());
  std::vector<crypto::BlobId> all;
  for (const auto& entry : backups.small.repository().state()->snapshots()) {
    all.push_back(crypto::BlobId::from_bytes(as_bytes(entry.id())));
  }
  testing::forge_removal(backups.small.repository(), all, packs);
  write_file(changing, before);
  const BackupResult third = backups.run(sources.root());
  CHECK(third.snapshot != first.snapshot);
  CHECK(backups.differences(third.snapshot, sources.root()).empty());
}

TEST_CASE("a snapshot whose base and packs are removed while it is made is complete all the same") {
  const bool still_there = GENERATE(true, false);  // condemned only, or deleted
  CAPTURE(still_there);
  Sources sources(23, 3, 4);
  Backups backups;
  const BackupResult first = backups.run(sources.root());
  write_file(sources.root() + "/folder0/file0", "a little change");
  const std::vector<store::ObjectName> packs = backups.small.repository().index().live_packs();
  RemovingCheckpoint checkpoint(backups.checkpoint, [&] {
    testing::forge_prune(backups.small.repository(), {first.snapshot}, packs, still_there);
  });
  const BackupResult second =
      run_backup(backups.small.repository(), checkpoint, backups.options({sources.root()}), backups.clock,
                 backups.monitor, {});
  CHECK(backups.differences(second.snapshot, sources.root()).empty());
  if (still_there) CHECK(second.progress.counters.read_bytes < 100'000);  // rescued, not read again
}

TEST_CASE("a run whose base is forgotten and pruned in mid-walk reads everything, and ends with a snapshot") {
  Sources sources(24, 3, 4);
  // Of these the first is as it was, and is taken from the earlier tree when the second is found not to be.
  const std::string folder = sources.root() + "/changing";
  make_folders_durably(folder);
  write_file(folder + "/as it was", random_text(sources.random(), 10'000));
  write_file(folder + "/changed", random_text(sources.random(), 5'000'000));
  Backups backups;
  const BackupResult first = backups.run(sources.root());
  write_file(folder + "/changed", random_text(sources.random(), 5'000'000));
  const std::vector<store::ObjectName> packs = backups.small.repository().index().live_packs();
  // The first save comes before the first piece of that file is read: no more may be unsaved.
  BackupOptions options = backups.options({sources.root()});
  options.pace.bytes = options.pace.most_unsaved = 64u << 10;
  bool in_mid_walk = false;
  RemovingCheckpoint checkpoint(backups.checkpoint, [&] {
    testing::forge_removal(backups.small.repository(), {first.snapshot}, packs);
    in_mid_walk = !backups.checkpoint.load()->snapshot;
  });
  const BackupResult second =
      run_backup(backups.small.repository(), checkpoint, options, backups.clock, backups.monitor, {});
  CHECK(in_mid_walk);
  CHECK(backups.monitor.errors.empty());
  CHECK(backups.differences(second.snapshot, sources.root()).empty());
  CHECK(backups.snapshot(second.snapshot).parent().empty());
}

TEST_CASE("a run whose own packs were taken for orphans reads what was in them again") {
  Sources sources(25, 2, 3);
  Backups backups;
  std::vector<store::ObjectName> packs;
  RemovingCheckpoint checkpoint(backups.checkpoint, [&] {
    const auto known = backups.checkpoint.load();
    for (const auto& pack : known->packs) {
      for (const auto& delivery : pack.deliveries) packs.push_back(delivery.name);
    }
    testing::forge_condemn(backups.small.repository(), {}, packs);
  });
  const BackupResult result =
      run_backup(backups.small.repository(), checkpoint, backups.options({sources.root()}), backups.clock,
                 backups.monitor, {});
  REQUIRE(!packs.empty());
  for (const store::ObjectName& name : packs) CHECK_FALSE(backups.small.repository().index().is_named(name));
  CHECK(backups.differences(result.snapshot, sources.root()).empty());
}

TEST_CASE("a run whose own packs were taken for orphans stores what they hold again") {
  const bool still_there = GENERATE(true, false);  // condemned only, or deleted
  CAPTURE(still_there);
  Sources sources(25, 3, 4);
  Backups backups;
  std::shared_ptr<testing::HookedDestination> hooked;
  backups.small.wrap([&](std::shared_ptr<destination::Destination> inner) {
    return hooked = std::make_shared<testing::HookedDestination>(std::move(inner));
  });
  store::Repository& repository = backups.small.repository();
  std::vector<std::string> orphans;
  // Somebody else's record comes just before the run's.
  hooked->before_put_exclusive = [&](const std::string&) {
    store::Record record = testing::next_record(repository);
    for (const destination::ObjectInfo& pack : hooked->list("packs/", {})) {
      orphans.push_back(pack.key);
      const Bytes name = from_hex(base_name(pack.key));
      record.body.add_condemn(name.data(), name.size());
    }
    REQUIRE(testing::put_record(repository, record, repository.writer()));
    for (const std::string& key : orphans) {
      if (!still_there) hooked->remove(key);
    }
  };
  const TemporaryFolder counter;  // over both attempts, where there are two
  BackupOptions options = backups.options({sources.root()});
  options.read_counter_file = counter.path("read");
  const BackupResult result = backups.run(options);
  REQUIRE_FALSE(orphans.empty());
  for (const store::ObjectName& pack : repository.index().live_packs()) {
    CHECK(std::ranges::find(orphans, store::pack_key(pack)) == orphans.end());
  }
  CHECK(backups.differences(result.snapshot, sources.root()).empty());
  // Read from the packs while they are there, otherwise from the source once more. (The totals count a file
  // with two names twice.)
  const std::uint64_t size = backups.snapshot(result.snapshot).totals().bytes();
  CHECK((result.progress.counters.read_bytes <= size) == still_there);
}

TEST_CASE("what is in a pack that was put twice, and removed in between, is stored again") {
  Sources sources(27, 3, 4);
  Backups backups;
  std::shared_ptr<testing::HookedDestination> hooked;
  backups.small.wrap([&](std::shared_ptr<destination::Destination> inner) {
    return hooked = std::make_shared<testing::HookedDestination>(std::move(inner));
  });
  const bool dies = GENERATE(false, true);  // before its commit, and another process takes over what is there
  CAPTURE(dies);
  std::optional<store::ObjectName> removed;
  hooked->before_put_file = [&](const std::string& key) {
    if (removed) return;
    removed = store::ObjectName::from_hex(base_name(key));
    hooked->put(key, as_bytes("the first one"));
    testing::forge_removal(backups.small.repository(), {}, {*removed});
    if (dies) hooked->before_put_exclusive = [](const std::string&) { throw testing::PowerCut(); };
  };
  const BackupOptions options = backups.options({sources.root()});
  if (dies) {
    CHECK_THROWS_AS(backups.run(options), testing::PowerCut);
    backups.small.wrap([](std::shared_ptr<destination::Destination> inner) { return inner; });
  }
  const BackupResult result = backups.run(options);
  REQUIRE(removed);
  backups.small.reopen();
  CHECK_FALSE(backups.small.repository().index().is_named(*removed));
  CHECK(backups.differences(result.snapshot, sources.root()).empty());
}

}  // namespace
}  // namespace garner::backup
