// Damage is put right as far as anything can be read anywhere, nothing readable is lost, and what is lost is
// stored again by the next backup.
#include <algorithm>
#include <catch2/catch.hpp>
#include <cerrno>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "maintenance/forget.h"
#include "maintenance/rescue.h"
#include "store/state.h"
#include "unit/backup/backup_fixture.h"
#include "unit/maintenance/maintenance_fixture.h"

using namespace garner;
using garner::testing::FailingReads;
using garner::testing::noise;
using garner::testing::problems_of_check;
using garner::testing::RecordingCheckMonitor;
using garner::testing::SmallRepository;
using garner::testing::TemporaryFolder;
using garner::testing::write_file;

namespace {

// What another destination of the installation holds: here, everything.
struct Copies final : store::BlobSource {
  explicit Copies(store::Repository& repository) {
    repository.index().for_each([&](const crypto::BlobId& id, const store::BlobLocation& location) {
      blobs[id] = repository.read(location.kind, id);
    });
  }
  Bytes read(crypto::BlobKind, const crypto::BlobId& id) override {
    const auto found = blobs.find(id);
    if (found == blobs.end()) throw Error(ErrorKind::kNotFound, "not here");
    Bytes content = found->second;
    if (lies) content.push_back(0);
    return content;
  }

  std::map<crypto::BlobId, Bytes> blobs;
  bool lies = false;
};

// Stops a run when it comes to a stage.
class StoppingMonitor final : public maintenance::CheckMonitor {
 public:
  explicit StoppingMonitor(std::string stage) : stage_(std::move(stage)) {}
  std::stop_token token() const { return source_.get_token(); }
  void progressed(const maintenance::CheckProgress& progress) override {
    if (progress.stage == stage_) source_.request_stop();
  }
  void problem(const std::string&) override {}

 private:
  const std::string stage_;
  std::stop_source source_;
};

struct RescueFixture {
  backup::Sources source{31, 4, 10};
  backup::Backups backups;
  backup::BackupOptions options = backups.options({source.root()});
  crypto::BlobId snapshot;

  RescueFixture() { snapshot = back_up().snapshot; }

  backup::BackupResult back_up() {
    options.run = Uuid::random();
    return backups.run(options);
  }
  // A state is written by the first record of 32 that changes what is stored.
  void back_up_until_state() {
    for (int version = 0; small().destination().list("state/").empty(); ++version) {
      backup::write_file(source.root() + "/version", std::to_string(version));
      back_up();
    }
  }
  SmallRepository& small() { return backups.small; }
  store::Repository& repository() { return backups.small.repository(); }

  // The one of the most frames first: how many packs a run makes, and how large, is up to its threads.
  std::vector<store::FinishedPack> packs(store::PackKind kind) {
    std::vector<store::FinishedPack> all;
    for (const destination::ObjectInfo& object : small().destination().list("packs/")) {
      const auto name = store::ObjectName::from_hex(base_name(object.key));
      const store::PackReader reader(small().destination(), repository().keyring(), name);
      if (reader.header().kind == kind)
        all.push_back({name, kind, object.size, reader.read_directory().frames});
    }
    std::ranges::stable_sort(all, std::ranges::greater{},
                             [](const store::FinishedPack& pack) { return pack.frames.size(); });
    return all;
  }

  void flip(const store::ObjectName& pack, std::uint64_t offset) {
    testing::flip(small(), store::pack_key(pack), offset);
  }
  void truncate_to(const store::ObjectName& pack, std::uint64_t size) {
    const std::string path = small().path() + "/" + store::pack_key(pack);
    REQUIRE(chmod(path.c_str(), 0600) == 0);
    REQUIRE(truncate(path.c_str(), static_cast<off_t>(size)) == 0);
  }

  // The objects of two packs each have the other's name.
  void swap(const store::ObjectName& a, const store::ObjectName& b) {
    const std::string one = small().path() + "/" + store::pack_key(a);
    const std::string other = small().path() + "/" + store::pack_key(b);
    std::filesystem::rename(one, one + "-aside");
    std::filesystem::rename(other, one);
    std::filesystem::rename(one + "-aside", other);
    small().reopen();
  }
  // From now on the repository is read through what is returned.
  std::shared_ptr<FailingReads> wrap() {
    std::shared_ptr<FailingReads> failing;
    small().wrap([&](std::shared_ptr<destination::Destination> inner) {
      failing = std::make_shared<FailingReads>(std::move(inner));
      return failing;
    });
    return failing;
  }
  std::vector<std::string> keys() {
    std::vector<std::string> all;
    for (const destination::ObjectInfo& object : small().destination().list("")) all.push_back(object.key);
    return all;
  }

