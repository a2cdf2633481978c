#include "backup/attempt.h"

#include <spdlog/spdlog.h>

#include <algorithm>

#include "backup/base_snapshot.h"
#include "backup/lane_count.h"
#include "backup/same_names.h"
#include "backup/settle.h"
#include "backup/snapshot_blobs.h"
#include "backup/staging.h"
#include "base/error.h"
#include "base/file.h"
#include "snapshot/closure.h"
#include "snapshot/node.h"

namespace garner::backup {

namespace {

// Most backups after the first bring less than this, raw: that they take a second longer is nothing to them,
// and what they store makes a repository grow.
constexpr std::uint64_t kThoroughlyCompressed = 64u << 20;

}  // namespace

Attempt::Attempt(const std::vector<RunTarget>& targets, CheckpointStore& checkpoint, BackupOptions options,
                 const Clock& clock, BackupMonitor& monitor, std::stop_token stop)
    : targets_(targets),
      checkpoint_(checkpoint),
      options_(std::move(options)),
      clock_(clock),
      monitor_(monitor),
      stop_(std::move(stop)),
      threads_(lane_count(options_.threads, options_.memory_budget)) {}

// ---- Who is there, and who is fed ----

// One that is not there keeps none of the others. None is: that one may come back is what counts.
void Attempt::look_at_places() {
  places_.resize(targets_.size());
  std::optional<Error> failure;
  bool any = false;
  for (unsigned number = 0; number < targets_.size(); ++number) {
    Place& place = places_[number];
    if (targets_[number].repository == nullptr) continue;
    try {
      // What it begins with may have been looked at by whoever opened it; when something was lost, what was
      // seen then is not enough.
      targets_[number].repository->refresh(options_.content_lost ? std::chrono::seconds(0)
                                                                 : store::kLookToBeginWith);
      place.repository = targets_[number].repository;
      place.state = place.repository->state();
      // A run that was cut off in its commits may have won at some.
      place.made = place.repository->snapshot_of_run(options_.run);
      any = true;
    } catch (const Error& error) {
      if (error.kind() == ErrorKind::kCancelled) throw;
      place.error = error;
      const bool tells_more = failure && error.kind() == ErrorKind::kDestinationAway &&
                              failure->kind() != ErrorKind::kDestinationAway;
      if (!failure || tells_more) failure = error;
    }
  }
  if (any) return;
  if (!failure) throw Error(ErrorKind::kInternal, "a backup run without a destination");
  throw Error(*failure);
}

std::optional<v1::SnapshotEntry> Attempt::made() const {
  const auto found = std::ranges::find_if(places_, [](const Place& place) { return place.made.has_value(); });
  return found == places_.end() ? std::nullopt : found->made;
}

// Those of the checkpoint that can go on.
std::vector<unsigned> Attempt::resumable(const CheckpointHead& head) const {
  std::vector<unsigned> numbers;
  for (const TargetHead& target : head.targets) {
    if (target.left || target.number >= places_.size()) continue;
    const Place& place = places_[target.number];
    if (place.repository != nullptr && !place.made) numbers.push_back(target.number);
  }
  return numbers;
}

// Those that are in step: what is skipped in the walk rests on the base, which each of them lists, or there
// is none at any. Everybody else is given the snapshot when it is made.
void Attempt::choose_fed() {
  base_.reset();
  base_id_.reset();
  fed_.clear();
  std::vector<unsigned> candidates;
  const auto gather = [&](bool also_behind) {
    for (unsigned number = 0; number < places_.size(); ++number) {
      const Place& place = places_[number];
      if (place.repository == nullptr || (targets_[number].behind && !also_behind)) continue;
      if (candidates.empty() || has_same_names(*places_[candidates.front()].repository, *place.repository))
        candidates.push_back(number);
    }
  };
  gather(false);
  if (candidates.empty()) gather(true);
  const v1::SnapshotEntry* best = nullptr;
  for (const unsigned number : candidates) {
    const v1::SnapshotEntry* entry =
        find_base(*places_[number].state, options_.set, options_.host, clock_.now());
    if (entry != nullptr && (best == nullptr || is_better_base(*best, *entry, options_.set, clock_.now())))
      best = entry;
  }
  if (best != nullptr) {
    base_ = best->snapshot();
    base_id_ = crypto::BlobId::from_bytes(as_bytes(best->id()));
  }
  for (const unsigned number : candidates) {
    if (!base_id_ || store::find_snapshot(*places_[number].state, base_id_->view()) != nullptr)
      fed_.push_back(number);
  }
}

// What one of them does not give is read from the source: none of them is needed.
void Attempt::look_at_suppliers() {
  suppliers_.clear();
  // What is to be read is read.
  if (options_.full_scan || options_.content_lost || fed_.empty()) return;
  for (const Supplier& supplier : options_.suppliers) {
    if (!has_same_names(fed(0), *supplier.repository)) continue;
    try {
      supplier.repository->refresh(store::kLookToBeginWith);
      suppliers_.push_back(supplier);
    } catch (const Error& error) {
      if (error.kind() == ErrorKind::kCancelled) throw;
      spdlog::warn("run {}: {} supplies nothing, and the source is read: {}", options_.run.text(),
                   supplier.name, error.what());
    }
  }
}

// A supplier's newest, where that is newer than what all that are fed list.
void Attempt::choose_compared() {
  compared_ = base_;
  is_supplied_ = false;
  look_at_suppliers();
  const TimePoint now = clock_.now();
  std::optional<v1::SnapshotEntry> best;
  // A run that goes on may feed some that have forgotten it.
  for (const unsigned number : fed_) {
    if (!base_id_ || best) break;
    if (const auto* entry = store::find_snapshot(*places_[number].state, base_id_->view())) best = *entry;
  }
  for (const Supplier& supplier : suppliers_) {
    const auto state = supplier.repository->state();
    const v1::SnapshotEntry* entry = find_base(*state, options_.set, options_.host, now);
    if (entry == nullptr || (best && !is_better_base(*best, *entry, options_.set, now))) continue;
    best = *entry;
    compared_ = entry->snapshot();
    is_supplied_ = true;
  }
}

void Attempt::choose_base_of_checkpoint() {
  base_.reset();
  base_id_.reset();
  for (const unsigned number : fed_) {
    for (const crypto::BlobId& id : head_.target(number)->base_snapshots) {
      if (const auto* entry = store::find_snapshot(*places_[number].state, id.view())) {
        base_ = entry->snapshot();
        base_id_ = id;
      }
    }
  }
}

// What a snapshot names says nothing of what is stored if some of it was lost.
bool Attempt::base_lacks_content() const {
  if (!base_id_) return false;
  return std::ranges::any_of(targets_fed_->fed(), [&](unsigned number) {
    const Place& place = places_[number];
    const v1::SnapshotEntry* entry = store::find_snapshot(*place.state, base_id_->view());
    return entry != nullptr && entry->recovered() &&
           !snapshot::Completeness(*place.repository, stop_).is_complete(entry->snapshot());
  });
}

std::vector<store::Repository*> Attempt::fed_repositories() const {
  std::vector<store::Repository*> repositories;
  for (const unsigned number : targets_fed_->fed()) repositories.push_back(places_[number].repository);
  return repositories;
}

// ---- What is here ----

// In which files of this run may be.
std::set<std::string> Attempt::folders() const {
  std::set<std::string> folders;
  if (!options_.spool_folder.empty()) folders.insert(options_.spool_folder);
  for (const Place& place : places_) {
    if (place.repository == nullptr) continue;
    try {
      if (const auto staging = place.repository->destination().staging_folder()) folders.insert(*staging);
    } catch (const Error&) {
      // It is away, and what is there goes another time.
    }
  }
  return folders;
}

void Attempt::remove_strays(const std::vector<store::DurablePack>& known) const {
  for (const std::string& folder : folders()) {
    try {
      backup::remove_strays(folder, options_.run, known);
    } catch (const Error& error) {
      spdlog::warn("run {}: files that it does not need any more stay in {}: {}", options_.run.text(),
                   printable(folder), error.what());
    }
  }
}

store::BlobWriterOptions Attempt::writer_options() const {
  store::BlobWriterOptions options{options_.run, options_.spool_folder, threads_, threads_};
  options.spool_limit = options_.spool_limit;
  if (fed_.size() == 1) {
    // Where packs are made in place nothing waits to be delivered.
    options.staging_folder = staging_folder(fed(0), options_.spool_folder);
    if (fed(0).destination().staging_folder()) options.spool_limit = 0;
  }
  if (options.staging_folder.empty())
    throw Error(ErrorKind::kInternal, "a backup run needs a spool, and is told of none");
  return options;
}

// Those that are fed; null for the others.
std::vector<store::Repository*> Attempt::by_number() const {
  std::vector<store::Repository*> repositories(places_.size());
  for (const unsigned number : fed_) repositories[number] = places_[number].repository;
  return repositories;
}

void Attempt::make_writer(store::BlobWriterOptions options) {
  writer_ = std::make_unique<store::BlobWriter>(by_number(), std::move(options));
}

// Makes the writer, with what an earlier process had durable.
void Attempt::take_up() {
  auto known = checkpoint_.load();
  if (known && resume(std::move(*known))) return;
  begin_anew();
}

bool Attempt::resume(CheckpointHead known) {
  head_ = std::move(known);
  fed_ = resumable(head_);
  if (fed_.empty()) {
    spdlog::info(
        "run {}: none of the destinations that it had begun with is there: it begins anew with others",
        options_.run.text());
    return false;
  }
  make_writer(writer_options());
  store::BlobWriter::Adopted adopted;
  try {
    adopted = writer_->adopt(head_.packs, head_.generations());
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::kNotFound && error.kind() != ErrorKind::kDamaged) throw;
    spdlog::warn("run {}: what it had stored is gone ({}); it begins anew", options_.run.text(),
                 error.what());
    writer_.reset();
    return false;
  }
  std::erase_if(fed_, [&](unsigned number) { return adopted.left.contains(number); });
  resumed_ = true;
  choose_base_of_checkpoint();
  choose_compared();
  begin_delivering(std::move(adopted));
  return true;
}

