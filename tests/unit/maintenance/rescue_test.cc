// Damage is put right as far as anything can be read anywhere, nothing readable is lost, and what is lost is
// stored again by the next backup.
#include <catch2/catch.hpp>

#include <set>

#include "base/error.h"
#include "maintenance/rescue.h"
#include "unit/backup/backup_fixture.h"
#include "unit/maintenance/maintenance_fixture.h"

using namespace garner;
using garner::testing::RecordingCheckMonitor;
using garner::testing::SmallRepository;

namespace {

struct Fixture {
  backup::Sources source{31, 4, 10};
  backup::Backups backups;
  backup::BackupOptions options = backups.options({source.root()});
  crypto::BlobId snapshot;

  Fixture() { snapshot = back_up().snapshot; }

  backup::BackupResult back_up() {
    options.run = Uuid::random();
    return backups.run(options);
  }
  SmallRepository& small() { return backups.small; }
  store::Repository& repository() { return backups.small.repository(); }

  std::vector<store::FinishedPack> packs(store::PackKind kind) {
    std::vector<store::FinishedPack> all;
    for (const destination::ObjectInfo& object : small().destination().list("packs/")) {
      const auto name = store::ObjectName::from_hex(base_name(object.key));
      const store::PackReader reader(small().destination(), repository().keyring(), name);
      if (reader.header().kind == kind)
        all.push_back({name, kind, object.size, reader.read_directory().frames});
    }
    return all;
  }

  void flip(const store::ObjectName& pack, std::uint64_t offset) {
    const std::string path = small().path() + "/" + store::pack_key(pack);
    REQUIRE(chmod(path.c_str(), 0600) == 0);
    const Fd file = open_file(path, O_RDWR);
    Bytes byte(1);
    read_at(file.get(), byte, offset, path);
    byte[0] ^= 0x10;
    write_at(file.get(), byte, offset, path);
  }
  void truncate_to(const store::ObjectName& pack, std::uint64_t size) {
    const std::string path = small().path() + "/" + store::pack_key(pack);
    REQUIRE(chmod(path.c_str(), 0600) == 0);
    REQUIRE(truncate(path.c_str(), static_cast<off_t>(size)) == 0);
  }

  maintenance::RescueResult rescue(std::vector<store::BlobSource*> suppliers = {}, bool dry_run = false) {
    maintenance::RescueOptions rescuing;
    rescuing.staging_prefix = *small().destination().staging_folder() + "/rescue-";
    rescuing.suppliers = std::move(suppliers);
    rescuing.dry_run = dry_run;
    rescuing.threads = 2;
    monitor.problems.clear();
    return maintenance::run_rescue(repository(), rescuing, monitor, {});
  }
  std::vector<std::string> check() {
    RecordingCheckMonitor checks;
    maintenance::CheckOptions everything;
    everything.read_data_percent = 100;
    maintenance::run_check(repository(), everything, checks, {});
    return checks.problems;
  }
  bool is_marked(const crypto::BlobId& id) {
    const auto* entry = store::find_snapshot(*repository().state(), id.view());
    REQUIRE(entry != nullptr);
    return entry->recovered();
  }

  RecordingCheckMonitor monitor;
};

}  // namespace

TEST_CASE("where nothing is damaged nothing is done") {
  Fixture fixture;
  const auto generation = fixture.repository().state()->generation();
  const maintenance::RescueResult result = fixture.rescue();
  CHECK(result.packs == 0);
  CHECK(result.checked.packs > 4);
  CHECK(fixture.monitor.problems.empty());
  CHECK(fixture.repository().state()->generation() == generation);
}

TEST_CASE("a pack whose directory is damaged loses nothing") {
  Fixture fixture;
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
  Fixture fixture;
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
  Fixture fixture;
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
  Fixture fixture;
  // What another destination of the installation holds: here, everything.
  struct Copies final : store::BlobSource {
    std::map<crypto::BlobId, Bytes> blobs;
    bool lies = false;
    Bytes read(crypto::BlobKind, const crypto::BlobId& id) override {
      const auto found = blobs.find(id);
      if (found == blobs.end()) throw Error(ErrorKind::kNotFound, "not here");
      Bytes content = found->second;
      if (lies) content.push_back(0);
      return content;
    }
  } copies;
  fixture.repository().index().for_each([&](const crypto::BlobId& id, const store::BlobLocation& location) {
    copies.blobs[id] = fixture.repository().read(location.kind, id);
  });
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

TEST_CASE("whoever may only add does not repair") {
  Fixture fixture;
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
  Fixture fixture;
  while (fixture.small().destination().list("state/").empty()) fixture.back_up();
  const std::string key = fixture.small().destination().list("state/").front().key;
  const std::string path = fixture.small().path() + "/" + key;
  REQUIRE(chmod(path.c_str(), 0600) == 0);
  REQUIRE(truncate(path.c_str(), 100) == 0);
  REQUIRE_FALSE(fixture.check().empty());
  fixture.rescue();
  CHECK_FALSE(fixture.small().destination().size(key));
  CHECK(fixture.check() == std::vector<std::string>{});
}
