#include "backup/target.h"

#include <atomic>
#include <catch2/catch.hpp>
#include <future>

#include "support/eventually.h"
#include "support/hooked_destination.h"
#include "unit/backup/backup_fixture.h"
#include "unit/backup/gate.h"

namespace garner::backup {
namespace {

using namespace std::chrono_literals;

// What a run tells while it goes on.
struct WatchingMonitor final : BackupMonitor {
  void progressed(const BackupProgress& progress) override {
    std::lock_guard lock(mutex);
    last = progress;
  }
  void error(const SourceError&) override {}
  std::uint64_t read_bytes() {
    std::lock_guard lock(mutex);
    return last.counters.read_bytes;
  }
  std::mutex mutex;
  BackupProgress last;
};

// A destination on a server: packs are made in a spool.
struct Remote : Backups {
  Remote() {
    small.wrap([&](std::shared_ptr<destination::Destination> inner) {
      return hooked = std::make_shared<testing::HookedDestination>(std::move(inner));
    });
    hooked->has_staging_folder = false;
    make_folders_durably(spool());
  }
  std::string spool() const { return folder.path("spool"); }
  BackupOptions options(const std::string& source) {
    BackupOptions options = Backups::options({source});
    options.spool_folder = spool();
    options.pace.bytes = 64u << 10;
    options.pace.recorded_in_progress = 64u << 10;
    options.pace.most_unsaved = 12u << 20;
    return options;
  }
  // The source is read to its end.
  bool has_decided() {
    const auto head = checkpoint.load();
    return head && head->snapshot;
  }
  std::future<BackupResult> start(const BackupOptions& options, std::stop_token stop = {}) {
    return std::async(std::launch::async, [this, options, stop] {
      return run_backup(small.repository(), checkpoint, options, clock, watching, stop);
    });
  }

  TemporaryFolder folder;
  std::shared_ptr<testing::HookedDestination> hooked;
  WatchingMonitor watching;
};

TEST_CASE("reading does not wait for a slow destination as long as the spool has room") {
  Sources sources(31);
  Remote remote;
  Gate gate(false);
  remote.hooked->before_put_file = [&](const std::string&) { gate.pass(); };
  auto run = remote.start(remote.options(sources.root()));
  REQUIRE(gate.wait_for_arrivals(1));
  CHECK(garner::testing::eventually([&] { return remote.has_decided(); }));
  gate.open();
  const BackupResult result = run.get();
  CHECK(remote.differences(result.snapshot, sources.root()).empty());
  CHECK(list_names(remote.spool()).empty());
}

TEST_CASE("reading waits when the spool is full, and goes on when it is not") {
  Sources sources(32);
  write_file(sources.root() + "/huge", random_text(sources.random(), 32'000'000));
  Remote remote;
  Gate gate(false);
  remote.hooked->before_put_file = [&](const std::string&) { gate.pass(); };
  BackupOptions options = remote.options(sources.root());
  options.spool_limit = 600'000;
  auto run = remote.start(options);
  REQUIRE(gate.wait_for_arrivals(1));
  // It must come to rest: nothing is read, and nothing saved, for a while.
  std::uint64_t before = 1;
  std::uint64_t now = 0;
  for (int same = 0; same < 5;) {
    std::this_thread::sleep_for(100ms);
    now = remote.watching.read_bytes();
    same = now == before ? same + 1 : 0;
    before = now;
  }
  // What may be read beyond what the spool holds is what one checkpoint leaves unsaved: 4 MiB, for two
  // threads.
  CHECK(now < 16'000'000);
  CHECK_FALSE(remote.has_decided());
  gate.open();
  const BackupResult result = run.get();
  CHECK(remote.differences(result.snapshot, sources.root()).empty());
  CHECK(list_names(remote.spool()).empty());
}

TEST_CASE("a run that waits for room in the spool stops when it is told to, and loses nothing") {
  Sources sources(33);
  Remote remote;
  Gate gate(false);
  std::stop_source stop;
  remote.hooked->before_put_file = [&](const std::string&) {
    gate.pass();
    if (stop.stop_requested()) throw Error(ErrorKind::kCancelled, "it was told to stop");
  };
  BackupOptions options = remote.options(sources.root());
  options.spool_limit = 100'000;
  auto run = remote.start(options, stop.get_token());
  REQUIRE(gate.wait_for_arrivals(1));
  stop.request_stop();
  gate.open();
  CHECK(failure_of(run) == ErrorKind::kCancelled);
  stop = {};
  const BackupResult result = remote.start(options).get();
  CHECK(remote.differences(result.snapshot, sources.root()).empty());
  CHECK(list_names(remote.spool()).empty());
}

TEST_CASE("what is in the spool when a destination goes away is not read again") {
  Sources sources(34);
  Remote remote;
  const bool at_once = GENERATE(true, false);
  CAPTURE(at_once);
  Gate gate(at_once);
  remote.hooked->before_put_file = [&](const std::string&) {
    gate.pass();
    throw Error(ErrorKind::kDestinationAway, "it is gone");
  };
  const BackupOptions options = remote.options(sources.root());
  auto run = remote.start(options);
  if (!at_once) CHECK(garner::testing::eventually([&] { return remote.has_decided(); }));
  gate.open();
  CHECK(failure_of(run) == ErrorKind::kDestinationAway);
  REQUIRE(remote.checkpoint.load());
  const std::uint64_t read = remote.checkpoint.load()->counters.read_bytes;
  CAPTURE(read);
  remote.hooked->before_put_file = nullptr;
  const BackupResult result = remote.start(options).get();
  // What the threads had in hand, and no checkpoint can record, apart. (A file with two names is read for the
  // second one by another process.)
  CHECK(result.progress.counters.read_bytes <= result.progress.source_bytes + 2 * 64'000);
  if (!at_once) CHECK(result.progress.counters.read_bytes == read);
  CHECK(remote.differences(result.snapshot, sources.root()).empty());
  CHECK(list_names(remote.spool()).empty());
}

TEST_CASE("a run commits what is delivered while it reads on") {
  Sources sources(35);
  Remote remote;
  std::atomic<int> roots = 0;
  BackupOptions options = remote.options(sources.root());
  options.pace.commit_blobs = 20;
  options.during_commit = [&]() -> std::shared_ptr<void> {
    ++roots;
    return nullptr;
  };
  const BackupResult result = remote.start(options).get();
  CHECK(roots > 1);
  CHECK(remote.small.repository().state()->roots_size() == 0);
  CHECK(remote.differences(result.snapshot, sources.root()).empty());
}

TEST_CASE("a metadata pack is delivered before the data that waits") {
  Sources sources(36, 2, 4);
  Remote remote;
  std::vector<std::string> keys;
  remote.hooked->before_put_file = [&](const std::string& key) { keys.push_back(key); };
  BackupOptions options = remote.options(sources.root());
  options.pace.bytes = 100u << 20;  // one checkpoint
  const BackupResult result = remote.start(options).get();
  REQUIRE(keys.size() > 2);
  std::set<std::string> metadata;
  remote.small.repository().index().for_each([&](const crypto::BlobId&, const store::BlobLocation& location) {
    if (location.kind != crypto::BlobKind::kData) metadata.insert(store::pack_key(location.pack));
  });
  CHECK(metadata.contains(keys.front()));
}

}  // namespace
}  // namespace garner::backup