void Attempt::begin_anew() {
  const RunCounters counters = head_.counters;
  head_ = {};
  head_.scan_start = clock_.now();
  head_.counters = counters;
  resumed_ = false;
  choose_fed();
  choose_compared();
  std::vector<TargetBegin> begun;
  for (const unsigned number : fed_) {
    TargetBegin target{number, base_id_ ? std::vector{*base_id_} : std::vector<crypto::BlobId>{},
                       places_[number].state->generation()};
    head_.targets.push_back({number, false, {}, target.base_snapshots, {}, {}, target.generation});
    begun.push_back(std::move(target));
  }
  checkpoint_.begin(head_.scan_start, begun);
  remove_strays({});
  store::BlobWriterOptions options = writer_options();
  if (base_) options.thorough = kThoroughlyCompressed;
  make_writer(std::move(options));
  begin_delivering({});
}

void Attempt::begin_delivering(store::BlobWriter::Adopted adopted) {
  statistics_ = std::make_unique<Statistics>(monitor_, options_.read_counter_file, head_.counters);
  targets_fed_ = std::make_unique<Targets>(*writer_, *statistics_, options_.spool_limit);
  add_targets(std::move(adopted));
  statistics_->show_targets([this] { return targets_fed_->progress(); });
  checkpointer_ = std::make_unique<Checkpointer>(Checkpointer::Context{
      *writer_, checkpoint_, *statistics_, *targets_fed_, options_.pace, threads_, has_differences_});
  make_earlier();
  targets_fed_->start();
  if (resumed_) {
    // Names what was taken over, so that it can be published, and everything earlier be read.
    checkpointer_->save_adopted();
    if (!head_.snapshot) targets_fed_->wait_until_readable();
    remove_strays(head_.packs);
  }
  set_uncommitted();
}

