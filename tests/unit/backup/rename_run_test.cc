#include "backup/rename_run.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <map>
#include <set>

#include "backup/fill_run.h"
#include "backup_fixture.h"
#include "maintenance/check.h"
#include "snapshot/closure.h"
#include "store/pack.h"
#include "support/watched_destination.h"

using namespace garner;
using namespace garner::backup;
using namespace garner::testing;

namespace {

store::v1::Parameters other_sizes() {
  store::v1::Parameters parameters = small_parameters();
  parameters.set_chunk_minimum(3000);
  parameters.set_chunk_average(8192);
  parameters.set_chunk_maximum(40'000);
  return parameters;
}

struct CheckFindings final : maintenance::CheckMonitor {
  void progressed(const maintenance::CheckProgress&) override {}
  void problem(const std::string& line) override { lines.push_back(line); }
  std::vector<std::string> lines;
};

// A backup's repository, and one that names content otherwise.
struct Renaming {
  explicit Renaming(const store::v1::Parameters& parameters = other_sizes(), bool has_own_keys = true)
      : other(parameters, has_own_keys ? nullptr : &backups.small.keyring()) {
    other.wrap([&](auto inner) { return target_place = std::make_shared<WatchedDestination>(inner); });
    backups.small.wrap(
        [&](auto inner) { return supplier_place = std::make_shared<WatchedDestination>(inner); });
  }

  v1::SnapshotEntry entry(const crypto::BlobId& id) {
    const auto state = backups.small.repository().state();
    return *store::find_snapshot(*state, id.view());
  }
  FilledTarget copy(const crypto::BlobId& id, const std::vector<Supplier>& from, std::stop_token stop = {}) {
    FillOptions options;
    options.run = run;
    options.threads = 2;
    options.pace = pace;
    return run_rename(other.repository(), entry(id), from, checkpoint, options, backups.clock,
                      backups.monitor, stop);
  }
  FilledTarget copy(const crypto::BlobId& id) { return copy(id, {{"disk", &backups.small.repository()}}); }
  ErrorKind failure(const crypto::BlobId& id, std::string* message = nullptr) {
    try {
      copy(id);
    } catch (const Error& error) {
      if (message != nullptr) *message = error.what();
      return error.kind();
    }
    FAIL("it was copied");
    return ErrorKind::kInternal;
  }

  v1::SnapshotEntry listed(const crypto::BlobId& id) {
    const auto state = other.repository().state();
    const v1::SnapshotEntry* found = store::find_snapshot(*state, id.view());
    REQUIRE(found != nullptr);
    return *found;
  }
  // What is wrong with the target, or what it restores.
  std::vector<std::string> trouble(const crypto::BlobId& id, const std::string& source) {
    CheckFindings findings;
    maintenance::CheckOptions check;
    check.read_data_percent = 100;
    maintenance::run_check(other.repository(), check, findings, {});
    TemporaryFolder folder;
    QuietRestore restored;
    restore::RestoreOptions options;
    options.target = folder.path("restored");
    run_restore(other.repository(), listed(id).snapshot(), options, restored, {});
    auto found = TreeComparison::differences(source, folder.path("restored"));
    found.insert(found.end(), restored.errors.begin(), restored.errors.end());
    found.insert(found.end(), findings.lines.begin(), findings.lines.end());
    return found;
  }

  Backups backups;
  SmallRepository other;
  MemoryCheckpoint checkpoint;
  std::shared_ptr<WatchedDestination> target_place;
  std::shared_ptr<WatchedDestination> supplier_place;
  Uuid run = Uuid::random();
  CheckpointPace pace;
};

std::set<store::ObjectName> data_packs(const store::Repository& repository) {
  std::set<store::ObjectName> names;
  repository.index().for_each([&](const crypto::BlobId&, const store::BlobLocation& location) {
    if (location.kind == crypto::BlobKind::kData) names.insert(location.pack);
  });
  return names;
}

void remove_pack(SmallRepository& small, const store::ObjectName& name) {
  std::filesystem::remove(small.path() + "/" + store::pack_key(name));
}

bool may_hold_differences(store::Repository& repository) {
  return (store::features_of(*repository.state()).read & store::kDifferencesFeature) != 0;
}

// Beside what every source has: holes, attributes, names of every kind, and a folder of several pages.
void add_unusual_files(Sources& sources) {
  const std::string root = sources.root();
  {
    const Fd file = open_file(root + "/sparse", O_RDWR | O_CREAT, 0600);
    const std::string data = random_text(sources.random(), 100'000);
    write_at(file.get(), as_bytes(data), 1u << 20, "sparse");
    write_at(file.get(), as_bytes(data), 4u << 20, "sparse");
    REQUIRE(ftruncate(file.get(), 9u << 20) == 0);
  }
  write_file(root + "/only-a-hole", "");
  REQUIRE(truncate((root + "/only-a-hole").c_str(), 1u << 20) == 0);
  const std::string value = "a note";
  const int set = setxattr((root + "/large").c_str(), "user.note", value.data(), value.size(), 0);
  REQUIRE((set == 0 || errno == ENOTSUP));
  REQUIRE(symlink("nowhere", (root + "/dangling").c_str()) == 0);
  REQUIRE(mkfifo((root + "/fifo").c_str(), 0640) == 0);
  make_folders_durably(root + "/many/deep/er");
  make_folders_durably(root + "/many/empty");
  for (int i = 0; i < 1500; ++i)
    write_file(root + "/many/entry" + std::to_string(i), i % 3 == 0 ? "" : random_text(sources.random(), 20));
  age(root + "/many/deep");
}

}  // namespace

TEST_CASE("a snapshot goes to a repository of other keys, of other chunk sizes, or both, and is all there") {
  const bool has_own_keys = GENERATE(true, false);
  const bool has_own_sizes = GENERATE(true, false);
  if (!has_own_keys && !has_own_sizes) return;
  Renaming renaming(has_own_sizes ? other_sizes() : small_parameters(), has_own_keys);
  Sources sources(1);
  add_unusual_files(sources);
  const crypto::BlobId id = renaming.backups.run(sources.root()).snapshot;
  REQUIRE(renaming.backups.file(id, "large").content(0).type() == v1::ENTRY_TYPE_LIST);
  REQUIRE(renaming.backups.content(id, "sparse").front().type() == v1::ENTRY_TYPE_HOLE);
  const FilledTarget copied = renaming.copy(id);
  CHECK(copied.snapshot != id);
  CHECK(copied.suppliers == std::vector<std::string>{"disk"});
  CHECK(copied.counters.new_bytes == renaming.entry(id).snapshot().new_bytes());
  CHECK(copied.counters.supplied_bytes == copied.counters.new_bytes);
  CHECK(copied.counters.stored_bytes > copied.counters.new_bytes);
  CHECK(renaming.trouble(copied.snapshot, sources.root()).empty());
  CHECK_FALSE(renaming.checkpoint.load().has_value());
  CHECK(renaming.other.repository().state()->roots().empty());
  // It stands in a pack as well, for whoever has to rebuild the log.
  CHECK(renaming.other.repository().index().find(copied.snapshot).has_value());

  // All that is said of it is as it was, but for names.
  v1::Snapshot there = renaming.entry(id).snapshot();
  v1::Snapshot here = renaming.listed(copied.snapshot).snapshot();
  CHECK(there.sources(0).root().tree() != here.sources(0).root().tree());
  there.mutable_sources(0)->mutable_root()->clear_tree();
  here.mutable_sources(0)->mutable_root()->clear_tree();
  CHECK(there.SerializeAsString() == here.SerializeAsString());

  // It is what a backup would have stored there: every node, page and list has the same name.
  SmallRepository native(has_own_sizes ? other_sizes() : small_parameters(), &renaming.other.keyring());
  MemoryCheckpoint checkpoint;
  const BackupResult made =
      run_backup(native.repository(), checkpoint, renaming.backups.options({sources.root()}),
                 renaming.backups.clock, renaming.backups.monitor, {});
  const auto state = native.repository().state();
  CHECK(store::find_snapshot(*state, made.snapshot.view())->snapshot().sources(0).root().tree() ==
        renaming.listed(copied.snapshot).snapshot().sources(0).root().tree());
}

TEST_CASE("what is copied twice is stored, and listed, once") {
  Renaming renaming;
  const Sources sources(2);
  const crypto::BlobId id = renaming.backups.run(sources.root()).snapshot;
  const crypto::BlobId first = renaming.copy(id).snapshot;
  const std::uint64_t generation = renaming.other.repository().state()->generation();
  renaming.run = Uuid::random();
  const FilledTarget again = renaming.copy(id);
  CHECK(again.snapshot == first);
  CHECK(again.counters.stored_bytes == 0);
  CHECK(renaming.other.repository().state()->generation() == generation);
  CHECK(renaming.other.repository().state()->snapshots_size() == 1);
}

TEST_CASE("of a later snapshot what has changed is read and stored, and nothing else") {
  Renaming renaming;
  Sources sources(3);
  renaming.copy(renaming.backups.run(sources.root()).snapshot);
  const auto earlier = data_packs(renaming.backups.small.repository());
  write_file(sources.root() + "/new", random_text(sources.random(), 50'000));
  write_file(sources.root() + "/folder0/file1", random_text(sources.random(), 20'000));
  REQUIRE(std::filesystem::remove(sources.root() + "/folder2/file3"));
  const crypto::BlobId id = renaming.backups.run(sources.root()).snapshot;
  REQUIRE_FALSE(renaming.entry(id).snapshot().parent().empty());
  SECTION("beside the earlier one") {
    // What it had is not asked for.
    renaming.backups.small.reopen();
    for (const store::ObjectName& pack : earlier) remove_pack(renaming.backups.small, pack);
  }
  SECTION("where the supplier has forgotten that") {
    store::CommitPlan plan;
    for (const auto& snapshot : renaming.backups.small.repository().state()->snapshots()) {
      if (snapshot.id() != as_text(id.view()))
        plan.removal.remove_snapshots.insert(crypto::BlobId::from_bytes(as_bytes(snapshot.id())));
    }
    plan.removal.decided_on = renaming.backups.small.repository().state()->generation();
    REQUIRE(renaming.backups.small.repository().commit(plan).committed);
  }
  renaming.run = Uuid::random();
  const FilledTarget copied = renaming.copy(id);
  CHECK(copied.counters.new_bytes == 70'000);
  CHECK(copied.counters.stored_bytes < 600'000);
  CHECK(renaming.listed(copied.snapshot).snapshot().parent().empty());
  CHECK(renaming.other.repository().state()->snapshots_size() == 2);
  CHECK(renaming.trouble(copied.snapshot, sources.root()).empty());
}

TEST_CASE("content that is stored as differences is made whole") {
  Renaming renaming;
  Sources sources(4);
  age(sources.root() + "/large");
  renaming.backups.run(sources.root());
  {
    std::fstream file(sources.root() + "/large", std::ios::binary | std::ios::in | std::ios::out);
    for (int i = 0; i < 20; ++i) {
      file.seekp(100'000 * i + 77);
      file.put('x');
    }
  }
  const crypto::BlobId id = renaming.backups.run(sources.root()).snapshot;
  bool any = false;
  for (const v1::ContentEntry& entry : renaming.backups.content(id, "large"))
    any = any || entry.type() == v1::ENTRY_TYPE_DIFFERENCE;
  REQUIRE(any);
  const FilledTarget copied = renaming.copy(id);
  CHECK(renaming.trouble(copied.snapshot, sources.root()).empty());
  CHECK_FALSE(may_hold_differences(renaming.other.repository()));
}

TEST_CASE("what no supplier has is named by its files, and nothing is committed") {
  Renaming renaming;
  const TemporaryFolder folder;
  std::mt19937_64 random(5);
  const std::string source = folder.path("source");
  for (const char* name : {"/lost", "/whole"}) {
    make_folders_durably(source + name);
    write_file(source + name + "/file", random_text(random, 400'000));
  }
  const crypto::BlobId id = renaming.backups.run(source).snapshot;
  const v1::Node lost = renaming.backups.file(id, "lost");
  snapshot::TreeReader reader(renaming.backups.small.repository(),
                              crypto::BlobId::from_bytes(as_bytes(lost.tree())));
  std::optional<crypto::BlobId> chunk;
  snapshot::for_each_entry(reader.next()->node, renaming.backups.small.repository(),
                           [&](std::uint64_t, const v1::ContentEntry& found) {
                             chunk = crypto::BlobId::from_bytes(as_bytes(found.id()));
                             return false;
                           });
  const auto pack = renaming.backups.small.repository().index().find_pack(*chunk);
  SmallRepository whole(small_parameters(), &renaming.backups.small.keyring());
  {
    FillOptions options;
    options.run = Uuid::random();
    MemoryCheckpoint checkpoint;
    run_fill(whole.repository(), renaming.entry(id), {{"disk", &renaming.backups.small.repository()}},
             checkpoint, options, renaming.backups.clock, renaming.backups.monitor, {});
  }
  renaming.backups.small.reopen();
  remove_pack(renaming.backups.small, *pack);
  std::string message;
  CHECK(renaming.failure(id, &message) == ErrorKind::kDamaged);
  CHECK(message.find(source + "/lost/file") != std::string::npos);
  CHECK(message.find("disk") != std::string::npos);
  CHECK(message.find("garner repair") != std::string::npos);
  CHECK(renaming.other.repository().state()->snapshots().empty());
  CHECK(renaming.checkpoint.load().has_value());

  // Somebody else has it.
  const FilledTarget copied =
      renaming.copy(id, {{"disk", &renaming.backups.small.repository()}, {"whole", &whole.repository()}});
  CHECK(copied.suppliers == std::vector<std::string>{"disk", "whole"});
  CHECK(renaming.trouble(copied.snapshot, source).empty());
}

TEST_CASE("a folder that cannot be read is named, and nothing is committed") {
  Renaming renaming;
  const Sources sources(6);
  const crypto::BlobId id = renaming.backups.run(sources.root()).snapshot;
  std::set<store::ObjectName> metadata;
  renaming.backups.small.repository().index().for_each(
      [&](const crypto::BlobId&, const store::BlobLocation& location) {
        if (location.kind != crypto::BlobKind::kData) metadata.insert(location.pack);
      });
  renaming.backups.small.reopen();
  for (const store::ObjectName& pack : metadata) remove_pack(renaming.backups.small, pack);
  std::string message;
  CHECK(renaming.failure(id, &message) == ErrorKind::kDamaged);
  CHECK(message.find(sources.root()) != std::string::npos);
  CHECK(renaming.other.repository().state()->snapshots().empty());
}

TEST_CASE("a copy that is cut off at any save goes on, and stores nothing twice") {
  for (const bool before : {true, false}) {
    for (int cut = 1;; ++cut) {
      Renaming renaming;
      renaming.pace.bytes = 200'000;
      renaming.pace.commit_bytes = 600'000;
      const Sources sources(7);
      const crypto::BlobId id = renaming.backups.run(sources.root()).snapshot;
      (before ? renaming.checkpoint.cut_before_save : renaming.checkpoint.cut_after_save) = cut;
      bool was_cut = false;
      try {
        renaming.copy(id);
      } catch (const PowerCut&) {
        was_cut = true;
      }
      INFO((before ? "before save " : "after save ") << cut);
      renaming.checkpoint.cut_before_save = renaming.checkpoint.cut_after_save = 0;
      renaming.other.reopen();
      const FilledTarget copied = renaming.copy(id);
      CHECK(renaming.trouble(copied.snapshot, sources.root()).empty());
      CHECK(renaming.other.repository().state()->roots().empty());
      CHECK(renaming.other.repository().state()->snapshots_size() == 1);
      CHECK(list_names(*renaming.other.destination().staging_folder()).empty());
      std::map<crypto::BlobId, int> copies;
      renaming.other.repository().index().for_each(
          [&](const crypto::BlobId& blob, const store::BlobLocation&) { ++copies[blob]; });
      for (const auto& [blob, count] : copies) CHECK(count == 1);
      if (!was_cut) {
        CHECK(cut > 1);
        break;
      }
    }
  }
}

TEST_CASE("a copy that is stopped, or whose places go away, is taken up where it was") {
  Renaming renaming;
  renaming.pace.bytes = 200'000;
  const Sources sources(8);
  const crypto::BlobId id = renaming.backups.run(sources.root()).snapshot;
  bool counted_all = false;  // what was carried, before it ended
  SECTION("it is stopped") {
    counted_all = true;
    std::stop_source stop;
    renaming.target_place->before_put_file = [&](const std::string&) { stop.request_stop(); };
    try {
      renaming.copy(id, {{"disk", &renaming.backups.small.repository()}}, stop.get_token());
      FAIL("it was not stopped");
    } catch (const Error& error) {
      CHECK(error.kind() == ErrorKind::kCancelled);
    }
  }
  SECTION("the target goes away") {
    renaming.target_place->before_put_file = [&](const std::string&) { renaming.target_place->away = true; };
    CHECK(renaming.failure(id) == ErrorKind::kDestinationAway);
  }
  SECTION("the target is full") {
    renaming.target_place->before_put_file = [&](const std::string&) { renaming.target_place->full = true; };
    CHECK(renaming.failure(id) == ErrorKind::kDestinationFull);
  }
  SECTION("the supplier goes away") {
    renaming.supplier_place->reads_until_away = 6;
    CHECK(renaming.failure(id) == ErrorKind::kDestinationAway);
  }
  CHECK(renaming.other.repository().state()->snapshots().empty());
  renaming.target_place->before_put_file = nullptr;
  renaming.target_place->away = renaming.target_place->full = renaming.supplier_place->away = false;
  const FilledTarget copied = renaming.copy(id);
  if (counted_all) CHECK(copied.counters.new_bytes == renaming.entry(id).snapshot().new_bytes());
  CHECK(renaming.trouble(copied.snapshot, sources.root()).empty());
}

TEST_CASE("a snapshot that was recovered is listed as that by its other name") {
  Renaming renaming;
  const Sources sources(9);
  const crypto::BlobId id = renaming.backups.run(sources.root()).snapshot;
  store::CommitPlan plan;
  plan.removal.mark_recovered = {id};
  plan.removal.decided_on = renaming.backups.small.repository().state()->generation();
  REQUIRE(renaming.backups.small.repository().commit(plan).committed);
  const FilledTarget copied = renaming.copy(id);
  CHECK(renaming.listed(copied.snapshot).recovered());
  CHECK(renaming.trouble(copied.snapshot, sources.root()).empty());
}