  maintenance::RescueOptions rescuing() {
    maintenance::RescueOptions options_of_rescue;
    options_of_rescue.staging_prefix = *small().destination().staging_folder() + "/rescue-";
    options_of_rescue.threads = 2;
    return options_of_rescue;
  }
  maintenance::RescueResult rescue(const maintenance::RescueOptions& how) {
    monitor.problems.clear();
    return maintenance::run_rescue(repository(), how, monitor, {});
  }
  maintenance::RescueResult rescue(std::vector<store::BlobSource*> suppliers = {}, bool dry_run = false) {
    maintenance::RescueOptions how = rescuing();
    how.suppliers = std::move(suppliers);
    how.dry_run = dry_run;
    return rescue(how);
  }
  std::vector<std::string> check() { return problems_of_check(repository()); }
  bool is_marked(const crypto::BlobId& id) {
    const auto* entry = store::find_snapshot(*repository().state(), id.view());
    REQUIRE(entry != nullptr);
    return entry->recovered();
  }

  RecordingCheckMonitor monitor;
};

}  // namespace

TEST_CASE("where nothing is damaged nothing is done") {
  RescueFixture fixture;
  const auto generation = fixture.repository().state()->generation();
  const maintenance::RescueResult result = fixture.rescue();
  CHECK(result.packs == 0);
  CHECK(result.checked.packs > 4);
  CHECK(fixture.monitor.problems.empty());
  CHECK(fixture.repository().state()->generation() == generation);
}

TEST_CASE("a pack whose directory is damaged loses nothing") {
  RescueFixture fixture;
  const auto kind = GENERATE(store::PackKind::kData, store::PackKind::kMetadata);
  const auto packs = fixture.packs(kind);
  fixture.flip(packs[0].name, packs[0].size - 5);
  // A dry run tells, and writes nothing.
  const maintenance::RescueResult dry = fixture.rescue({}, true);
  CHECK(dry.packs == 1);
  CHECK(dry.copied > 0);
  CHECK(fixture.small().destination().size(store::pack_key(packs[0].name)));
  const maintenance::RescueResult result = fixture.rescue();
  CHECK(result.packs == 1);
  CHECK(result.copied == dry.copied);
  CHECK(result.lost == 0);
  CHECK(result.marked.empty());
  CHECK(fixture.monitor.problems == std::vector<std::string>{});
  CHECK(fixture.check() == std::vector<std::string>{});
  CHECK_FALSE(fixture.is_marked(fixture.snapshot));
  CHECK(fixture.backups.differences(fixture.snapshot, fixture.source.root()).empty());
  CHECK_FALSE(fixture.small().destination().size(store::pack_key(packs[0].name)));
  CHECK(list_names(*fixture.small().destination().staging_folder()).empty());
}

