#include "maintenance/rescue.h"

#include <algorithm>
#include <map>
#include <optional>
#include <tuple>
#include <utility>

#include <spdlog/spdlog.h>

#include "base/error.h"
#include "base/scratch.h"
#include "base/stop_scope.h"
#include "maintenance/closure_check.h"
#include "maintenance/damage.h"
#include "maintenance/pack_facts.h"
#include "maintenance/pack_output.h"
#include "snapshot/closure.h"
#include "store/state.h"

namespace garner::maintenance {
namespace {

namespace v1 = store::v1;
using store::ObjectName;

// Entries of packs that are dealt with at a time: some 100 bytes of memory each. A pack has some thousands.
constexpr std::uint64_t kBatchEntries = 500'000;
constexpr int kMostTries = 100;

class Rescue {
 public:
  Rescue(store::Repository& repository, const PackDamage& damage, const RescueOptions& options,
         CheckReport& report)
      : repository_(repository), options_(options), report_(report) {
    for (const auto* some : {&damage.packs, &damage.in_doubt, &damage.touched})
      damaged_.insert(some->begin(), some->end());
  }

  RescueResult run() {
    if (!options_.dry_run && !repository_.may_remove()) {
      throw Error(ErrorKind::kPermissionDenied, "this machine may only add to the repository at " +
                                                    repository_.destination().describe() +
                                                    ": the machine that made the repository repairs it");
    }
    report_.begin_stage("copying what can be read of damaged packs");
    result_.packs = damaged_.size();
    for (const std::set<ObjectName>& batch : batches()) {
      int tries = 0;
      while (!replace(batch)) {
        if (++tries == kMostTries) {
          throw Error(ErrorKind::kConflict,
                      "somebody else removes things from the repository all the time: try again");
        }
      }
    }
    if (!options_.dry_run) {
      report_.begin_stage("looking for snapshots that lack something");
      mark_snapshots();
    }
    return std::move(result_);
  }

 private:
  struct Entry {
    crypto::BlobId id;
    store::BlobLocation location;
  };

  std::vector<std::set<ObjectName>> batches() const {
    std::map<ObjectName, std::uint64_t> counts;
    for (const ObjectName& name : damaged_) counts[name] = 0;
    repository_.index().for_each([&](const crypto::BlobId&, const store::BlobLocation& location) {
      const auto found = counts.find(location.pack);
      if (found != counts.end()) ++found->second;
    });
    std::vector<std::set<ObjectName>> all;
    std::uint64_t entries = kBatchEntries;
    for (const auto& [name, count] : counts) {
      if (entries + count > kBatchEntries) {
        all.emplace_back();
        entries = 0;
      }
      all.back().insert(name);
      entries += count;
    }
    return all;
  }

  std::vector<Entry> entries_of(const std::set<ObjectName>& packs) const {
    std::vector<Entry> entries;
    repository_.index().for_each([&](const crypto::BlobId& id, const store::BlobLocation& location) {
      if (packs.contains(location.pack)) entries.push_back({id, location});
    });
    // Frame by frame, as they lie.
    std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) {
      return std::tie(a.location.pack, a.location.frame_offset, a.location.offset) <
             std::tie(b.location.pack, b.location.frame_offset, b.location.offset);
    });
    return entries;
  }

  // False when what was relied on is gone: then it is to be done again.
  bool replace(const std::set<ObjectName>& packs) {
    RescueResult found;
    store::CommitPlan plan;
    {
      std::optional<PackOutput> output;
      if (!options_.dry_run) output.emplace(repository_, options_.staging_prefix);
      copy_out(entries_of(packs), output ? &*output : nullptr, plan.names, found);
      if (output) plan.packs = output->finish();
    }
    if (!options_.dry_run) {
      plan.removal.condemn = packs;
      for (int tries = 0;; ++tries) {
        report_.throw_if_stopped();
        repository_.refresh();
        plan.removal.decided_on = repository_.state()->generation();
        // What others commit meanwhile changes nothing: the names hold what was relied on.
        const store::CommitOutcome outcome = repository_.commit(plan);
        if (outcome.committed) break;
        if (!outcome.overtaken || tries == kMostTries) return false;
      }
      // What the disk would not give may be had another day: that object is left to the next prune.
      for (const ObjectName& name : packs) {
        if (!not_given_.contains(name)) repository_.destination().remove(store::pack_key(name));
      }
    }
    result_.copied += found.copied;
    result_.supplied += found.supplied;
    result_.lost += found.lost;
    return true;
  }

  // Everything that is to live on goes to `output`, or stands in a live pack of `relied`.
  void copy_out(const std::vector<Entry>& entries, PackOutput* output, std::set<ObjectName>& relied,
                RescueResult& found) {
    IdSet done;
    Scratch memory;
    for (auto first = entries.begin(); first != entries.end();) {
      report_.throw_if_stopped();
      auto last = first;
      while (last != entries.end() && last->location.pack == first->location.pack &&
             last->location.frame_offset == first->location.frame_offset)
        ++last;
      const std::optional<ByteView> raw = read_frame(first->location, memory);
      for (auto entry = first; entry != last; ++entry) {
        if (done.contains(entry->id) || stands_elsewhere(entry->id, relied)) continue;
        if (rescue_blob(*entry, raw, output, found)) done.insert(entry->id);
      }
      first = last;
    }
    // A blob that one damaged pack has lost another one may hold, further on: only now is it known which are
    // lost.
    IdSet lost;
    for (const Entry& entry : entries) {
      if (done.contains(entry.id) || stands_elsewhere(entry.id, relied) || !lost.insert(entry.id)) continue;
      if (supply(entry, output)) {
        ++found.supplied;
      } else {
        ++found.lost;
      }
    }
  }

