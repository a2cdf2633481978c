// Backups to several destinations.
#pragma once

#include <catch2/catch.hpp>
#include <future>
#include <string>
#include <vector>

#include "support/many_repositories.h"
#include "unit/backup/backup_fixture.h"

namespace garner::backup {

struct ManyBackups : testing::ManyRepositories {
  using ManyRepositories::ManyRepositories;

  BackupOptions options(const std::string& source) {
    BackupOptions options;
    options.run = Uuid::random();
    options.set.set_uuid(std::string(as_text(set.view())));
    options.set.set_name("test");
    options.set.add_sources(source);
    options.host = "host";
    options.threads = 2;
    options.spool_folder = spool();
    options.pace.bytes = 64u << 10;
    options.pace.recorded_in_progress = 64u << 10;
    options.pace.most_unsaved = 12u << 20;
    return options;
  }
  std::vector<RunTarget> targets() {
    std::vector<RunTarget> targets;
    for (unsigned number = 0; number < count(); ++number)
      targets.push_back({"place" + std::to_string(number), &at(number)});
    return targets;
  }
  BackupResult run(const BackupOptions& options, std::stop_token stop = {}) {
    return run_backup(targets(), checkpoint, options, clock, monitor, stop);
  }
  BackupResult run(const std::string& source) { return run(options(source)); }
  std::future<BackupResult> start(const BackupOptions& options, std::stop_token stop = {}) {
    return std::async(std::launch::async, [this, options, stop] { return run(options, stop); });
  }
  std::uint64_t snapshot_bytes(unsigned number, const crypto::BlobId& id) {
    const auto state = at(number).state();
    return store::find_snapshot(*state, id.view())->snapshot().totals().bytes();
  }
  bool lists(unsigned number, const crypto::BlobId& id) {
    at(number).refresh();
    const auto state = at(number).state();
    return store::find_snapshot(*state, id.view()) != nullptr;
  }
  std::vector<std::string> differences(unsigned number, const crypto::BlobId& id, const std::string& source) {
    TemporaryFolder target;
    QuietRestore restored;
    restore::RestoreOptions options;
    options.target = target.path("restored");
    const auto state = at(number).state();
    const auto* entry = store::find_snapshot(*state, id.view());
    REQUIRE(entry);
    run_restore(at(number), entry->snapshot(), options, restored, {});
    auto found = testing::TreeComparison::differences(source, target.path("restored"));
    found.insert(found.end(), restored.errors.begin(), restored.errors.end());
    return found;
  }
  // Listed there, whole, and nothing of the run is left but its packs.
  void check_whole(const BackupResult& result, const std::vector<unsigned>& numbers,
                   const std::string& source) {
    for (const unsigned number : numbers) {
      CAPTURE(number);
      CHECK(result.targets.at(number).state == TargetState::kDone);
      REQUIRE(lists(number, result.snapshot));
      CHECK(differences(number, result.snapshot, source).empty());
      CHECK(at(number).state()->roots_size() == 0);
    }
    CHECK(list_names(spool()).empty());
    CHECK_FALSE(checkpoint.load());
  }

  MemoryCheckpoint checkpoint;
  LaterClock clock;
  QuietMonitor monitor;
  Uuid set = Uuid::random();
};

}  // namespace garner::backup
