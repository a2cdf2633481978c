#include "backup/backup_run.h"

#include <fcntl.h>
#include <sys/mman.h>

#include <atomic>
#include <catch2/catch.hpp>
#include <random>

#include "base/error.h"
#include "snapshot/node.h"
#include "support/forge_removal.h"
#include "support/hooked_destination.h"
#include "unit/backup/backup_fixture.h"

namespace garner::backup {
namespace {

TEST_CASE("a backup restores to what was there") {
  Sources sources(1);
  Backups backups;
  const BackupResult result = backups.run(sources.root());
  CHECK(backups.monitor.errors.empty());
  CHECK(result.progress.files == 6 * 12 + 3);
  CHECK(result.progress.counters.read_bytes <= result.progress.source_bytes);
  CHECK(result.progress.counters.new_bytes > 3'000'000);
  CHECK(backups.differences(result.snapshot, sources.root()).empty());
  CHECK_FALSE(backups.checkpoint.load());
  CHECK(objects(backups.small, "packs/") > 10);
}

TEST_CASE("an unchanged tree is not read again and costs one record") {
  Sources sources(2);
  Backups backups;
  const BackupResult first = backups.run(sources.root());
  const std::size_t packs = objects(backups.small, "packs/");
  const std::size_t records = objects(backups.small, "log/");
  const BackupResult second = backups.run(sources.root());
  CHECK(second.progress.counters.read_bytes == 0);
  CHECK(second.progress.counters.new_bytes == 0);
  CHECK(objects(backups.small, "packs/") == packs);
  CHECK(objects(backups.small, "log/") == records + 1);
  CHECK(second.snapshot != first.snapshot);
  CHECK(backups.snapshot(second.snapshot).sources(0).SerializeAsString() ==
        backups.snapshot(first.snapshot).sources(0).SerializeAsString());
  CHECK(backups.snapshot(second.snapshot).sequence() == 2);
}

TEST_CASE("a full scan reads everything and stores nothing again") {
  Sources sources(3);
  Backups backups;
  const BackupResult first = backups.run(sources.root());
  BackupOptions options = backups.options({sources.root()});
  options.full_scan = true;
  const BackupResult second = backups.run(options);
  CHECK(second.progress.counters.read_bytes == first.progress.counters.read_bytes);
  CHECK(second.progress.counters.new_bytes == 0);
  CHECK(backups.differences(second.snapshot, sources.root()).empty());
}

TEST_CASE("a file is cut alike whether or not an earlier version is known") {
  TemporaryFolder folder;
  std::mt19937_64 random(8);
  // Few enough chunks for the node itself, or so many that they stand in lists.
  const std::size_t size = GENERATE(20'000u, 400'000u);
  const std::string content = random_text(random, size);
  const auto path = [&](const std::string& name) { return folder.path(name); };
  const std::vector<std::string> names = {"longer", "shorter", "inserted", "changed",
                                          "hole",   "filled",  "same"};
  for (const std::string& name : names) write_file(path(name), content);
  const Fd sparse = open_file(path("filled"), O_RDWR);
  REQUIRE(ftruncate(sparse.get(), static_cast<off_t>(size * 3)) == 0);
  Backups backups;
  backups.run(folder.path());

  std::string text = content;
  write_file(path("longer"), content + content.substr(0, size / 4));
  write_file(path("shorter"), content.substr(0, size / 2 + 1));
  write_file(path("inserted"), "x" + content);
  text[size / 2] ^= 1;
  write_file(path("changed"), text);
  const Fd holed = open_file(path("hole"), O_RDWR);
  REQUIRE(fallocate(holed.get(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 8192,
                    static_cast<off_t>(size / 2)) == 0);
  write_at(sparse.get(), as_bytes(content), size * 3 / 2, path("filled"));
  const BackupResult known = backups.run(folder.path());

  BackupOptions options = backups.options({folder.path()});
  options.set.set_uuid(std::string(as_text(Uuid::random().view())));
  options.host = "another";
  const BackupResult fresh = backups.run(options);
  for (const std::string& name : names) {
    INFO(name);
    CHECK(backups.chunks(known.snapshot, name) == backups.chunks(fresh.snapshot, name));
  }
  CHECK(backups.differences(known.snapshot, folder.path()).empty());
}

TEST_CASE("what was changed, added, removed and replaced is what the next snapshot has") {
  Sources sources(4);
  Backups backups;
  backups.run(sources.root());
  write_file(sources.root() + "/folder0/file3", "changed");
  write_file(sources.root() + "/folder2/new", "new");
  remove_file(sources.root() + "/folder4/file0");
  remove_file(sources.root() + "/folder4/file11");
  remove_file(sources.root() + "/empty");
  make_folders_durably(sources.root() + "/empty/now a folder");
  const BackupResult second = backups.run(sources.root());
  CHECK(backups.differences(second.snapshot, sources.root()).empty());
  CHECK(second.progress.counters.new_bytes == 10);
}

TEST_CASE("a file whose times are too fresh to be trusted is read again") {
  Sources sources(5, 1, 1);
  Backups backups;
  const Clock& now = system_clock();
  const auto first = backups.options({sources.root()});
  run_backup(backups.small.repository(), backups.checkpoint, first, now, backups.monitor, {});
  write_file(sources.root() + "/empty", "written while the snapshot was made, for all its times tell");
  age(sources.root() + "/empty");
  const auto second = run_backup(backups.small.repository(), backups.checkpoint,
                                 backups.options({sources.root()}), now, backups.monitor, {});
  CHECK(backups.differences(second.snapshot, sources.root()).empty());
}

TEST_CASE("what is stored through a mapping after a file was read is seen by the next backup") {
  TemporaryFolder folder;
  make_folders_durably(folder.path("source"));
  const std::string path = folder.path("source/mapped");
  write_file(path, std::string(4096, 'a'));
  const Fd file = open_file(path, O_RDWR);
  void* const memory = mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, file.get(), 0);
  REQUIRE(memory != MAP_FAILED);
  // The page is dirty, and its file's time has been set, when it is read.
  auto* const text = static_cast<volatile char*>(memory);
  text[0] = 'b';
  Backups backups;
  backups.run(folder.path("source"));
  text[0] = 'c';
  const auto second = backups.run(folder.path("source"));
  CHECK(second.progress.counters.read_bytes == 4096);
  CHECK(backups.differences(second.snapshot, folder.path("source")).empty());
  CHECK(munmap(memory, 4096) == 0);
}

TEST_CASE("several sources, a file as a source, and a source that is gone") {
  Sources sources(6);
  Backups backups;
  const std::string missing = sources.root() + "/never was";
  const auto result =
      backups.run(backups.options({sources.root() + "/folder0", sources.root() + "/large", missing}));
  const v1::Snapshot made = backups.snapshot(result.snapshot);
  REQUIRE(made.sources_size() == 2);
  CHECK(made.sources(1).root().type() == v1::NODE_TYPE_FILE);
  CHECK(made.error_count() == 1);
  REQUIRE(backups.monitor.errors.size() == 1);
  CHECK(backups.monitor.errors[0].starts_with(missing));
  CHECK_THROWS_AS(backups.run(missing), Error);
}

TEST_CASE("folders that are excluded, caches and other file systems are left out") {
  Sources sources(7);
  Backups backups;
  write_file(sources.root() + "/folder2/CACHEDIR.TAG", "Signature: 8a477f597d28d172789f06886806bc55\n");
  BackupOptions options = backups.options({sources.root()});
  options.set.set_exclude_caches(true);
  options.excluded_folders = {sources.root() + "/folder4"};
  const auto result = backups.run(options);
  const v1::Snapshot made = backups.snapshot(result.snapshot);
  snapshot::TreeReader reader(backups.small.repository(),
                              crypto::BlobId::from_bytes(as_bytes(made.sources(0).root().tree())));
  std::map<std::string, std::uint64_t> files;
  while (const auto named = reader.next()) files[named->node.name()] = named->node.totals().files();
  CHECK(files.at("folder0") == 13);
  CHECK(files.at("folder2") == 0);
  CHECK_FALSE(files.contains("folder4"));
}

TEST_CASE("a run that is cut off at any checkpoint goes on and loses nothing") {
  const auto seed = GENERATE(11u, 12u, 13u);
  CAPTURE(seed);
  Sources sources(seed, 10, 20);
  Backups backups;
  const BackupOptions options = backups.options({sources.root()});
  std::mt19937_64 random(seed);
  std::optional<BackupResult> result;
  int cuts = 0;
  for (int attempt = 0; attempt < 200 && !result; ++attempt) {
    const bool last = attempt >= 20;
    (random() % 2 ? backups.checkpoint.cut_before_save : backups.checkpoint.cut_after_save) =
        last ? 0 : 1 + static_cast<int>(random() % 3);
    std::stop_source stop;
    // A stop at a random moment makes checkpoints in the middle of things; a small tree has hardly any
    // otherwise.
    std::jthread stopper([&, wait = random() % 30'000] {
      std::this_thread::sleep_for(std::chrono::microseconds(wait));
      if (!last) stop.request_stop();
    });
    try {
      result = backups.run(options, stop.get_token());
    } catch (const testing::PowerCut&) {
      ++cuts;
    } catch (const Error& error) {
      REQUIRE(error.kind() == ErrorKind::kCancelled);
    }
    if (random() % 2) backups.small.reopen();
    backups.checkpoint.cut_before_save = backups.checkpoint.cut_after_save = 0;
  }
  REQUIRE(result);
  CAPTURE(cuts);
  CHECK(backups.differences(result->snapshot, sources.root()).empty());
  CHECK(backups.small.repository().state()->snapshots_size() == 1);
  CHECK(backups.small.repository().state()->roots_size() == 0);
  CHECK(list_names(*backups.small.destination().staging_folder()).empty());
}

TEST_CASE("a run that is cut off after its commit learns that it has won") {
  Sources sources(21, 2, 3);
  Backups backups;
  const BackupOptions options = backups.options({sources.root()});
  const BackupResult first = backups.run(options);
  // A crash may bring back the name that a pack of the run had before it was published.
  const std::string staging = *backups.small.destination().staging_folder();
  write_file(staging + "/" + options.run.text() + "-" + Uuid::random().text(), "a pack");
  const BackupResult again = backups.run(options);
  CHECK(again.snapshot == first.snapshot);
  CHECK(backups.small.repository().state()->snapshots_size() == 1);
  CHECK(list_names(staging).empty());
}

TEST_CASE("once the walk is over a run looks at the source no more, and commits what it decided on") {
  Sources sources(29, 2, 3);
  Backups backups;
  std::shared_ptr<testing::HookedDestination> hooked;
  backups.small.wrap([&](std::shared_ptr<destination::Destination> inner) {
    return hooked = std::make_shared<testing::HookedDestination>(std::move(inner));
  });
  backups.run(sources.root());
  write_file(sources.root() + "/folder0/file0", "a change");
  const BackupOptions options = backups.options({sources.root()});
  hooked->before_put_exclusive = [](const std::string&) {
    throw Error(ErrorKind::kDestinationAway, "it is gone");
  };
  CHECK_THROWS_AS(backups.run(options), Error);
  REQUIRE(backups.checkpoint.load());
  REQUIRE(backups.checkpoint.load()->snapshot);
  const std::string decided = snapshot::serialize(*backups.checkpoint.load()->snapshot);

  write_file(sources.root() + "/folder0/file0", "later");
  remove_file(sources.root() + "/large");
  const bool known = GENERATE(true, false);
  if (!known) {
    // What the run rests on goes meanwhile: there is nothing for it but to read again.
    testing::forge_removal(
        backups.small.repository(),
        {crypto::BlobId::from_bytes(as_bytes(backups.small.repository().state()->snapshots(0).id()))},
        backups.small.repository().index().live_packs());
  }
  backups.small.reopen();
  const BackupResult result = backups.run(options);
  CHECK((snapshot::serialize(backups.snapshot(result.snapshot)) == decided) == known);
  if (known) {
    CHECK(result.snapshot ==
          backups.small.repository().hasher().id(crypto::BlobKind::kSnapshot, as_bytes(decided)));
    CHECK(result.progress.files == 2 * 3 + 3);
    CHECK(result.progress.counters.read_bytes == 8);
    CHECK(backups.file(result.snapshot, "large").size() == 3'000'000);
  } else {
    CHECK(backups.differences(result.snapshot, sources.root()).empty());
  }
  CHECK_FALSE(backups.checkpoint.load());
}

TEST_CASE("the blob that is stored of a snapshot is the one that is listed, whoever was first in the log") {
  Sources sources(26, 1, 2);
  Backups backups;
  std::shared_ptr<testing::HookedDestination> hooked;
  backups.small.wrap([&](std::shared_ptr<destination::Destination> inner) {
    return hooked = std::make_shared<testing::HookedDestination>(std::move(inner));
  });
  store::Repository& repository = backups.small.repository();
  const BackupOptions options = backups.options({sources.root()});
  // A run of the same set on another machine.
  hooked->before_put_exclusive = [&](const std::string&) {
    testing::forge_record_by_other(repository, [&](store::Record& record) {
      v1::SnapshotEntry& entry = *record.body.add_add_snapshots();
      *entry.mutable_snapshot() = testing::test_snapshot(Uuid::random(), Uuid::random());
      *entry.mutable_snapshot()->mutable_set() = options.set;
      entry.mutable_snapshot()->set_sequence(1);
      const auto id =
          repository.hasher().id(crypto::BlobKind::kSnapshot, as_bytes(entry.snapshot().SerializeAsString()));
      entry.set_id(id.value.data(), id.value.size());
    });
  };
  const BackupResult result = backups.run(options);
  REQUIRE(repository.state()->snapshots_size() == 2);
  CHECK(as_text(repository.read(crypto::BlobKind::kSnapshot, result.snapshot)) ==
        backups.snapshot(result.snapshot).SerializeAsString());
}

TEST_CASE("a destination that is gone when a run's threads begin ends the run with its error") {
  Sources sources(28, 2, 3);
  Backups backups;
  std::shared_ptr<testing::HookedDestination> hooked;
  backups.small.wrap([&](std::shared_ptr<destination::Destination> inner) {
    return hooked = std::make_shared<testing::HookedDestination>(std::move(inner));
  });
  const BackupOptions options = backups.options({sources.root()});
  std::atomic<int> asked = 0;
  int ended = 0;
  std::optional<BackupResult> result;
  for (int away_at = 1; !result; ++away_at) {
    asked = 0;
    hooked->before_staging_folder = [&] {
      if (++asked >= away_at) throw Error(ErrorKind::kDestinationAway, "it is gone");
    };
    try {
      result = backups.run(options);
    } catch (const Error& error) {
      REQUIRE(error.kind() == ErrorKind::kDestinationAway);
      ++ended;
    }
  }
  CHECK(ended >= 2);
  CHECK(backups.differences(result->snapshot, sources.root()).empty());
}

TEST_CASE("a cancelled run leaves nothing but unreferenced packs") {
  Sources sources(24);
  Backups backups;
  const BackupOptions options = backups.options({sources.root()});
  backups.checkpoint.cut_after_save = 1;
  CHECK_THROWS_AS(backups.run(options), testing::PowerCut);
  abandon_backup(backups.small.repository(), backups.checkpoint, options.run);
  CHECK_FALSE(backups.checkpoint.load());
  CHECK(list_names(*backups.small.destination().staging_folder()).empty());
  CHECK(backups.small.repository().state()->snapshots_size() == 0);
}

}  // namespace
}  // namespace garner::backup
