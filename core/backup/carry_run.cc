#include "backup/carry_run.h"

#include <algorithm>
#include <atomic>
#include <optional>
#include <utility>

#include <spdlog/spdlog.h>

#include "backup/lane_count.h"
#include "backup/snapshot_blobs.h"
#include "backup/staging.h"
#include "base/error.h"
#include "base/file.h"
#include "base/stop_scope.h"
#include "snapshot/closure.h"

namespace garner::backup {

namespace {

// How often what was relied on may be removed at the target meanwhile.
constexpr int kMostAttempts = 4;
constexpr std::size_t kMostNamed = 3;  // of lost files, in a message

Error nobody_has(const std::vector<LostContent>& lost, const std::vector<Supplier>& suppliers) {
  std::string files;
  for (std::size_t i = 0; i < std::min(lost.size(), kMostNamed); ++i)
    files += (i == 0 ? "" : ", ") + printable(lost[i].path);
  if (lost.size() > kMostNamed) files += " and " + std::to_string(lost.size() - kMostNamed) + " more";
  std::string names;
  for (const Supplier& supplier : suppliers) names += (names.empty() ? "" : ", ") + supplier.name;
  return Error(ErrorKind::kDamaged, "content of " + files + " can be had from none of: " + names + " (" +
                                        lost.front().error +
                                        "); `garner repair --destination` may get it back from elsewhere");
}

// By the name of a staging file.
std::optional<Uuid> run_of(const std::string& name) {
  constexpr std::size_t kUuidText = 36;
  if (name.size() <= kUuidText || name[kUuidText] != '-') return std::nullopt;
  try {
    return Uuid::parse(name.substr(0, kUuidText));
  } catch (const Error&) {
    return std::nullopt;
  }
}

class CarryRun {
 public:
  CarryRun(store::Repository& target, const v1::SnapshotEntry& entry, const std::vector<Supplier>& suppliers,
           CheckpointStore& checkpoint, const FillOptions& options, const Clock& clock,
           BackupMonitor& monitor, CarryWay& way, std::stop_token stop)
      : target_(target),
        entry_(entry),
        suppliers_(suppliers),
        checkpoint_(checkpoint),
        options_(options),
        clock_(clock),
        monitor_(monitor),
        way_(way),
        stop_(std::move(stop)),
        threads_(lane_count(options.threads, options.memory_budget)),
        staging_(staging_folder(target, options.spool_folder)) {}

  FilledTarget run() {
    target_.refresh();
    if (const auto id = listed()) {
      heals_ = lacks_content(*id);
      if (!heals_) return found_there(*id);
    }
    take_up_checkpoint();
    for (int attempt = 1; attempt <= kMostAttempts; ++attempt) {
      // The base is chosen anew: what the target has forgotten meanwhile says nothing of what is there.
      if (const auto id = try_once()) return done(*id, statistics_->counters_of(options_.number));
      target_.refresh();
    }
    throw Error(ErrorKind::kConflict, "what the snapshot needs at " + target_.destination().describe() +
                                          " is removed there again and again meanwhile");
  }

 private:
  // The snapshot's id, if the target has it.
  std::optional<crypto::BlobId> listed() const {
    const auto state = target_.state();
    if (store::find_snapshot(*state, as_bytes(entry_.id())) != nullptr)
      return crypto::BlobId::from_bytes(as_bytes(entry_.id()));
    const Uuid run = Uuid::from_bytes(as_bytes(entry_.snapshot().run()));
    if (const auto known = target_.snapshot_of_run(run))
      return crypto::BlobId::from_bytes(as_bytes(known->id()));
    return std::nullopt;
  }

  // A repair has marked it there, for something of it is lost, and nobody has stored that again since.
  // Whether what it lacks is what is carried is known of one with the same id.
  bool lacks_content(const crypto::BlobId& id) const {
    const auto state = target_.state();
    const v1::SnapshotEntry* known = store::find_snapshot(*state, id.view());
    return known != nullptr && known->id() == entry_.id() && known->recovered() && !entry_.recovered() &&
           !snapshot::Completeness(target_, stop_).is_complete(known->snapshot());
  }

  // Of a fill that another one has overtaken, or that was cut off after its commit.
  FilledTarget found_there(const crypto::BlobId& id) {
    const auto known = own_checkpoint();
    remove_strays(staging_, options_.run, {});
    store::CommitPlan plan;
    plan.remove_roots = roots_to_remove();
    if (has_root()) plan.remove_roots.push_back(options_.run);
    if (!plan.remove_roots.empty()) target_.commit(plan);
    return done(id, known ? known->target(options_.number)->counters : options_.before);
  }