TEST_CASE("what is lost is named, the snapshot marked, and the next backup stores it again") {
  RescueFixture fixture;
  const auto kind = GENERATE(store::PackKind::kData, store::PackKind::kMetadata);
  const auto how = GENERATE(0, 1, 2);
  const auto packs = fixture.packs(kind);
  for (const store::FinishedPack& pack : packs) {
    const store::PackedFrame& frame = pack.frames[pack.frames.size() / 2];
    if (how == 0) {
      fixture.flip(pack.name, frame.offset + frame.stored_length / 2);
    } else if (how == 1) {
      fixture.truncate_to(pack.name, frame.offset + 10);
    } else {
      fixture.small().destination().remove(store::pack_key(pack.name));
    }
    if (kind == store::PackKind::kData) break;  // of trees there are copies, and few packs
  }
  fixture.small().reopen();
  REQUIRE_FALSE(fixture.check().empty());
  const std::size_t readable = fixture.backups.differences(fixture.snapshot, fixture.source.root()).size();
  REQUIRE(readable > 0);

  const maintenance::RescueResult result = fixture.rescue();
  CAPTURE(how, result.copied, result.lost);
  CHECK(result.lost > 0);
  if (how == 2) CHECK(result.copied == 0);
  if (how != 2 && kind == store::PackKind::kData) CHECK(result.copied > 0);
  REQUIRE(result.marked.size() == 1);
  CHECK(result.marked[0] == fixture.snapshot);
  CHECK(fixture.is_marked(fixture.snapshot));
  CHECK(fixture.monitor.told(fixture.source.root()));
  // Nothing that could be read before cannot be now.
  CHECK(fixture.backups.differences(fixture.snapshot, fixture.source.root()).size() <= readable);

  // Nothing in the source has changed; all that is lost is read and stored again.
  const backup::BackupResult next = fixture.back_up();
  CHECK(next.progress.counters.read_bytes > 0);
  CHECK(next.progress.error_count == 0);
  CHECK_FALSE(fixture.is_marked(next.snapshot));
  CHECK(fixture.backups.differences(next.snapshot, fixture.source.root()).empty());
  CHECK(fixture.check() == std::vector<std::string>{});
  // And so the damaged snapshot is whole again.
  CHECK(fixture.backups.differences(fixture.snapshot, fixture.source.root()).empty());
  // The backup after it trusts what is there.
  CHECK(fixture.back_up().progress.counters.read_bytes == 0);
}

TEST_CASE("a damaged pin stays pinned") {
  RescueFixture fixture;
  store::CommitPlan plan;
  plan.removal.pin.insert(fixture.snapshot);
  plan.removal.decided_on = fixture.repository().state()->generation();
  REQUIRE(fixture.repository().commit(plan).committed);
  fixture.small().destination().remove(store::pack_key(fixture.packs(store::PackKind::kData)[0].name));
  CHECK(fixture.rescue().marked.size() == 1);
  fixture.small().reopen();
  const auto* entry = store::find_snapshot(*fixture.repository().state(), fixture.snapshot.view());
  REQUIRE(entry != nullptr);
  CHECK(entry->pinned());
  CHECK(entry->recovered());
}

TEST_CASE("another repository of the same keyring supplies what is lost") {
  RescueFixture fixture;
  Copies copies(fixture.repository());
  copies.lies = GENERATE(false, true);
  fixture.small().destination().remove(store::pack_key(fixture.packs(store::PackKind::kData)[0].name));
  fixture.small().reopen();
  const maintenance::RescueResult result = fixture.rescue({&copies});
  if (copies.lies) {
    CHECK(result.supplied == 0);
    CHECK(result.lost > 0);
    return;
  }
  CHECK(result.supplied > 0);
  CHECK(result.lost == 0);
  CHECK(result.marked.empty());
  CHECK(fixture.check() == std::vector<std::string>{});
  CHECK(fixture.backups.differences(fixture.snapshot, fixture.source.root()).empty());
}

TEST_CASE("packs that lie under each other's names lose nothing") {
  RescueFixture fixture;
  const auto data = fixture.packs(store::PackKind::kData);
  REQUIRE(data.size() > 2);
  const bool same_kind = GENERATE(true, false);
  const store::FinishedPack other = same_kind ? data[1] : fixture.packs(store::PackKind::kMetadata).front();
  // Both are replaced by one record, or each by one of its own.
  maintenance::RescueOptions how = fixture.rescuing();
  how.batch_bytes = GENERATE(std::uint64_t{1}, std::uint64_t{512} << 20);
  fixture.swap(data[0].name, other.name);
  REQUIRE_FALSE(fixture.check().empty());

  const maintenance::RescueResult result = fixture.rescue(how);
  CHECK(result.packs == 2);
  CHECK(result.copied > 0);
  CHECK(result.lost == 0);
  CHECK(result.marked.empty());
  CHECK(fixture.monitor.problems == std::vector<std::string>{});
  CHECK_FALSE(fixture.small().destination().size(store::pack_key(data[0].name)));
  CHECK_FALSE(fixture.small().destination().size(store::pack_key(other.name)));
  CHECK(fixture.check() == std::vector<std::string>{});
  CHECK(fixture.backups.differences(fixture.snapshot, fixture.source.root()).empty());
}