void Attempt::add_targets(store::BlobWriter::Adopted adopted) {
  // Whether an earlier process has made differences, the checkpoint does not tell. Where nobody has a base,
  // or was supplied, it has not; what it made went to all.
  const bool were_made = resumed_ && std::ranges::any_of(head_.targets, [](const TargetHead& target) {
                           return !target.base_snapshots.empty() || target.counters.supplied_bytes > 0;
                         });
  for (const TargetHead& known : head_.targets) {
    const unsigned number = known.number;
    statistics_->begin_target(number, known.counters);
    if (std::ranges::find(fed_, number) == fed_.end()) {
      const auto lacks = adopted.left.find(number);
      std::string why = "it was away when the run went on";
      if (known.left) why = known.message;
      if (lacks != adopted.left.end()) why = lacks->second;
      if (number < places_.size() && places_[number].made) why.clear();
      targets_fed_->add_left(number, why);
      continue;
    }
    const Place& place = places_[number];
    // One whose log may not say so has none: that another one's may says nothing of it.
    const bool had_differences = were_made && place.repository->may_store_differences();
    targets_fed_->add(Target::Context{number, targets_[number].name, *place.repository, *writer_,
                                      *statistics_, options_.run, options_.pace, known.base_snapshots,
                                      known.names, std::move(adopted.committed[number]),
                                      store::find_root(*place.state, options_.run.view()) != nullptr,
                                      has_differences_, had_differences, options_.during_commit});
  }
}

