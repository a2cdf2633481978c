#include "maintenance/prune.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <boost/unordered/unordered_flat_map.hpp>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>

#include "base/bytes.h"
#include "base/error.h"
#include "base/file.h"
#include "base/stop_scope.h"
#include "maintenance/damage.h"
#include "maintenance/kept_copies.h"
#include "maintenance/mark.h"
#include "maintenance/orphans.h"
#include "maintenance/pack_copy.h"
#include "maintenance/pack_use.h"
#include "store/log.h"

namespace garner::maintenance {
namespace {

namespace v1 = store::v1;
using store::ObjectName;

// How often a prune begins anew because somebody else removed things, and tries to drop what it deleted.
constexpr int kMostAttempts = 20;
// What is copied is committed, and frees its space, whenever it comes to this.
constexpr std::uint64_t kBatchBytes = std::uint64_t{512} << 20;
// Entries of segments that one record replaces: some 100 bytes of memory each.
constexpr std::uint64_t kReplacedEntries = 500'000;

// Somebody else condemned or dropped names: what was found out about packs no longer holds.
struct BeginAnew {};

std::set<ObjectName> names_of(const google::protobuf::RepeatedPtrField<std::string>& names) {
  std::set<ObjectName> set;
  for (const std::string& name : names) set.insert(ObjectName::from_bytes(as_bytes(name)));
  return set;
}

class Prune {
 public:
  Prune(store::Repository& repository, const PruneOptions& options, const Clock& clock, PruneMonitor& monitor,
        std::stop_token stop)
      : repository_(repository),
        options_(options),
        clock_(clock),
        monitor_(monitor),
        stop_(std::move(stop)) {}

  PruneResult run() {
    repository_.read_whole_log();
    repository_.verify_index([&] { throw_if_stopped(); });
    if (!options_.dry_run) {
      if (!repository_.may_remove()) {
        throw Error(ErrorKind::kPermissionDenied, "this machine may only add to the repository at " +
                                                      repository_.destination().describe() +
                                                      ": the machine that made the repository prunes it");
      }
      remove_strays();
    }
    for (int attempt = 0; attempt < kMostAttempts; ++attempt) {
      try {
        if (!options_.dry_run) finish_earlier();
        make_attempt();
        if (!options_.dry_run) tidy_shelf();
        return progress_.result;
      } catch (const BeginAnew&) {
        spdlog::info("prune of {}: somebody else removes as well; begins anew",
                     repository_.destination().describe());
      }
    }
    throw Error(ErrorKind::kConflict, "somebody else removes things from the repository at " +
                                          repository_.destination().describe() +
                                          " again and again meanwhile");
  }

 private:
  // ---- Steps ----

  void make_attempt() {
    marker_.reset();
    marks_.reset();
    ignored_runs_.clear();
    own_names_.clear();
    withdraw_abandoned_runs();
    const PruneResult before = progress_.result;

    // The state before the index: an index that is newer holds packs that are not marked yet, and then the
    // state is newer, too, before anything can be condemned.
    std::shared_ptr<const v1::RepositoryState> state = repository_.state();
    marks_ = std::make_unique<Marks>(repository_.index().freeze());
    marker_ = std::make_unique<Marker>(repository_, *marks_, options_.threads, stop_,
                                       [this](std::uint64_t count) { tell_walked(count); });
    begin("marking");
    marker_->mark(*state, ignored_runs_);
    marked_ = state->generation();
    marks_->note_packs();
    if (report_problems()) return;

    begin("looking at packs");
    std::vector<PackUse> packs = count_use(*marks_);
    all_packs_.clear();
    for (const PackUse& pack : packs) all_packs_.push_back(pack.name);
    if (!find_sizes(packs)) return;
    progress_.result = with_actions_of(before);
    for (const PackUse& pack : packs) progress_.result.before.add(pack.size);
    PackChoice choice = choose_packs(std::move(packs), marker_->packs_of_runs(), options_, progress_.result);
    look_for_orphans(*state);
    going_.clear();
    for (const PackUse& pack : choice.dead) going_.insert(pack.name);
    for (const PackUse& pack : choice.rewrite) going_.insert(pack.name);

    condemn_dead(choice.dead);
    rewrite(choice.rewrite);
    if (!options_.dry_run) drop(own_names_);
    begin("");
  }

