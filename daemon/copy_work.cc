// Runs that give a destination a snapshot which others have.
#include <spdlog/spdlog.h>

#include <algorithm>

#include "backup/fill_run.h"
#include "backup/rename_run.h"
#include "base/error.h"
#include "destination_runs.h"
#include "run_work.h"
#include "sleep_inhibitor.h"
#include "snapshot/age.h"
#include "snapshot/node.h"

namespace garner::daemon {

namespace {

using store::v1::SnapshotEntry;

// The set's newest that is not a recovered one.
std::optional<SnapshotEntry> newest_of(const store::Repository& repository, const std::string& set,
                                       TimePoint now) {
  std::optional<SnapshotEntry> newest;
  const auto state = repository.state();
  for (const SnapshotEntry& entry : state->snapshots()) {
    if (entry.snapshot().set().uuid() != set || entry.recovered()) continue;
    const bool is_newer =
        !newest || !snapshot::is_older(snapshot::from_proto(entry.snapshot().finished()),
                                       snapshot::from_proto(newest->snapshot().finished()), now);
    if (is_newer) newest = entry;
  }
  return newest;
}

}  // namespace

void RunWork::copy(ActiveRun& run, const std::stop_token& stop) {
  if (run.request().by_itself && !is_wanted(run.request())) return drop(run);
  const Opened target{run.request().destinations.front(),
                      destinations_.open(run.request().destinations.front())};
  const Found found = find_wanted(run, target);
  const store::v1::Snapshot& snapshot = found.entry.snapshot();
  run.update([&](v1::Run& report) {
    report.set_snapshot_id(to_hex(as_bytes(found.entry.id())));
    report.set_files(snapshot.totals().files());
    report.set_source_bytes(snapshot.totals().bytes());
  });
  const SnapshotEntry given =
      fill(run, target, found.entry, found.suppliers, *catalog_.checkpoint(run.number()), stop);
  note_done(run, target.name, given, found.is_newest);
  remove_spooled(run);
}

// Whether the set still has the destination that it was behind with.
bool RunWork::is_wanted(const StoredRequest& request) {
  const std::optional<catalog::BackupSet> set = catalog_.configuration().set(request.set.name());
  return set && set->definition.uuid() == request.set.uuid() &&
         std::ranges::find(set->destinations, request.destinations.front()) != set->destinations.end();
}

// Before the destination is asked for: it may be away for good. The set's rules for forgetting are none of
// its concern any more.
void RunWork::drop(ActiveRun& run) {
  const std::string& destination = run.request().destinations.front();
  spdlog::info("run {}: set {} has no destination {} any more", run.number(), run.row().set, destination);
  run.update([&](v1::Run& report) {
    v1::DestinationRun& part = part_of(report, destination);
    part.set_state(v1::DESTINATION_RUN_STATE_BEHIND);
    part.set_error("the set does not have it any more");
  });
  try {
    abandon(run);
  } catch (const Error& error) {
    spdlog::info("run {}: what it left at {} stays there until the next prune: {}", run.number(), destination,
                 error.what());
  }
}

RunWork::Found RunWork::find_wanted(const ActiveRun& run, const Opened& target) {
  const StoredRequest& request = run.request();
  const TimePoint now = destinations_.context().clock.now();
  const std::string& wanted = request.copy.snapshot();
  const std::optional<catalog::BackupSet> set = catalog_.configuration().set(request.set.name());
  std::vector<Opened> others;
  std::string trouble;
  for (const catalog::DestinationFacts& facts : destinations_.nearest_first()) {
    if (facts.name == target.name) continue;
    // One that was behind is given what its set's others have: nobody else is asked.
    if (wanted.empty() && set && std::ranges::find(set->destinations, facts.name) == set->destinations.end())
      continue;
    try {
      others.push_back({facts.name, destinations_.open(facts.name)});
    } catch (const Error& error) {
      if (error.kind() == ErrorKind::kCancelled) throw;
      trouble += std::string(trouble.empty() ? "" : "; ") + error.what();
    }
  }
  // Of one run's, which is of one time, the one comes first that need not be named again.
  std::ranges::stable_partition(others, [&](const Opened& other) {
    return backup::has_same_names(*target.repository, *other.repository);
  });
  std::optional<SnapshotEntry> chosen;
  const auto consider = [&](const store::Repository& repository) {
    std::optional<SnapshotEntry> one;
    if (wanted.empty()) {
      one = newest_of(repository, request.set.uuid(), now);
    } else {
      const auto id = crypto::BlobId::from_bytes(from_hex(wanted));
      const auto state = repository.state();
      if (const SnapshotEntry* entry = store::find_snapshot(*state, id.view())) one = *entry;
    }
    if (!one) return;
    // Where one has lost something of it, what the others list is what it is to be given.
    if (chosen && chosen->id() == one->id()) {
      if (!one->recovered()) chosen = std::move(one);
      return;
    }
    const bool is_newer =
        !chosen || snapshot::is_older(snapshot::from_proto(chosen->snapshot().finished()),
                                      snapshot::from_proto(one->snapshot().finished()), now);
    if (is_newer) chosen = std::move(one);
  };
  consider(*target.repository);
  for (const Opened& other : others) consider(*other.repository);
  const std::string shown =
      wanted.empty() ? "snapshot of " + request.set.name() : "snapshot " + wanted.substr(0, 8);
  if (!chosen && trouble.empty()) throw Error(ErrorKind::kNotFound, "there is no " + shown + " any more");
  if (!chosen)
    throw Error(ErrorKind::kDestinationAway, shown + " is at no destination that is there: " + trouble);
  // It has what those have that are there, and is behind one that is not.
  const auto own = target.repository->state();
  const bool has_it = store::find_snapshot(*own, as_bytes(chosen->id())) != nullptr;
  if (wanted.empty() && has_it && !trouble.empty() && !is_newest_known(request.set.name(), *chosen)) {
    throw Error(ErrorKind::kDestinationAway,
                "the newest " + shown + " is at no destination that is there: " + trouble);
  }
  Found found{*chosen, {}};
  // All of the set's were asked: what this machine remembers of a newer one has been forgotten since.
  found.is_newest = wanted.empty() && set && trouble.empty();
  for (Opened& other : others) {
    const auto state = other.repository->state();
    if (store::find_snapshot(*state, as_bytes(chosen->id())) != nullptr)
      found.suppliers.push_back(std::move(other));
  }
  return found;
}

SnapshotEntry RunWork::fill(ActiveRun& run, const Opened& target, const SnapshotEntry& entry,
                            const std::vector<Opened>& suppliers, backup::CheckpointStore& checkpoint,
                            const std::stop_token& stop) {
  std::vector<backup::Supplier> same_names;
  std::vector<backup::Supplier> other_names;
  for (const Opened& one : suppliers) {
    const bool same = backup::has_same_names(*target.repository, *one.repository);
    (same ? same_names : other_names).push_back({one.name, one.repository.get()});
  }
  const bool renames = same_names.empty() && !other_names.empty();
  backup::FillOptions options;
  options.run = run.uuid();
  options.number = target.number;
  options.spool_folder = spool();
  options.spool_limit = spool_limit();
  options.threads = settings_.threads;
  options.memory_budget = settings_.memory_budget;
  options.during_commit = [] { return inhibit_sleep("A snapshot is being committed"); };
  options.is_over = [this](const Uuid& other) { return catalog_.runs().is_over(other); };
  run.update([&](v1::Run& report) {
    v1::DestinationRun& part = part_of(report, target.name);
    part.set_state(v1::DESTINATION_RUN_STATE_FILLING);
    part.clear_error();
    if (renames) part.set_renamed(true);
    options.before = counters_of(part);
  });
  FillRunMonitor monitor(run, target.name);
  const auto& give = renames ? backup::run_rename : backup::run_fill;
  const backup::FilledTarget filled = give(*target.repository, entry, renames ? other_names : same_names,
                                           checkpoint, options, destinations_.context().clock, monitor, stop);
  run.update([&](v1::Run& report) {
    v1::DestinationRun& part = part_of(report, target.name);
    part.set_new_bytes(filled.counters.new_bytes);
    part.set_stored_bytes(filled.counters.stored_bytes);
    part.set_supplied_bytes(filled.counters.supplied_bytes);
    add_suppliers(part, filled.suppliers);
    add_up(report);
  });
  SnapshotEntry given = entry;
  given.set_id(std::string(as_text(filled.snapshot.view())));
  return given;
}

// Whether this machine knows of none of the set's that is newer.
bool RunWork::is_newest_known(const std::string& set, const SnapshotEntry& entry) {
  const crypto::BlobId id = crypto::BlobId::from_bytes(as_bytes(entry.id()));
  const TimePoint made = snapshot::from_proto(entry.snapshot().finished());
  const TimePoint now = destinations_.context().clock.now();
  for (const auto& [destination, state] : catalog_.set_destinations().find(set)) {
    if (!state.last_done || state.last_snapshot == id) continue;
    if (snapshot::is_older(made, *state.last_done, now)) return false;
  }
  return true;
}

void RunWork::note_done(ActiveRun& run, const std::string& destination, const SnapshotEntry& entry,
                        bool is_newest) {
  const crypto::BlobId id = crypto::BlobId::from_bytes(as_bytes(entry.id()));
  run.update([&](v1::Run& report) {
    v1::DestinationRun& part = part_of(report, destination);
    part.set_state(v1::DESTINATION_RUN_STATE_DONE);
    part.set_snapshot_id(id.hex());
    part.clear_error();
  });
  if (entry.recovered()) return;
  const TimePoint made = snapshot::from_proto(entry.snapshot().finished());
  for (const catalog::BackupSet& set : catalog_.configuration().sets()) {
    if (set.definition.uuid() != entry.snapshot().set().uuid()) continue;
    if (std::ranges::find(set.destinations, destination) == set.destinations.end()) continue;
    const std::string& name = set.definition.name();
    // A copy of an older one does not make it what is newest.
    if (is_newest || is_newest_known(name, entry))
      catalog_.set_destinations().mark_done(name, destination, id, made);
  }
}

}  // namespace garner::daemon