// From the one that answers soonest: in this machine's file system first.
void Attempt::make_earlier() {
  std::vector<store::Repository*> repositories = fed_repositories();
  if (is_supplied_) {
    for (const Supplier& supplier : suppliers_) repositories.push_back(supplier.repository);
  }
  if (repositories.size() == 1) {
    earlier_ = repositories.front();
    return;
  }
  std::ranges::stable_partition(repositories,
                                [](store::Repository* repository) { return is_near(*repository); });
  // Whoever has left may be away, or slow.
  union_ = std::make_unique<store::UnionSource>(
      std::move(repositories), [this](const store::Repository& repository) {
        for (unsigned number = 0; number < places_.size(); ++number) {
          if (places_[number].repository == &repository) return !store::has_target(writer_->live(), number);
        }
        return false;
      });
  earlier_ = union_.get();
}

void Attempt::set_uncommitted() {
  for (const unsigned number : fed_) places_[number].repository->set_uncommitted(writer_->published(number));
}

// ---- The snapshot ----

std::optional<BackupResult> Attempt::make() {
  look_at_places();
  std::optional<v1::Snapshot> decided;
  if (const auto entry = made()) {
    decided = entry->snapshot();
    auto known = checkpoint_.load();
    BackupProgress progress;
    if (known) progress.counters = known->counters;
    // The others are given what is here for them, if it is; otherwise what they lack, by whoever has it.
    const bool goes_on = known && known->snapshot && !resumable(*known).empty() && resume(std::move(*known));
    if (!goes_on) return result_of(*decided, std::move(progress));
  } else {
    take_up();
    decided = head_.snapshot;
    if (!decided && !is_supplied_ && base_lacks_content()) {
      spdlog::info("run {}: the snapshot that it compares with lacks content; it reads everything",
                   options_.run.text());
      options_.full_scan = options_.content_lost = true;
    }
  }
  if (!decided) {
    try {
      decided = walk_source();
    } catch (const EarlierTreeLost& lost) {
      spdlog::info("run {}: a tree of the snapshot that it compares with was removed meanwhile: {}",
                   options_.run.text(), lost.why);
      return std::nullopt;
    }
    put_snapshot_blobs(*writer_, *targets_fed_, by_number(), *decided);
  }
  statistics_->stage("committing");
  if (!commit(*decided) && !made()) return std::nullopt;
  return result_of(*decided, statistics_->progress());
}

v1::Snapshot Attempt::walk_source() {
  if (compared_) statistics_->expect(compared_->totals().files(), compared_->totals().bytes());
  try {
    if (is_supplied_) {
      supply_ = std::make_unique<Supply>(Supply::Context{suppliers_, fed_repositories(), *earlier_, *writer_,
                                                         *checkpointer_, *statistics_, threads_, stop_},
                                         *compared_, base_ ? &*base_ : nullptr);
    }
    walk();
  } catch (...) {
    // It goes on with what is here: when a destination is there again, or without the supplier.
    if (targets_fed_->failure() || supply_) save_what_was_read();
    throw;
  }
  if (stop_.stop_requested()) {
    checkpointer_->save_now();
    throw Error(ErrorKind::kCancelled, "the run was stopped");
  }
  return *result_;
}

// What is here need not be read again.
void Attempt::save_what_was_read() {
  try {
    checkpointer_->save_now();
  } catch (const Error& error) {
    spdlog::warn("run {}: what it read last is not recorded: {}", options_.run.text(), error.what());
  }
}