  bool has_root() const { return store::find_root(*target_.state(), options_.run.view()) != nullptr; }

  // Those that earlier runs of this machine have left: of a fill that had to give up. This run's is the
  // commit's.
  std::vector<Uuid> roots_to_remove() const {
    std::vector<Uuid> runs;
    if (!options_.is_over) return runs;
    const auto state = target_.state();
    for (const v1::UnfinishedRoot& root : state->roots()) {
      if (root.writer() != as_text(target_.writer().uuid().view())) continue;
      const Uuid run = Uuid::from_bytes(as_bytes(root.run()));
      if (run != options_.run && options_.is_over(run)) runs.push_back(run);
    }
    return runs;
  }

  // Of the same runs, what they were about to publish.
  void remove_leftovers() const {
    if (!options_.is_over) return;
    for (const std::string& name : list_names(staging_)) {
      const auto run = run_of(name);
      if (run && options_.is_over(*run)) remove_file(staging_ + "/" + name);
    }
  }

  FilledTarget done(const crypto::BlobId& id, const TargetCounters& counters) {
    checkpoint_.forget();
    FilledTarget filled;
    filled.snapshot = id;
    filled.counters = counters;
    filled.suppliers.assign(gave_.begin(), gave_.end());
    return filled;
  }

  std::optional<CheckpointHead> own_checkpoint() {
    auto known = checkpoint_.load();
    if (!known || known->targets.size() != 1 || known->target(options_.number) == nullptr)
      return std::nullopt;
    return known;
  }

  // Makes the writer, with what an earlier process had durable.
  void take_up_checkpoint() {
    if (auto known = own_checkpoint()) {
      make_writer();
      try {
        committed_ = std::move(writer_->adopt(known->packs, known->generations()).committed[options_.number]);
        head_ = std::move(*known);
      } catch (const Error& error) {
        if (error.kind() != ErrorKind::kNotFound && error.kind() != ErrorKind::kDamaged) throw;
        spdlog::warn("run {}: what it had carried is gone ({}); it begins anew", options_.run.text(),
                     error.what());
        writer_.reset();
      }
    }
    if (!writer_) {
      const std::uint64_t generation = target_.state()->generation();
      checkpoint_.begin(clock_.now(), {{options_.number, {}, generation}});
      head_.targets = {{options_.number, false, {}, {}, {}, options_.before, generation}};
      make_writer();
    }
    remove_strays(staging_, options_.run, head_.packs);
    remove_leftovers();
    // What an earlier process has carried may hold differences; the checkpoint does not tell.
    has_differences_ =
        !head_.packs.empty() && target_.may_store_differences() && way_.may_carry_differences();
    statistics_ = std::make_unique<Statistics>(monitor_, "", head_.counters);
    statistics_->begin_target(options_.number, head_.target(options_.number)->counters);
  }

  void make_writer() {
    store::BlobWriterOptions options{options_.run, staging_, threads_, threads_};
    // Where packs are made in place nothing waits to be delivered.
    if (!target_.destination().staging_folder()) options.spool_limit = options_.spool_limit;
    writer_ = std::make_unique<store::BlobWriter>(by_number(), options);
  }

  std::vector<store::Repository*> by_number() const {
    std::vector<store::Repository*> repositories(options_.number + 1);
    repositories[options_.number] = &target_;
    return repositories;
  }

  // The threads that publish, commit and save; anew for each base.
  void begin_delivering(const std::vector<crypto::BlobId>& bases) {
    checkpointer_.reset();
    targets_.reset();
    targets_ = std::make_unique<Targets>(*writer_, *statistics_, options_.spool_limit);
    targets_->add(Target::Context{options_.number, target_.destination().describe(), target_, *writer_,
                                  *statistics_, options_.run, options_.pace, bases,
                                  /*names=*/{}, std::exchange(committed_, {}), has_root(), has_differences_,
                                  /*had_differences=*/false, options_.during_commit});
    statistics_->show_targets([this] { return targets_->progress(); });
    checkpointer_ = std::make_unique<Checkpointer>(Checkpointer::Context{
        *writer_, checkpoint_, *statistics_, *targets_, options_.pace, threads_, has_differences_});
    targets_->start();
    if (!head_.packs.empty()) checkpointer_->save_adopted();
    target_.set_uncommitted(writer_->published(options_.number));
    checkpointer_->start([] {});
  }