TEST_CASE("damaged packs are replaced a few at a time") {
  RescueFixture fixture;
  const auto packs = fixture.packs(store::PackKind::kData);
  REQUIRE(packs.size() > 2);
  for (const store::FinishedPack& pack : packs) fixture.flip(pack.name, pack.size - 5);
  maintenance::RescueOptions how = fixture.rescuing();
  how.batch_bytes = 1;
  const std::uint64_t before = fixture.repository().state()->generation();
  const maintenance::RescueResult result = fixture.rescue(how);
  CHECK(result.packs == packs.size());
  CHECK(result.lost == 0);
  CHECK(fixture.repository().state()->generation() == before + packs.size());
  CHECK(fixture.check() == std::vector<std::string>{});
  CHECK(fixture.backups.differences(fixture.snapshot, fixture.source.root()).empty());
}

TEST_CASE("what may not be opened is not given up") {
  RescueFixture fixture;
  const auto kind = GENERATE(store::PackKind::kData, store::PackKind::kMetadata);
  const int error_number = GENERATE(EACCES, EMFILE, ENOMEM);
  const bool whole = GENERATE(true, false);
  const store::FinishedPack pack = fixture.packs(kind)[0];
  const std::string key = store::pack_key(pack.name);
  const std::shared_ptr<FailingReads> failing = fixture.wrap();
  failing->fail(key, error_number, whole ? 0 : pack.size - 1, pack.size);
  const auto generation = fixture.repository().state()->generation();
  const std::vector<std::string> keys = fixture.keys();
  try {
    fixture.rescue();
    FAIL("it was done");
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::kReadFailed);
    CHECK(std::string(error.what()).find(key) != std::string::npos);
  }
  CHECK(fixture.keys() == keys);
  CHECK(fixture.repository().state()->generation() == generation);
  failing->heal();
  CHECK(fixture.rescue().packs == 0);
  CHECK(fixture.check() == std::vector<std::string>{});
}

TEST_CASE("what the disk does not give stays until it does, or another repository has it") {
  RescueFixture fixture;
  Copies copies(fixture.repository());
  const store::FinishedPack pack = fixture.packs(store::PackKind::kData)[0];
  const std::string key = store::pack_key(pack.name);
  const std::uint64_t bad = pack.frames[pack.frames.size() / 2].offset + 1;
  const std::shared_ptr<FailingReads> failing = fixture.wrap();
  failing->fail(key, EIO, bad, bad + 1);

  const maintenance::RescueResult result = fixture.rescue();
  CHECK(result.packs == 1);
  CHECK(result.lost > 0);
  CHECK(result.kept == std::vector<store::ObjectName>{pack.name});
  CHECK(result.marked.empty());
  CHECK(fixture.small().destination().size(key) == pack.size);
  CHECK(fixture.repository().index().is_live(pack.name));
  CHECK(fixture.monitor.told(key));
  CHECK(fixture.monitor.told(fixture.source.root()));

  const bool heals = GENERATE(true, false);
  if (heals) {
    failing->heal();
    CHECK(fixture.rescue().packs == 0);
  } else {
    const maintenance::RescueResult supplied = fixture.rescue({&copies});
    CHECK(supplied.supplied > 0);
    CHECK(supplied.lost == 0);
    CHECK(supplied.kept.empty());
    CHECK_FALSE(fixture.small().destination().size(key));
  }
  CHECK(fixture.monitor.problems == std::vector<std::string>{});
  CHECK(fixture.check() == std::vector<std::string>{});
  CHECK(fixture.backups.differences(fixture.snapshot, fixture.source.root()).empty());
}