// False when the snapshot lacks content that only the source can supply.
bool Attempt::commit(const v1::Snapshot& snapshot) {
  checkpointer_->save_last(snapshot);
  store::CommitPlan plan;
  plan.snapshot = snapshot;
  targets_fed_->finish(plan);
  while (const auto refused = targets_fed_->wait()) {
    try {
      if (settle_one(*refused, snapshot)) continue;
    } catch (const Error& error) {
      if (error.kind() == ErrorKind::kCancelled || !targets_fed_->give_up(*refused, error.what())) throw;
      continue;
    }
    const std::string what =
        "it lacks content that the snapshot rests on: it is given the snapshot by others";
    if (!targets_fed_->give_up(*refused, what)) return false;
  }
  return true;
}

// False when the snapshot lacks content there that nobody here can supply.
bool Attempt::settle_one(unsigned number, const v1::Snapshot& snapshot) {
  const store::CommitOutcome outcome = targets_fed_->outcome(number);
  spdlog::info(
      "run {}: {} packs and {} snapshots that it relied on at {} were removed meanwhile; looking for what is "
      "lost",
      options_.run.text(), outcome.lost_names.size(), outcome.lost_snapshots.size(), targets_[number].name);
  give_up_own(number, outcome.lost_names);
  std::vector<store::BlobSource*> others;
  for (const unsigned other : targets_fed_->fed()) {
    if (other != number) others.push_back(places_[other].repository);
  }
  for (const Supplier& supplier : suppliers_) others.push_back(supplier.repository);
  auto settled = settle(*places_[number].repository, number, *writer_, snapshot, others);
  if (!settled) return false;
  checkpointer_->save_last(snapshot);
  store::CommitPlan plan;
  plan.snapshot = snapshot;
  plan.names = std::move(*settled);
  targets_fed_->finish_again(number, std::move(plan));
  return true;
}

// Own packs that were taken for orphans while the run slept: what they hold counts as not stored, and is read
// from them while they are there. A commit that went on naming them would be refused for ever.
void Attempt::give_up_own(unsigned number, const std::set<store::ObjectName>& lost) {
  std::vector<store::FinishedPack> own = writer_->published(number);
  std::erase_if(own, [&](const store::FinishedPack& pack) { return !lost.contains(pack.name); });
  writer_->forget(own, number);
}

BackupResult Attempt::result_of(const v1::Snapshot& snapshot, BackupProgress progress) {
  BackupResult result;
  const auto there =
      std::ranges::find_if(places_, [](const Place& place) { return place.repository != nullptr; });
  result.snapshot =
      there->repository->hasher().id(crypto::BlobKind::kSnapshot, as_bytes(snapshot::serialize(snapshot)));
  if (!result_) show_made(snapshot, progress);
  progress.current.clear();
  progress.targets.resize(places_.size());
  for (unsigned number = 0; number < places_.size(); ++number) {
    const Place& place = places_[number];
    TargetProgress& target = progress.targets[number];
    // Its commit was refused for the last time.
    if (target.state == TargetState::kFed) target.state = TargetState::kBehind;
    if (place.made) {
      target.state = TargetState::kDone;
      target.error.clear();
    }
    if (!place.error) continue;
    target.state = TargetState::kFailed;
    target.error = place.error->what();
    target.kind = place.error->kind();
  }
  result.targets = progress.targets;
  if (supply_) result.suppliers = supply_->gave();
  result.progress = std::move(progress);
  if (options_.when_made) options_.when_made(result);
  checkpoint_.forget();
  // All packs are where they are to be. What a crash left of them is a second name, or what was torn.
  remove_strays({});
  return result;
}

// Of a run whose walk an earlier process has made.
void Attempt::show_made(const v1::Snapshot& snapshot, BackupProgress& progress) {
  progress.counters.read_bytes = snapshot.read_bytes();
  progress.counters.new_bytes = snapshot.new_bytes();
  progress.files = progress.done_files = snapshot.totals().files();
  progress.source_bytes = progress.done_bytes = snapshot.totals().bytes();
  progress.error_count = snapshot.error_count();
}

}  // namespace garner::backup
