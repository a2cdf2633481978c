// Runs that back up.
//
//   open what is there → feed all that are in step from one read → fill the others from one that has it
//
// A destination that is away or refused is left out. The snapshot is made once (backup_run.h), and is from
// then on what it is: those that were not fed, or have left the feed, are given it byte for byte, or
// named again where their chunks have other sizes, and the source is not read again, whatever happens to
// them. As soon as one has it, and while the backup's checkpoint is still there, those that lack it are noted
// as behind, durably, and then the snapshot in the run's report; with that, and with nothing else, the run
// goes on to fill. A destination is behind no more when it has the snapshot. So whatever ends the run, a copy
// follows.
//
//   killed while they are fed        the run goes on with its checkpoint, at those that are there of them
//   killed between the first         the checkpoint has the snapshot, or a destination that is there lists
//   record and the report            it: the run goes on with that; both notes are made again
//   killed after the report          the backup's checkpoint, if it is still there, is the run's no more: a
//                                    fill begins its own in its place
//   killed while one is filled       the report has the snapshot; the checkpoint is that fill's, which comes
//                                    first
//   one goes away or is full         the others go on; it stays behind
//   those that have the snapshot     the run ends: the others are behind
//   go away before the fills
//   all that are fed go away         the run pauses, and goes on when one of them is there
//   others wait while one is         the run ends: those that lack the snapshot are behind. A copy is added
//   filled                           (run_queue.h), and the set's next backups leave them to it, so that what
//                                    is carried to one that takes days is carried once
//
// What the last has left under its root stays until the copy has committed the snapshot (carry_run.h).
#include <spdlog/spdlog.h>

#include <algorithm>

#include "backup/backup_run.h"
#include "backup/staging.h"
#include "base/error.h"
#include "copy_request.h"
#include "destination_runs.h"
#include "last_copy.h"
#include "run_hooks.h"
#include "run_work.h"
#include "schedule/instant.h"
#include "schedule_edit.h"
#include "sleep_inhibitor.h"
#include "supply_rule.h"