TEST_CASE("a repair that was cut off before it marked snapshots is finished by the next") {
  RescueFixture fixture;
  const std::string key = store::pack_key(fixture.packs(store::PackKind::kData)[0].name);
  fixture.small().destination().remove(key);
  fixture.small().reopen();
  StoppingMonitor stopping("looking for snapshots that lack something");
  try {
    maintenance::run_rescue(fixture.repository(), fixture.rescuing(), stopping, stopping.token());
    FAIL("it was not stopped");
  } catch (const Error& error) {
    REQUIRE(error.kind() == ErrorKind::kCancelled);
  }
  fixture.small().reopen();
  REQUIRE_FALSE(fixture.is_marked(fixture.snapshot));
  // No pack is damaged any more. A dry run tells what is lost, and marks nothing.
  CHECK(fixture.rescue({}, true).packs == 0);
  CHECK(fixture.monitor.told(fixture.source.root()));
  CHECK_FALSE(fixture.is_marked(fixture.snapshot));

  const maintenance::RescueResult result = fixture.rescue();
  CHECK(result.packs == 0);
  CHECK(result.marked == std::vector<crypto::BlobId>{fixture.snapshot});
  CHECK(fixture.is_marked(fixture.snapshot));
  CHECK(fixture.monitor.told(fixture.source.root()));
  // Once.
  CHECK(fixture.rescue().marked.empty());
}

TEST_CASE("whoever may only add does not repair") {
  RescueFixture fixture;
  fixture.small().destination().remove(store::pack_key(fixture.packs(store::PackKind::kData)[0].name));
  fixture.small().demote();
  try {
    fixture.rescue();
    FAIL("it was done");
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::kPermissionDenied);
  }
}

TEST_CASE("a damaged state is removed, and the log read instead") {
  RescueFixture fixture;
  fixture.back_up_until_state();
  const std::string key = fixture.small().destination().list("state/").front().key;
  const std::string path = fixture.small().path() + "/" + key;
  REQUIRE(chmod(path.c_str(), 0600) == 0);
  REQUIRE(truncate(path.c_str(), 100) == 0);
  REQUIRE_FALSE(fixture.check().empty());
  fixture.rescue();
  CHECK_FALSE(fixture.small().destination().size(key));
  CHECK(fixture.check() == std::vector<std::string>{});
}

TEST_CASE("whoever may only add does not remove a damaged state either") {
  RescueFixture fixture;
  fixture.back_up_until_state();
  const std::string key = fixture.small().destination().list("state/").front().key;
  const std::string path = fixture.small().path() + "/" + key;
  REQUIRE(chmod(path.c_str(), 0600) == 0);
  REQUIRE(truncate(path.c_str(), 100) == 0);
  fixture.small().demote();
  try {
    fixture.rescue();
    FAIL("it was done");
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::kPermissionDenied);
  }
  CHECK(fixture.small().destination().size(key) == 100u);
  // It may look.
  fixture.rescue({}, true);
  CHECK(fixture.small().destination().size(key) == 100u);
}

TEST_CASE("a state that its records do not lead to is told of and removed, and nothing goes by it") {
  TemporaryFolder source;
  SmallRepository small;
  write_file(source.path("file"), noise(9000, 1));
  small.back_up({source.path()});
  const auto only = crypto::BlobId::from_bytes(as_bytes(small.repository().state()->snapshots(0).id()));
  for (bool pin = true; small.destination().list("state/").empty(); pin = !pin)
    maintenance::set_pinned(small.repository(), only, pin);
  const std::string key = small.destination().list("state/").front().key;
  const store::StateName name = *store::parse_state_key(key);
  const Uuid uuid = small.repository().header().repository;
  store::v1::RepositoryState forged =
      store::open_state(small.destination().get_all(key, store::kMaximumState), name.generation,
                        name.record_hash, small.keyring(), uuid);
  forged.mutable_snapshots(0)->set_recovered(true);
  small.destination().remove(key);
  small.destination().put(key, store::seal_state(forged, small.keyring(), uuid, Uuid::random()));
  small.reopen();
  REQUIRE(small.repository().state()->snapshots(0).recovered());

  RecordingCheckMonitor found;
  maintenance::run_check(small.repository(), {}, found, {});
  CHECK(found.told(key + ": it is not the state"));
  CHECK(found.told("the state that was loaded is not the one"));
  maintenance::RescueOptions options;
  options.staging_prefix = *small.destination().staging_folder() + "/rescue-";
  RecordingCheckMonitor left;
  maintenance::run_rescue(small.repository(), options, left, {});
  CHECK(left.problems == std::vector<std::string>{});
  CHECK_FALSE(small.repository().state()->snapshots(0).recovered());
  CHECK(small.destination().list("state/").empty());
  small.reopen();
  CHECK_FALSE(small.repository().state()->snapshots(0).recovered());
  CHECK(problems_of_check(small.repository()) == std::vector<std::string>{});
}