  std::optional<ByteView> read_frame(const store::BlobLocation& location, Scratch& memory) {
    try {
      return repository_.read_frame(location, memory);
    } catch (const Error& error) {
      if (!is_damage(error)) throw;
      if (error.kind() == ErrorKind::kReadFailed) not_given_.insert(location.pack);
      return std::nullopt;
    }
  }

  // In a pack that was found in order.
  bool stands_elsewhere(const crypto::BlobId& id, std::set<ObjectName>& relied) const {
    for (const store::BlobLocation& location : repository_.index().find_all(id)) {
      if (damaged_.contains(location.pack)) continue;
      relied.insert(location.pack);
      return true;
    }
    return false;
  }

  bool rescue_blob(const Entry& entry, const std::optional<ByteView>& raw, PackOutput* output,
                   RescueResult& found) {
    const store::BlobLocation& place = entry.location;
    if (!raw || place.offset > raw->size() || place.length > raw->size() - place.offset) return false;
    const ByteView content = raw->subspan(place.offset, place.length);
    if (repository_.hasher().id(place.kind, content) != entry.id) return false;
    if (output) output->add({entry.id, place.kind, place.length}, content);
    ++found.copied;
    return true;
  }

  bool supply(const Entry& entry, PackOutput* output) {
    for (store::BlobSource* supplier : options_.suppliers) {
      try {
        const Bytes content = supplier->read(entry.location.kind, entry.id);
        if (repository_.hasher().id(entry.location.kind, content) != entry.id) continue;
        if (output) output->add({entry.id, entry.location.kind, entry.location.length}, content);
        return true;
      } catch (const Error& error) {
        // Whatever is wrong with that one: it does not have the blob now.
        if (error.kind() == ErrorKind::kCancelled) throw;
      }
    }
    return false;
  }

  void mark_snapshots() {
    for (int tries = 0;; ++tries) {
      report_.throw_if_stopped();
      repository_.refresh();
      const auto state = repository_.state();
      store::CommitPlan plan;
      result_.marked.clear();
      for (const v1::SnapshotEntry& entry : state->snapshots()) {
        report_.throw_if_stopped();
        const auto id = crypto::BlobId::from_bytes(as_bytes(entry.id()));
        if (entry.recovered() || snapshot::is_complete(repository_, entry.snapshot())) continue;
        plan.removal.mark_recovered.insert(id);
        result_.marked.push_back(id);
      }
      if (plan.removal.mark_recovered.empty()) return;
      plan.removal.decided_on = state->generation();
      if (repository_.commit(plan).committed) return;
      if (tries == kMostTries) {
        throw Error(ErrorKind::kConflict, "others commit to the repository all the time: try again");
      }
    }
  }

  store::Repository& repository_;
  const RescueOptions& options_;
  CheckReport& report_;
  std::set<ObjectName> damaged_;
  std::set<ObjectName> not_given_;  // of which a read failed
  RescueResult result_;
};

// What a repair puts right is no damage that is left: it goes to the log alone.
class LoggingMonitor final : public CheckMonitor {
 public:
  explicit LoggingMonitor(CheckMonitor& monitor) : monitor_(monitor) {}
  void progressed(const CheckProgress& progress) override {
    CheckProgress without = progress;
    without.problem_count = 0;
    monitor_.progressed(without);
  }
  void problem(const std::string& line) override { spdlog::warn("{}", line); }

 private:
  CheckMonitor& monitor_;
};

// They can be made again from the log, and are.
void remove_damaged_states(store::Repository& repository) {
  for (const destination::ObjectInfo& object : repository.destination().list("state/")) {
    const std::optional<store::StateName> name = store::parse_state_key(object.key);
    if (!name) continue;
    try {
      const Bytes sealed = repository.destination().get_all(object.key, store::kMaximumState);
      store::open_state(sealed, name->generation, name->record_hash, repository.keyring(),
                        repository.header().repository);
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::kDamaged) continue;
      spdlog::warn("{} is damaged and removed: {}", object.key, error.what());
      repository.destination().remove(object.key);
    }
  }
}

}  // namespace

RescueResult rescue(store::Repository& repository, const PackDamage& damage, const RescueOptions& options,
                    CheckReport& report) {
  return Rescue(repository, damage, options, report).run();
}

RescueResult run_rescue(store::Repository& repository, const RescueOptions& options, CheckMonitor& monitor,
                        std::stop_token stop) {
  const StopScope scope(stop);
  LoggingMonitor logging(monitor);
  CheckReport found(logging, stop);
  repository.refresh();
  found.begin_stage("reading the index");
  const PackTable packs = [&] {
    try {
      return read_segments(repository, *repository.state(), found);
    } catch (const SegmentsReplaced&) {
      throw Error(ErrorKind::kConflict, "the repository is being pruned: try again when that is done");
    }
  }();
  CheckOptions everything;
  everything.read_data_percent = 100;
  everything.threads = options.threads;
  const PackDamage damage = check_packs(repository, packs, everything, found);
  if (!options.dry_run) remove_damaged_states(repository);
  CheckReport report(monitor, stop);
  RescueResult result;
  if (!damage.empty()) result = rescue(repository, damage, options, report);
  // What is left, with the files and snapshots that it touches.
  if (!damage.empty()) check_snapshots(repository, options.dry_run ? damage : PackDamage(), report);
  result.checked = found.progress();
  return result;
}

}  // namespace garner::maintenance