  // Nothing when something that was relied on is gone at the target.
  std::optional<crypto::BlobId> try_once() {
    const auto state = target_.state();
    // What is listed there says nothing of what is stored.
    const v1::SnapshotEntry* owned = heals_ ? nullptr : way_.find_owned(*state);
    std::vector<crypto::BlobId> bases;
    if (owned != nullptr) bases.push_back(crypto::BlobId::from_bytes(as_bytes(owned->id())));
    begin_delivering(bases);
    const CarriedSnapshot carried = carry(owned);
    const v1::SnapshotEntry& entry = carried.entry;
    gave_.insert(carried.suppliers.begin(), carried.suppliers.end());
    if (!carried.lost.empty()) {
      checkpointer_->save_now();
      throw nobody_has(carried.lost, suppliers_);
    }
    statistics_->stage("committing");
    put_snapshot_blobs(*writer_, *targets_, by_number(), entry.snapshot());
    checkpointer_->save_last(entry.snapshot());
    store::CommitPlan plan;
    if (entry.recovered()) {
      plan.recovered_snapshots = {entry};
    } else if (!heals_) {
      plan.snapshot = entry.snapshot();
    }
    plan.remove_roots = roots_to_remove();
    plan.names = carried.names;
    targets_->finish(plan);
    const bool refused = targets_->wait().has_value();
    const store::CommitOutcome outcome = targets_->outcome(options_.number);
    if (!refused)
      return outcome.snapshot_id ? *outcome.snapshot_id : crypto::BlobId::from_bytes(as_bytes(entry.id()));
    spdlog::info("run {}: {} packs and {} snapshots that it relied on were removed meanwhile; it looks again",
                 options_.run.text(), outcome.lost_names.size(), outcome.lost_snapshots.size());
    give_up_own(outcome.lost_names);
    return std::nullopt;
  }

  CarriedSnapshot carry(const v1::SnapshotEntry* owned) {
    statistics_->stage("comparing");
    try {
      return way_.carry(
          {target_, options_.number, *writer_, *checkpointer_, *statistics_, suppliers_, threads_, stop_},
          owned);
    } catch (const Error& error) {
      if (error.kind() == ErrorKind::kCancelled && stop_.stop_requested()) {
        checkpointer_->save_now();
        throw Error(ErrorKind::kCancelled, "the run was stopped");
      }
      if (targets_->failure()) save_what_was_carried();
      throw;
    }
  }

  // The target is gone. What is here need not be carried again when it is there once more.
  void save_what_was_carried() {
    try {
      checkpointer_->save_now();
    } catch (const Error& error) {
      spdlog::warn("run {}: what it carried last is not recorded: {}", options_.run.text(), error.what());
    }
  }

  // Own packs that were taken for orphans: what they hold counts as not stored.
  void give_up_own(const std::set<store::ObjectName>& lost) {
    std::vector<store::FinishedPack> own = writer_->published(options_.number);
    std::erase_if(own, [&](const store::FinishedPack& pack) { return !lost.contains(pack.name); });
    writer_->forget(own, options_.number);
  }

  store::Repository& target_;
  const v1::SnapshotEntry& entry_;
  const std::vector<Supplier>& suppliers_;
  CheckpointStore& checkpoint_;
  const FillOptions& options_;
  const Clock& clock_;
  BackupMonitor& monitor_;
  CarryWay& way_;
  const std::stop_token stop_;
  const unsigned threads_;
  const std::string staging_;
  CheckpointHead head_;
  std::vector<Uuid> committed_;  // packs that the checkpoint is to forget
  std::set<std::string> gave_;
  std::atomic<bool> has_differences_ = false;
  bool heals_ = false;  // the target lists the snapshot, and lacks some of it
  std::unique_ptr<store::BlobWriter> writer_;
  std::unique_ptr<Statistics> statistics_;
  std::unique_ptr<Targets> targets_;
  std::unique_ptr<Checkpointer> checkpointer_;  // listens to them: goes first
};

}  // namespace

FilledTarget run_carry(store::Repository& target, const v1::SnapshotEntry& entry,
                       const std::vector<Supplier>& suppliers, CheckpointStore& checkpoint,
                       const FillOptions& options, const Clock& clock, BackupMonitor& monitor, CarryWay& way,
                       std::stop_token stop) {
  const StopScope scope(stop);
  try {
    return CarryRun(target, entry, suppliers, checkpoint, options, clock, monitor, way, stop).run();
  } catch (const Error& error) {
    if (tells_of_place(error) || is_there(target)) throw;
    throw went_away(target, error);
  }
}

}  // namespace garner::backup
