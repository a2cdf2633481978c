#include "machine.h"

#include <algorithm>
#include <mutex>
#include <stdexcept>
#include <utility>
#include <vector>

#include "backup/fill_run.h"
#include "base/error.h"
#include "base/file.h"
#include "crypto/key_slot.h"
#include "crypto/secret.h"
#include "destination/local.h"
#include "maintenance/check.h"
#include "maintenance/forget.h"
#include "maintenance/prune.h"
#include "maintenance/repair.h"
#include "maintenance/rescue.h"
#include "restore/restore.h"
#include "store/header_repair.h"
#include "support/store_fixture.h"

namespace garner::crash {

namespace {

constexpr const char* kRepository = "repository";
constexpr const char* kReplica = "replica";

class LaterClock final : public Clock {
 public:
  TimePoint now() const override { return shifted(system_clock().now(), 10'000'000'000); }
  std::chrono::steady_clock::time_point steady() const override { return system_clock().steady(); }
};

struct QuietBackup final : backup::BackupMonitor {
  void progressed(const backup::BackupProgress&) override {}
  void error(const backup::SourceError& error) override {
    const std::lock_guard lock(mutex);
    errors += error.path + ": " + error.message + "; ";
  }
  std::mutex mutex;
  std::string errors;
};

struct QuietRestore final : restore::RestoreMonitor {
  void progressed(const restore::RestoreProgress&) override {}
  void error(const std::string& path, const std::string& message) override {
    errors += path + ": " + message + "; ";
  }
  std::string errors;
};

struct Problems final : maintenance::CheckMonitor {
  void progressed(const maintenance::CheckProgress&) override {}
  void problem(const std::string& line) override { lines.push_back(line); }
  std::vector<std::string> lines;
};

struct PruneProblems final : maintenance::PruneMonitor {
  void progressed(const maintenance::PruneProgress&) override {}
  void problem(const std::string& line) override { lines += line + "; "; }
  std::string lines;
};

// Tells whether a run gives up the checkpoint that it finds.
class WatchedCheckpoint final : public backup::CheckpointStore {
 public:
  explicit WatchedCheckpoint(backup::CheckpointStore& inner) : inner_(inner) {}
  bool given_up() const { return given_up_; }

  std::optional<backup::CheckpointHead> load() override {
    auto head = inner_.load();
    found_ = head.has_value();
    return head;
  }
  void begin(TimePoint time, const std::vector<backup::TargetBegin>& targets) override {
    given_up_ = given_up_ || found_;
    inner_.begin(time, targets);
  }
  void save(const backup::CheckpointDelta& delta) override { inner_.save(delta); }
  void forget() override {
    found_ = false;
    inner_.forget();
  }
  std::vector<backup::FinishedFile> files_in(std::uint32_t source, const std::string& folder) override {
    return inner_.files_in(source, folder);
  }
  std::vector<backup::FinishedFolder> folders_in(std::uint32_t source, const std::string& folder) override {
    return inner_.folders_in(source, folder);
  }
  std::optional<backup::FileInProgress> in_progress(const backup::Place& place) override {
    return inner_.in_progress(place);
  }
  std::optional<backup::FinishedFolder> root(std::uint32_t source) override { return inner_.root(source); }

 private:
  backup::CheckpointStore& inner_;
  bool found_ = false;
  bool given_up_ = false;
};

std::string made(const std::string& folder) {
  make_folders_durably(folder);
  return folder;
}

// A machine's only set has the same uuid each time it is started.
std::string set_uuid(const std::string& machine) {
  return std::string(as_text(ByteView(crypto::hash(as_bytes(machine))).first(16)));
}

std::optional<store::v1::SnapshotEntry> snapshot_of(store::Repository& repository, const std::string& run) {
  return repository.snapshot_of_run(Uuid::parse(run));
}

}  // namespace

const Clock& later_clock() {
  static const LaterClock clock;
  return clock;
}

Machine::Machine(const std::string& disk, const std::string& name)
    : disk_(disk),
      name_(name),
      keys_(made(disk + "/" + name) + "/keys"),
      catalog_(disk + "/" + name, keys_, later_clock()),
      writer_(keys_.writer()) {}

store::RepositoryContext Machine::context(const std::string& destination) {
  const auto facts = catalog_.configuration().destination(destination);
  if (!facts) throw std::runtime_error("the machine knows no destination");
  return {std::make_shared<destination::LocalDestination>(facts->url),
          facts->encrypted ? keys_.keyring(facts->keyring).value() : crypto::Keyring::unencrypted(),
          &writer_,
          &keys_,
          &later_clock(),
          disk_ + "/" + name_ + "/cache",
          name_,
          /*metadata_cache=*/0,
          facts->repository};
}

void Machine::add(const std::string& destination, const crypto::Keyring& keyring) {
  const std::string url = disk_ + "/" + destination;
  auto place = std::make_shared<destination::LocalDestination>(url);
  place->create_folder();
  std::vector<store::v1::KeySlot> slots;
  const bool encrypted = keyring.encrypted();
  if (encrypted) {
    // A recovery key's, which costs no time; nobody opens it.
    const crypto::Credential recovery{store::v1::SLOT_TYPE_RECOVERY, crypto::generate_recovery_key()};
    slots.push_back(crypto::make_slot(keyring, recovery, "recovery", later_clock().now()));
  }
  auto& made = repositories_[destination] = store::Repository::create(
      {place, keyring.copy(), &writer_, &keys_, &later_clock(), disk_ + "/" + name_ + "/cache", name_}, slots,
      testing::small_parameters());
  catalog_.configuration().add_destination(
      {destination, url, made->header().repository, encrypted, keyring.id()});
}

void Machine::make_repository(bool encrypted) {
  const crypto::Keyring keyring =
      encrypted ? crypto::Keyring::generate(later_clock().now()) : crypto::Keyring::unencrypted();
  if (encrypted) keys_.save_keyring(keyring);
  add(kRepository, keyring);
}

void Machine::make_replica() { add(kReplica, repository(kRepository).keyring()); }

void Machine::join(Machine& other) {
  const auto facts = other.catalog_.configuration().destination(kRepository).value();
  if (facts.encrypted) keys_.save_keyring(other.keys_.keyring(facts.keyring).value());
  catalog_.configuration().add_destination(facts);
}

std::vector<std::string> Machine::destinations() {
  std::vector<std::string> all{kRepository};
  if (catalog_.configuration().destination(kReplica)) all.push_back(kReplica);
  return all;
}

store::Repository& Machine::repository(const std::string& destination) {
  auto& open = repositories_[destination];
  if (!open) open = store::Repository::open(context(destination));
  return *open;
}

store::Repository& Machine::repository_without_log() {
  auto& open = repositories_[destination_];
  open.reset();
  open = store::Repository::open_without_log(context(destination_));
  return *open;
}

catalog::RunRow Machine::begin(catalog::RunKind kind, const std::string& request) {
  catalog::RunRow row;
  row.uuid = Uuid::random();
  row.kind = kind;
  row.set = kind == catalog::RunKind::kBackup ? "home" : "";
  row.request.assign(request.begin(), request.end());
  row.queued = later_clock().now();
  row.number = catalog_.runs().add(row);
  row.state = catalog::RunState::kRunning;
  row.started = later_clock().now();
  catalog_.runs().change(row);
  return row;
}

void Machine::finish(catalog::RunRow row) {
  row.state = catalog::RunState::kFinished;
  row.finished = later_clock().now();
  catalog_.runs().change(row);
}

bool Machine::back_up(const catalog::RunRow& row, const Paths& paths, const BackUp& how) {
  const auto checkpoint = catalog_.checkpoint(row.number);
  WatchedCheckpoint watched(*checkpoint);
  backup::BackupOptions options;
  options.run = row.uuid;
  options.set.set_uuid(set_uuid(name_));
  options.set.set_name("home");
  options.set.add_sources(paths.source);
  options.host = name_;
  options.threads = how.threads;
  options.pace.bytes = 32u << 10;
  options.pace.recorded_in_progress = 40u << 10;
  options.pace.commit_blobs = how.commit_blobs;
  options.spool_folder = made(disk_ + "/" + name_ + "/spool");
  std::vector<backup::RunTarget> targets;
  for (const std::string& name : destinations()) targets.push_back({name, &repository(name)});
  QuietBackup monitor;
  const backup::BackupResult result =
      backup::run_backup(targets, watched, options, later_clock(), monitor, how.stop);
  const bool given_up = watched.given_up();
  const auto supplier =
      std::ranges::find(result.targets, backup::TargetState::kDone, &backup::TargetProgress::state);
  for (unsigned number = 0; number < targets.size(); ++number) {
    if (result.targets.at(number).state != backup::TargetState::kDone)
      fill(row, number, targets.at(static_cast<std::size_t>(supplier - result.targets.begin())).name,
           *checkpoint, options);
  }
  if (!monitor.errors.empty()) throw Incomplete("the backup had errors: " + monitor.errors);
  return given_up;
}

void Machine::fill(const catalog::RunRow& row, unsigned number, const std::string& supplier,
                   backup::CheckpointStore& checkpoint, const backup::BackupOptions& of_backup) {
  backup::FillOptions options;
  options.run = row.uuid;
  options.number = number;
  options.spool_folder = of_backup.spool_folder;
  options.threads = of_backup.threads;
  options.pace = of_backup.pace;
  QuietBackup monitor;
  const auto entry = repository(supplier).snapshot_of_run(row.uuid);
  if (!entry) throw Incomplete("who is done does not list the snapshot");
  backup::run_fill(repository(destinations().at(number)), *entry, {{supplier, &repository(supplier)}},
                   checkpoint, options, later_clock(), monitor, {});
}

void Machine::forget(const catalog::RunRow& row) {
  const std::string run(as_text(row.request));
  repository().refresh();
  if (!snapshot_of(repository(), run)) return;
  maintenance::ForgetOptions options;
  options.choose = [&](const store::v1::RepositoryState& state) {
    std::vector<crypto::BlobId> chosen;
    for (const store::v1::SnapshotEntry& entry : state.snapshots()) {
      if (entry.snapshot().run() == as_text(Uuid::parse(run).view()))
        chosen.push_back(crypto::BlobId::from_bytes(as_bytes(entry.id())));
    }
    return chosen;
  };
  maintenance::run_forget(repository(), options, later_clock());
}

void Machine::prune(const catalog::RunRow& row) {
  maintenance::PruneOptions options;
  options.run = row.uuid;
  options.grace = std::chrono::seconds(0);
  options.max_unused = 0.05;
  options.threads = 1;
  PruneProblems problems;
  maintenance::run_prune(repository(), options, later_clock(), problems, {});
  if (!problems.lines.empty()) throw Incomplete("prune: " + problems.lines);
}

void Machine::repair(const catalog::RunRow& row) {
  store::heal_header(context(destination_));
  Problems problems;
  const bool was_needed = maintenance::run_repair(repository_without_log(), false, problems, {}).needed;
  close_repositories();
  if (was_needed) return;
  const std::string staging = repository().destination().staging_folder().value();
  // Packs that an earlier attempt was writing.
  for (const std::string& name : list_names(staging)) {
    if (name.starts_with(row.uuid.text())) remove_file(staging + "/" + name);
  }
  maintenance::RescueOptions options;
  options.staging_prefix = staging + "/" + row.uuid.text() + "-";
  options.threads = 1;
  for (const std::string& other : destinations()) {
    if (other != destination_) options.suppliers.push_back(&repository(other));
  }
  const maintenance::RescueResult result = maintenance::run_rescue(repository(), options, problems, {});
  if (!problems.lines.empty() || !result.marked.empty()) throw Incomplete("the repair left something lost");
  close_repositories();
}

void Machine::restore(const catalog::RunRow& row, const Paths& paths, bool resuming, bool overwriting) {
  repository().refresh();
  const auto entry = snapshot_of(repository(), std::string(as_text(row.request)));
  if (!entry) throw std::runtime_error("the snapshot to restore is not listed");
  restore::RestoreOptions options;
  options.target = paths.target;
  options.resuming = resuming;
  if (overwriting) options.overwrite = restore::Overwrite::kAlways;
  options.threads = 1;
  QuietRestore monitor;
  restore::run_restore(repository(), entry->snapshot(), options, monitor, {});
  if (!monitor.errors.empty()) throw Incomplete("the restore had errors: " + monitor.errors);
}

std::vector<std::string> Machine::check() {
  maintenance::CheckOptions options;
  options.read_data_percent = 100;
  options.threads = 1;
  Problems problems;
  maintenance::run_check(repository(), options, problems, {});
  return problems.lines;
}

}  // namespace garner::crash