  // The prune is done by then, and nothing rests on the copy of the index.
  void tidy_shelf() {
    try {
      repository_.tidy_shelf();
    } catch (const Error& error) {
      spdlog::warn("the copy of the index of {} at another destination is not tidied up: {}",
                   repository_.destination().describe(), error.what());
    }
  }

  // What was done before an attempt was given up stays done; what was found out is found out again.
  static PruneResult with_actions_of(const PruneResult& before) {
    PruneResult result;
    result.dead = before.dead;
    result.rewritten = before.rewritten;
    result.copied = before.copied;
    result.orphans = before.orphans;
    result.earlier = before.earlier;
    result.segments = before.segments;
    result.abandoned_runs = before.abandoned_runs;
    result.freed_bytes = before.freed_bytes;
    return result;
  }

  // Condemned names are garbage, whoever condemned them.
  void finish_earlier() {
    const auto state = repository_.state();
    const std::set<ObjectName> names = names_of(state->condemned());
    if (names.empty()) return;
    begin("finishing an earlier prune");
    std::vector<std::string> keys;
    for (const ObjectName& name : names) {
      for (const std::string& key : {store::pack_key(name), store::segment_key(name)}) {
        if (const auto size = repository_.destination().size(key)) {
          progress_.result.earlier.add(*size);
          progress_.result.freed_bytes += *size;
        }
        keys.push_back(key);
      }
    }
    remove_objects(keys);
    drop(names);
  }

  // Roots of runs that have committed nothing for longer than the grace period.
  void withdraw_abandoned_runs() {
    const auto state = repository_.state();
    const store::LogContext log{repository_.destination(), repository_.keyring(),
                                repository_.header().repository};
    store::CommitPlan plan;
    plan.removal.decided_on = state->generation();
    for (const v1::UnfinishedRoot& root : state->roots()) {
      const v1::RecordBody body = store::read_record(log, root.generation()).record.body;
      if (!is_old({body.time().seconds(), body.time().nanos()})) continue;
      ignored_runs_.insert(root.run());
      plan.removal.remove_roots.push_back(Uuid::from_bytes(as_bytes(root.run())));
    }
    progress_.result.abandoned_runs += plan.removal.remove_roots.size();
    if (options_.dry_run || plan.removal.remove_roots.empty()) return;
    if (repository_.commit(plan).overtaken) throw BeginAnew();
  }

  // Sizes as the destination lists them. False when a pack that is in use is missing or has another size:
  // then nobody may rely on what the other packs are worth.
  bool find_sizes(std::vector<PackUse>& packs) {
    listed_ = repository_.destination().list("packs/");
    boost::unordered_flat_map<ObjectName, std::uint64_t, store::ObjectNameHash> sizes;
    for (const destination::ObjectInfo& object : listed_) {
      if (const auto name = object_name_in(object.key)) sizes[*name] = object.size;
    }
    for (PackUse& pack : packs) {
      const auto found = sizes.find(pack.name);
      if (found != sizes.end()) pack.size = found->second;
      if (pack.live_blobs == 0) continue;
      if (found == sizes.end()) {
        problem(store::pack_key(pack.name) + " is missing, and snapshots need it: run garner check");
      } else if (const auto size = repository_.index().size_of(pack.name); size && *size != found->second) {
        problem(store::pack_key(pack.name) + " has " + std::to_string(found->second) + " bytes instead of " +
                std::to_string(*size) + ", and snapshots need it: run garner check");
      }
    }
    return progress_.result.problem_count == 0;
  }

  void look_for_orphans(const v1::RepositoryState& state) {
    Orphans found =
        find_orphans(repository_, state, listed_, [this](TimePoint time) { return is_old(time); });
    orphans_ = std::move(found.old);
    progress_.result.young_orphans = {};
    for (const Orphan& orphan : found.young) progress_.result.young_orphans.add(orphan.size);
  }