namespace garner::daemon {

namespace {

constexpr const char* kIsToBeGiven = "it is to be given the snapshot by another destination";
constexpr const char* kNobodyIsThere = "the destinations that have the snapshot went away";
constexpr const char* kHasMadeWay = "other runs had to go on: a copy gives it the snapshot";

std::vector<backup::CommandSource> command_sources(const ActiveRun& run) {
  const catalog::SetCommands& commands = run.request().commands;
  std::vector<backup::CommandSource> sources;
  for (const auto& source : commands.sources) {
    sources.push_back(
        {source.name,
         {source.command.text, source.command.user, hook_variables(run, "command"), commands.source_limit}});
  }
  return sources;
}

}  // namespace

void RunWork::back_up(ActiveRun& run, const std::stop_token& stop) {
  RunLog log(catalog_.run_log(), run.number(), destinations_.context().clock);
  RunHooks hooks(run, catalog_, log, [this] { return shutting_down_.load(); });
  // It may be what makes a destination be there.
  hooks.before(stop);
  const std::vector<Opened> places = open_places(run);
  const auto checkpoint = catalog_.checkpoint(run.number());
  if (run.message().snapshot_id().empty()) feed(run, places, *checkpoint, log, stop);
  const std::optional<store::v1::SnapshotEntry> made = find_made(run, places);
  if (made) run.count_errors(made->snapshot().error_count());
  // Now, not when all have the snapshot: that may take days, and the source is not needed for it.
  const std::string trouble = hooks.after(stop);
  if (!trouble.empty()) {
    BackupRunMonitor(run, catalog_.runs(), log).error({"after", "the command after the backup " + trouble});
    run.update([](v1::Run& report) { report.set_incomplete(true); });
  }
  if (made) {
    fill_others(run, places, *made, *checkpoint, stop);
  } else {
    for (const Opened& one : places) {
      if (one.repository && !is_done(run.message(), one.name)) note_behind(run, one.name, kNobodyIsThere);
    }
  }
  const bool has_errors = run.error_count() > 0;
  run.update([&](v1::Run& report) {
    report.set_incomplete(report.incomplete() || has_errors || !all_done(report));
  });
  checkpoint->forget();
  remove_spooled(run);
  for (const Opened& one : places) {
    if (one.repository) remove_staged(run, *one.repository);
  }
}

// Of all destinations, by number; one that is not there has no repository. If none is there, and the snapshot
// is still to be made, the error that tells most.
std::vector<RunWork::Opened> RunWork::open_places(ActiveRun& run) {
  const bool is_made = !run.message().snapshot_id().empty();
  std::vector<Opened> places;
  std::optional<Error> failure;
  bool any = false;
  for (const std::string& name : run.request().destinations) {
    places.push_back({name, nullptr, static_cast<unsigned>(places.size())});
    Opened& place = places.back();
    try {
      place.repository = destinations_.open(name);
      any = true;
      run.update([&](v1::Run& report) {
        v1::DestinationRun& part = part_of(report, name);
        if (part.state() == v1::DESTINATION_RUN_STATE_DONE) return;
        part.clear_error();
        part.set_state(v1::DESTINATION_RUN_STATE_WAITING);
      });
    } catch (const Error& error) {
      if (error.kind() == ErrorKind::kCancelled) throw;
      // If none is there, that one may come back is what counts.
      const bool tells_more = error.kind() == ErrorKind::kDestinationAway && failure &&
                              failure->kind() != ErrorKind::kDestinationAway;
      if (!failure || tells_more) failure = error;
      leave_behind(run, name, error.what());
    }
  }
  if (!any && !is_made) throw Error(*failure);
  return places;
}

// Those that may give what need not be read, the nearest first, by what the set says now. One that is not
// there is left out: the source has what it would give.
std::vector<RunWork::Opened> RunWork::open_suppliers(const ActiveRun& run) {
  const StoredRequest& request = run.request();
  std::vector<Opened> suppliers;
  const std::optional<catalog::BackupSet> set = catalog_.configuration().set(request.set.name());
  if (!set || set->definition.uuid() != request.set.uuid()) return suppliers;
  const std::vector<std::string> names = suppliers_of(*set, request.destinations);
  for (const catalog::DestinationFacts& facts : destinations_.nearest_first()) {
    if (std::ranges::find(names, facts.name) == names.end()) continue;
    try {
      suppliers.push_back({facts.name, destinations_.open(facts.name)});
    } catch (const Error& error) {
      if (error.kind() == ErrorKind::kCancelled) throw;
      spdlog::info("run {}: the source is read, for {} can supply nothing: {}", run.number(), facts.name,
                   error.what());
    }
  }
  return suppliers;
}

void RunWork::feed(ActiveRun& run, const std::vector<Opened>& places, backup::CheckpointStore& checkpoint,
                   RunLog& log, const std::stop_token& stop) {
  const StoredRequest& request = run.request();
  const auto states = catalog_.set_destinations().find(run.row().set);
  std::vector<backup::RunTarget> targets;
  for (const Opened& one : places) {
    const auto known = states.find(one.name);
    const bool behind = known != states.end() && known->second.behind_since.has_value();
    targets.push_back({one.name, one.repository.get(), behind});
  }
  BackupRunMonitor monitor(run, catalog_.runs(), log);
  backup::BackupOptions options;
  options.run = run.uuid();
  options.set = request.set;
  options.commands = command_sources(run);
  options.full_scan = request.full_scan;
  const std::vector<Opened> suppliers = open_suppliers(run);
  for (const Opened& one : suppliers) options.suppliers.push_back({one.name, one.repository.get()});
  options.host = destinations_.context().host;
  options.threads = settings_.threads;  // fewer, where memory is not enough for them
  options.memory_budget = settings_.memory_budget;
  options.read_counter_file = counter_file(run);
  options.spool_folder = spool();
  options.spool_limit = spool_limit();
  options.excluded_folders = destinations_.local_folders();
  options.excluded_folders.push_back(destinations_.context().state_folder);
  options.source_calls = source_calls_;
  options.during_commit = [] { return inhibit_sleep("A backup is being committed"); };
  options.when_made = [&](const backup::BackupResult& result) {
    monitor.progressed(result.progress);
    run.count_errors(result.progress.error_count);
    note_made(run, places, result);
  };
  backup::run_backup(targets, checkpoint, options, destinations_.context().clock, monitor, stop);
}

// Whoever goes on with the run after this has its report, and no other word of what was made.
void RunWork::note_made(ActiveRun& run, const std::vector<Opened>& places,
                        const backup::BackupResult& result) {
  for (const Opened& one : places) {
    const backup::TargetProgress& target = result.targets.at(one.number);
    if (target.state == backup::TargetState::kDone) {
      // Unless somebody has forgotten it at once.
      if (const auto entry = one.repository->snapshot_of_run(run.uuid())) {
        note_done(run, one.name, *entry);
        continue;
      }
    }
    // One that is not there has said why.
    std::string reason = target.error;
    run.update([&](v1::Run& report) {
      if (reason.empty()) reason = part_of(report, one.name).error();
    });
    if (reason.empty()) reason = kIsToBeGiven;
    note_behind(run, one.name, reason);
  }
  const std::vector<std::string> suppliers(result.suppliers.begin(), result.suppliers.end());
  run.update([&](v1::Run& report) {
    report.set_snapshot_id(result.snapshot.hex());
    for (v1::DestinationRun& part : *report.mutable_destinations()) {
      if (part.supplied_bytes() > 0) add_suppliers(part, suppliers);
    }
  });
  catalog_.runs().save_report(run.number(), run.report());
}

void RunWork::note_behind(ActiveRun& run, const std::string& destination, const std::string& reason) {
  leave_behind(run, destination, reason);
  catalog_.set_destinations().mark_behind(run.row().set, destination, destinations_.context().clock.now(),
                                          reason);
}

// In the report. One that was given the snapshot by an earlier attempt is not behind, though it be away by
// now.
void RunWork::leave_behind(ActiveRun& run, const std::string& destination, const std::string& reason) {
  run.update([&](v1::Run& report) {
    v1::DestinationRun& part = part_of(report, destination);
    if (part.state() == v1::DESTINATION_RUN_STATE_DONE) return;
    part.set_state(v1::DESTINATION_RUN_STATE_BEHIND);
    part.set_error(reason);
  });
}

// As one that is there lists it; nothing when none does any more.
std::optional<store::v1::SnapshotEntry> RunWork::find_made(const ActiveRun& run,
                                                           const std::vector<Opened>& places) const {
  const std::string id = run.message().snapshot_id();
  for (const Opened& one : places) {
    if (!one.repository) continue;
    auto entry = one.repository->snapshot_of_run(run.uuid());
    if (entry && to_hex(as_bytes(entry->id())) == id) return entry;
  }
  return std::nullopt;
}

void RunWork::fill_others(ActiveRun& run, const std::vector<Opened>& places,
                          const store::v1::SnapshotEntry& made, backup::CheckpointStore& checkpoint,
                          const std::stop_token& stop) {
  std::vector<Opened> suppliers;
  for (const catalog::DestinationFacts& facts : destinations_.nearest_first()) {
    const auto one = std::ranges::find(places, facts.name, &Opened::name);
    if (one == places.end() || !one->repository) continue;
    const auto entry = one->repository->snapshot_of_run(run.uuid());
    if (entry && entry->id() == made.id()) suppliers.push_back(*one);
  }
  std::vector<Opened> lacking;
  for (const Opened& one : places) {
    if (!one.repository || is_done(run.message(), one.name)) continue;
    if (const auto entry = one.repository->snapshot_of_run(run.uuid())) {
      // The daemon was killed before it could say so.
      note_done(run, one.name, *entry);
    } else {
      lacking.push_back(one);
    }
  }
  leave_to_copies(run, lacking);
  // What it has carried, and only its checkpoint tells of, is lost when another fill begins its own.
  if (const auto head = checkpoint.load()) {
    std::ranges::stable_partition(lacking, [&](const Opened& one) {
      return head->targets.size() == 1 && head->target(one.number) != nullptr;
    });
  }
  for (std::size_t i = 0; i < lacking.size(); ++i) {
    const Opened& target = lacking[i];
    try {
      const store::v1::SnapshotEntry given = fill(run, target, made, suppliers, checkpoint, stop);
      note_done(run, target.name, given);
      if (given.id() == made.id()) suppliers.push_back(target);
      continue;
    } catch (const Error& error) {
      if (error.kind() == ErrorKind::kCancelled && run.wish() == StopWish::kMakeWay) {
        for (; i < lacking.size(); ++i) note_behind(run, lacking[i].name, kHasMadeWay);
        return;
      }
      if (error.kind() == ErrorKind::kCancelled) throw;
      spdlog::warn("run {}: {} is left behind: {}", run.number(), target.name, error.what());
      note_behind(run, target.name, error.what());
    }
    // It gives its room back, if it is there; the copy that follows begins with what was committed.
    try {
      backup::abandon_backup(*target.repository, checkpoint, run.uuid(), spool());
    } catch (const Error& error) {
      spdlog::info("run {}: what it left at {} is taken away by the next copy: {}", run.number(), target.name,
                   error.what());
      checkpoint.forget();
    }
  }
}

// A destination that a copy by itself is under way to would be given everything twice, and by backups that
// make way again and again the same each time. So would one that cannot be given all of it.
void RunWork::leave_to_copies(ActiveRun& run, std::vector<Opened>& lacking) {
  const std::string set = run.row().set;
  const auto states = catalog_.set_destinations().find(set);
  const bool scheduled = run.message().scheduled();
  std::erase_if(lacking, [&](const Opened& one) {
    const std::optional<catalog::RunRow> last = last_copy(catalog_.runs(), set, one.name);
    if (!last) return false;
    if (!catalog::is_over(last->state)) {
      note_behind(run, one.name, "run " + std::to_string(last->number) + " gives it the snapshot");
      return true;
    }
    // Who asks for a backup has perhaps mended it.
    const auto known = states.find(one.name);
    if (!scheduled || known == states.end() || !known->second.behind_since) return false;
    if (!found_damage(*last, *known->second.behind_since, destinations_.context().clock.now())) return false;
    note_behind(run, one.name, last->message);
    return true;
  });
}

std::vector<StoredRequest> RunWork::copies_after(const ActiveRun& run) {
  std::vector<StoredRequest> copies;
  const std::string name = run.row().set;
  const std::optional<catalog::BackupSet> set = catalog_.configuration().set(name);
  if (run.kind() != catalog::RunKind::kBackup || !set) return copies;
  // Outside of the set's window it is for DestinationWatch to begin one when that opens.
  const std::optional<catalog::SetSchedule> schedule = catalog_.schedules().find(name);
  if (schedule && !windows_of(*schedule).is_open(schedule::to_instant(destinations_.context().clock.now())))
    return copies;
  const v1::Run report = run.message();
  for (const v1::DestinationRun& part : report.destinations()) {
    if (part.state() != v1::DESTINATION_RUN_STATE_BEHIND || part.error() != kHasMadeWay) continue;
    if (std::ranges::find(set->destinations, part.destination()) == set->destinations.end()) continue;
    copies.push_back(catch_up_request(*set, part.destination()));
  }
  return copies;
}

// Of a crash, or of a fill that was given up.
void RunWork::remove_staged(const ActiveRun& run, store::Repository& repository) const {
  try {
    backup::remove_strays(backup::staging_folder(repository, spool()), run.uuid(), {});
  } catch (const Error& error) {
    spdlog::info("run {}: what it left is taken away by the next copy there: {}", run.number(), error.what());
  }
}

}  // namespace garner::daemon
