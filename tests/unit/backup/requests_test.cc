// What backups ask of a place where every request is paid for.
#include "backup_fixture.h"
#include "support/counting_destination.h"
#include "support/memory_destination.h"

namespace garner::backup {
namespace {

using testing::CountingDestination;

// Two machines that back up to one bucket.
struct Bucket {
  testing::CryptoReady ready;
  std::shared_ptr<testing::MemoryDestination> memory = std::make_shared<testing::MemoryDestination>();
  std::shared_ptr<CountingDestination> place = std::make_shared<CountingDestination>(memory);
  crypto::Keyring keyring = crypto::Keyring::generate({1, 0});
  testing::Machine machine;
  testing::Machine other;
  TemporaryFolder spool;
  Backups backups;
  QuietMonitor monitor;
  std::unique_ptr<store::Repository> repository;

  Bucket() {
    for (testing::Machine* each : {&machine, &other}) each->metadata_cache = 64u << 20;
    repository = machine.create(place, keyring);
    place->taken();
  }
  void open_as(testing::Machine& who) {
    repository.reset();
    repository = who.open(place, keyring);
    place->taken();
  }
  // As the daemon does: it opens the repository, or looks again at one that is open. What it asked for.
  std::string run(const std::string& source) {
    repository->refresh();
    BackupOptions options = backups.options({source});
    options.spool_folder = spool.path();
    MemoryCheckpoint checkpoint;
    const BackupResult result =
        run_backup(*repository, checkpoint, options, backups.clock, monitor, std::stop_token());
    CHECK(result.progress.error_count == 0);
    last = result.snapshot;
    return place->taken();
  }
  crypto::BlobId last;
};

TEST_CASE("an unchanged backup to a server makes two requests, day after day") {
  Bucket bucket;
  const Sources sources(7);
  age(sources.root() + "/large");
  bucket.run(sources.root());
  for (int day = 0; day < 10; ++day) {
    CAPTURE(day);
    CHECK(bucket.run(sources.root()) == "list log 1, put log 1");
    // And the first of a daemon that was started anew: its header, once.
    if (day % 3 == 2) {
      bucket.repository.reset();
      bucket.repository = bucket.machine.open(bucket.place, bucket.keyring);
      CHECK(bucket.place->taken() == "get garner.repo 1, list log 1");
    }
  }
  CHECK(bucket.repository->state()->snapshots_size() == 11);
  CHECK(bucket.memory->list("state/", "").empty());
}

TEST_CASE("a changed backup to a server reads nothing") {
  Bucket bucket;
  Sources sources(8);
  bucket.run(sources.root());
  for (int day = 0; day < 3; ++day) {
    CAPTURE(day);
    write_file(sources.root() + "/folder0/new", random_text(sources.random(), 50'000));
    const std::string asked = bucket.run(sources.root());
    CAPTURE(asked);
    // Its packs are seen to be there, and its own segment stands in the record. Keys were read once.
    CHECK(asked.find("list log 2") != std::string::npos);
    CHECK(asked.find("put log 1") != std::string::npos);
    CHECK(asked.find("put packs 2") != std::string::npos);
    CHECK(asked.find("get packs 2") != std::string::npos);
    CHECK(asked.find("get log") == std::string::npos);
    CHECK(asked.find("index") == std::string::npos);
    CHECK(asked.find("keys") == std::string::npos);
  }
}

TEST_CASE("a foreign commit costs its record, and what it names") {
  Bucket bucket;
  Sources sources(9);
  bucket.run(sources.root());
  const auto elsewhere = bucket.other.open(bucket.memory, bucket.keyring);
  const Sources others(10);
  {
    MemoryCheckpoint checkpoint;
    Backups theirs;
    BackupOptions options = theirs.options({others.root()});
    options.spool_folder = bucket.spool.path();
    run_backup(*elsewhere, checkpoint, options, theirs.clock, bucket.monitor, std::stop_token());
  }
  bucket.place->taken();
  const std::size_t segments = bucket.memory->list("index/", "").size();
  REQUIRE(segments > 0);
  bucket.repository->refresh();
  CHECK(bucket.place->taken() == "get index 1, get log 1, list log 1");
  CHECK(bucket.run(sources.root()) == "list log 1, put log 1");
}

TEST_CASE("another machine reads each pack of metadata once") {
  Bucket bucket;
  Sources sources(11);
  bucket.run(sources.root());
  bucket.open_as(bucket.other);
  QuietRestore monitor;
  TemporaryFolder target;
  const auto state = bucket.repository->state();
  for (const char* name : {"one", "two"}) {
    restore::RestoreOptions options;
    options.target = target.path(name);
    run_restore(*bucket.repository, state->snapshots(0).snapshot(), options, monitor, {});
    CHECK(testing::TreeComparison::differences(sources.root(), target.path(name)).empty());
  }
  const std::string metadata =
      bucket.other.folder.path("cache/" + bucket.repository->header().repository.text() + "/metadata");
  CHECK(list_names(metadata).size() == 1);
}

}  // namespace
}  // namespace garner::backup