  void condemn_dead(std::vector<PackUse> dead) {
    if (options_.dry_run) {
      for (const PackUse& pack : dead) note_deleted(progress_.result.dead, pack.size);
      for (const Orphan& orphan : orphans_) note_deleted(progress_.result.orphans, orphan.size);
      return;
    }
    if (dead.empty() && orphans_.empty()) return;
    for (;;) {
      leave_unproven(dead);
      begin("condemning");
      store::CommitPlan plan;
      plan.removal.decided_on = marked_;
      for (const PackUse& pack : dead) plan.removal.condemn.insert(pack.name);
      for (const Orphan& orphan : orphans_) plan.removal.condemn.insert(orphan.name);
      if (plan.removal.condemn.empty()) return;
      if (!repository_.commit(plan).overtaken) {
        own_names_.insert(plan.removal.condemn.begin(), plan.removal.condemn.end());
        break;
      }
      const auto state = mark_again();
      if (!state) return;
      const std::set<ObjectName> needed = marks_->noted_packs();
      std::erase_if(dead, [&](const PackUse& pack) { return is_needed(pack, needed); });
      look_for_orphans(*state);
    }
    begin("deleting", dead.size() + orphans_.size());
    std::vector<std::string> keys;
    for (const PackUse& pack : dead) keys.push_back(store::pack_key(pack.name));
    for (const Orphan& orphan : orphans_) keys.push_back(orphan.key);
    remove_objects(keys);
    for (const PackUse& pack : dead) note_deleted(progress_.result.dead, pack.size);
    for (const Orphan& orphan : orphans_) note_deleted(progress_.result.orphans, orphan.size);
  }

  void rewrite(const std::vector<PackUse>& packs) {
    if (options_.dry_run) {
      for (const PackUse& pack : packs) {
        note_deleted(progress_.result.rewritten, pack.size);
        progress_.result.copied.add(pack.live_bytes());
        progress_.result.freed_bytes -= std::min(progress_.result.freed_bytes, pack.live_bytes());
      }
      return;
    }
    begin("copying what is in use", packs.size());
    PackCopier copier(repository_, *marks_, staging_prefix(), options_.threads);
    for (auto next = packs.begin(); next != packs.end();) {
      std::vector<PackUse> batch;
      for (std::uint64_t bytes = 0; next != packs.end() && bytes < kBatchBytes; ++next) {
        bytes += next->live_bytes();
        batch.push_back(*next);
      }
      copy(copier, batch);
      if (!commit_batch(copier.finish(), batch)) return;
    }
  }

  // What cannot be copied is taken out of the batch.
  void copy(PackCopier& copier, std::vector<PackUse>& batch) {
    const std::vector<std::string> damage = copier.copy(batch, [&] {
      throw_if_stopped();
      advance();
    });
    std::vector<PackUse> copied;
    for (std::size_t number = 0; number < batch.size(); ++number) {
      if (damage[number].empty()) {
        copied.push_back(batch[number]);
        continue;
      }
      // It stays as it is, and so does everything else that can still be read of it.
      problem(store::pack_key(batch[number].name) +
              ": what is in use of it cannot be copied: " + damage[number]);
    }
    batch = std::move(copied);
  }

  // The packs that were copied to are added by the record that condemns those that were copied from. False
  // when nothing may be condemned any more.
  bool commit_batch(std::vector<store::FinishedPack> made, std::vector<PackUse>& batch) {
    store::CommitPlan plan;
    plan.packs = std::move(made);
    for (;;) {
      leave_unproven(batch);
      plan.removal.decided_on = marked_;
      plan.removal.condemn.clear();
      for (const PackUse& pack : batch) plan.removal.condemn.insert(pack.name);
      // What was copied of packs that are to stay would only be a second copy: it is left as an orphan.
      if (plan.removal.condemn.empty()) return true;
      const store::CommitOutcome outcome = repository_.commit(plan);
      if (outcome.committed) break;
      // Somebody took the new packs for orphans: then so did what they were made from.
      if (!outcome.overtaken) throw BeginAnew();
      if (!mark_again()) return false;
      const std::set<ObjectName> needed = marks_->noted_packs();
      std::erase_if(batch, [&](const PackUse& pack) { return is_needed(pack, needed); });
    }
    own_names_.insert(plan.removal.condemn.begin(), plan.removal.condemn.end());
    for (const store::FinishedPack& pack : plan.packs) {
      progress_.result.copied.add(pack.size);
      written_ += pack.size;
    }
    std::vector<std::string> keys;
    for (const PackUse& pack : batch) keys.push_back(store::pack_key(pack.name));
    remove_objects(keys);
    for (const PackUse& pack : batch) note_deleted(progress_.result.rewritten, pack.size);
    settle_written();
    return true;
  }

  // Only after their objects are gone. Segments that name them are replaced, a few at a time, and go in the
  // same way.
  void drop(std::set<ObjectName> names) {
    begin("dropping");
    std::set<ObjectName> old_segments;
    int tries = 0;
    for (;;) {
      throw_if_stopped();
      repository_.refresh();
      const auto state = repository_.state();
      store::CommitPlan plan;
      plan.removal.decided_on = state->generation();
      if (!names.empty()) plan.removal.drop = names;
      std::set<ObjectName> gone = names_of(state->dead());
      gone.insert(names.begin(), names.end());
      plan.removal.replace_segments = some_segments_naming(gone, *state);
      if (names.empty() && plan.removal.replace_segments.empty()) break;
      const store::CommitOutcome outcome = repository_.commit(plan);
      if (outcome.overtaken) {
        if (++tries >= kMostAttempts * 10) {
          throw Error(ErrorKind::kConflict,
                      "others commit to the repository all the time: names that were condemned "
                      "are dropped by the next prune");
        }
        continue;
      }
      progress_.result.segments += plan.removal.replace_segments.size();
      old_segments.insert(plan.removal.replace_segments.begin(), plan.removal.replace_segments.end());
      names.clear();
      if (plan.removal.replace_segments.empty()) break;
    }
    if (old_segments.empty()) return;
    std::vector<std::string> keys;
    for (const ObjectName& name : old_segments) keys.push_back(store::segment_key(name));
    remove_objects(keys);
    for (tries = 0; tries < kMostAttempts * 10; ++tries) {
      repository_.refresh();
      store::CommitPlan plan;
      plan.removal.decided_on = repository_.state()->generation();
      plan.removal.drop = old_segments;
      if (!repository_.commit(plan).overtaken) return;
    }
  }

  // Of no unfinished run, and not more than one record should replace.
  std::set<ObjectName> some_segments_naming(const std::set<ObjectName>& packs,
                                            const v1::RepositoryState& state) const {
    std::set<ObjectName> naming = repository_.index().segments_naming(packs);
    for (const v1::UnfinishedRoot& root : state.roots()) {
      for (const ObjectName& name : names_of(root.segments())) naming.erase(name);
    }
    std::set<ObjectName> some;
    std::uint64_t entries = 0;
    for (const v1::SegmentReference& segment : state.segments()) {
      const ObjectName name = ObjectName::from_bytes(as_bytes(segment.name()));
      if (!naming.contains(name)) continue;
      entries += segment.entries();
      if (!some.empty() && entries > kReplacedEntries) break;
      some.insert(name);
    }
    return some;
  }

  // ---- Others that commit meanwhile ----

  // Marks what is new. Nothing when that cannot be done, and so nothing may be condemned.
  std::shared_ptr<const v1::RepositoryState> mark_again() {
    throw_if_stopped();
    repository_.refresh();
    const auto state = repository_.state();
    // Had somebody else condemned one of two copies while this prune counts on the other, both could go.
    for (const ObjectName& name : all_packs_) {
      if (!own_names_.contains(name) && !repository_.index().is_live(name)) throw BeginAnew();
    }
    marker_->mark(*state, ignored_runs_);
    marked_ = state->generation();
    if (report_problems()) return nullptr;
    return state;
  }

  bool is_needed(const PackUse& pack, const std::set<ObjectName>& needed) {
    if (!needed.contains(pack.name) && !marker_->packs_of_runs().contains(pack.name)) return false;
    progress_.result.unused_not_worth += unused_of(pack);
    return true;
  }

  static std::uint64_t unused_of(const PackUse& pack) {
    return pack.size - (pack.live_blobs == 0 ? 0 : pack.live_bytes());
  }

  // Takes out of `packs` what has to stay because another writer may have lied to the index.
  void leave_unproven(std::vector<PackUse>& packs) {
    if (packs.empty() || !has_adding_writers(*repository_.state())) return;
    begin("looking at other copies", packs.size());
    std::vector<ObjectName> names;
    for (const PackUse& pack : packs) names.push_back(pack.name);
    const std::vector<Kept> kept =
        find_kept_copies(repository_, *marks_, names, going_, options_.threads, [&] {
          throw_if_stopped();
          advance();
        });
    std::vector<PackUse> proven;
    for (std::size_t number = 0; number < packs.size(); ++number) {
      const PackUse& pack = packs[number];
      if (kept[number] == Kept::kElsewhere) {
        proven.push_back(pack);
        continue;
      }
      progress_.result.unused_not_worth += unused_of(pack);
      if (kept[number] == Kept::kInGoing) continue;  // the next prune finds the copy that this one makes
      problem(
          store::pack_key(pack.name) +
          " stays: something that snapshots need is in it, and not where the index says that it is kept: run "
          "garner check --read-data");
    }
    packs = std::move(proven);
  }

  // ---- Small things ----

  // A time in the future is not old: a clock that was put back must not make everything old.
  bool is_old(TimePoint time) const {
    const std::int64_t grace = options_.grace.count();
    const TimePoint now = clock_.now();
    return now.seconds >= grace && time <= TimePoint{now.seconds - grace, now.nanos};
  }

  std::string staging_prefix() const {
    const auto folder = repository_.destination().staging_folder();
    return (folder ? *folder : options_.spool_folder) + "/" + options_.run.text() + "-";
  }

  // Packs that an earlier attempt of the same run was writing.
  void remove_strays() const {
    const std::string prefix = staging_prefix();
    const std::string folder = parent_path(prefix);
    for (const std::string& name : list_names(folder)) {
      if (name.starts_with(options_.run.text())) remove_file(folder + "/" + name);
    }
  }

  void remove_objects(const std::vector<std::string>& keys) {
    // In pieces, so that a stop does not wait for thousands.
    constexpr std::size_t kPiece = 256;
    for (std::size_t at = 0; at < keys.size(); at += kPiece) {
      throw_if_stopped();
      // Ends where the log was rebuilt meanwhile: what the old one condemned, the new one may list.
      repository_.refresh();
      const auto first = keys.begin() + static_cast<std::ptrdiff_t>(at);
      const auto last = keys.begin() + static_cast<std::ptrdiff_t>(std::min(keys.size(), at + kPiece));
      repository_.destination().remove_all({first, last});
    }
  }

  void note_deleted(PackSum& sum, std::uint64_t size) {
    sum.add(size);
    progress_.result.freed_bytes += size;
  }

  void settle_written() {
    const std::uint64_t less = std::min(written_, progress_.result.freed_bytes);
    progress_.result.freed_bytes -= less;
    written_ -= less;
  }

  bool report_problems() {
    for (const std::string& line : marker_->problems()) problem(line);
    return !marker_->problems().empty();
  }

  void problem(const std::string& line) {
    ++progress_.result.problem_count;
    monitor_.problem(line);
  }

  void throw_if_stopped() const {
    if (stop_.stop_requested()) throw Error(ErrorKind::kCancelled, "the run was stopped");
  }

  void begin(const std::string& stage, std::uint64_t total = 0) {
    std::lock_guard lock(mutex_);
    progress_.stage = stage;
    progress_.done = 0;
    progress_.total = total;
    monitor_.progressed(progress_);
  }

  void advance() {
    std::lock_guard lock(mutex_);
    ++progress_.done;
    monitor_.progressed(progress_);
  }

  void tell_walked(std::uint64_t count) {
    if (count % 1024 != 0) return;
    std::lock_guard lock(mutex_);
    progress_.done = count;
    monitor_.progressed(progress_);
  }

  store::Repository& repository_;
  const PruneOptions& options_;
  const Clock& clock_;
  PruneMonitor& monitor_;
  const std::stop_token stop_;

  std::unique_ptr<Marks> marks_;
  std::unique_ptr<Marker> marker_;
  std::uint64_t marked_ = 0;            // the generation whose references are marked
  std::set<std::string> ignored_runs_;  // withdrawn
  std::vector<ObjectName> all_packs_;   // live when marking began
  std::set<ObjectName> own_names_;      // condemned by this prune
  std::set<ObjectName> going_;          // chosen to be deleted, or rewritten
  std::vector<destination::ObjectInfo> listed_;
  std::vector<Orphan> orphans_;
  std::uint64_t written_ = 0;  // and not taken off what is freed yet

  std::mutex mutex_;  // of progress_ while several threads walk
  PruneProgress progress_;
};

}  // namespace

PruneResult run_prune(store::Repository& repository, const PruneOptions& options, const Clock& clock,
                      PruneMonitor& monitor, std::stop_token stop) {
  const StopScope scope(stop);
  return Prune(repository, options, clock, monitor, std::move(stop)).run();
}

}  // namespace garner::maintenance
