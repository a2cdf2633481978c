#include "maintenance/rescue.h"

#include <algorithm>
#include <functional>
#include <iterator>
#include <map>
#include <optional>
#include <set>
#include <tuple>
#include <utility>

#include <spdlog/spdlog.h>

#include "base/error.h"
#include "base/scratch.h"
#include "base/stop_scope.h"
#include "crypto/id_set.h"
#include "maintenance/check_report.h"
#include "maintenance/closure_check.h"
#include "maintenance/damage.h"
#include "maintenance/log_check.h"
#include "maintenance/pack_check.h"
#include "maintenance/pack_facts.h"
#include "maintenance/pack_output.h"
#include "snapshot/closure.h"
#include "store/frame.h"
#include "store/pack.h"
#include "store/state.h"

namespace garner::maintenance {
namespace {

namespace v1 = store::v1;
using store::ObjectName;

// Entries of packs that are dealt with at a time: some 100 bytes of memory each. A pack has some thousands.
constexpr std::uint64_t kBatchEntries = 500'000;
constexpr int kMostRescueTries = 100;

// Reads frames by what lies under a pack's name now: no cache knows better. Packs are opened once if their
// frames come one after the other.
class Frames {
 public:
  explicit Frames(store::Repository& repository) : repository_(repository) {}

  // The raw bytes, until the next call. Errors: as PackReader.
  ByteView read(const store::BlobLocation& place) {
    if (!pack_ || name_ != place.pack) {
      name_ = place.pack;
      pack_.emplace(repository_.destination(), repository_.keyring(), place.pack);
    }
    const ByteView plain = pack_->read_frame(place.frame_offset, place.frame_stored_length, sealed_);
    return codec_.decode(plain, place.frame_raw_length, raw_);
  }

 private:
  store::Repository& repository_;
  store::FrameCodec codec_;
  ObjectName name_;
  std::optional<store::PackReader> pack_;
  Scratch sealed_;
  Scratch raw_;
};

class Rescue {
 public:
  Rescue(store::Repository& repository, const PackTable& packs, const PackDamage& damage,
         const RescueOptions& options, CheckReport& report)
      : repository_(repository), packs_(packs), damage_(damage), options_(options), report_(report) {
    for (const auto* some : {&damage.packs, &damage.in_doubt, &damage.touched})
      damaged_.insert(some->begin(), some->end());
  }

  RescueResult run() {
    report_.begin_stage("copying what can be read of damaged packs");
    result_.packs = damaged_.size();
    find_misplaced();
    for (const std::set<ObjectName>& batch : batches()) {
      int tries = 0;
      while (!replace(batch)) {
        if (++tries == kMostRescueTries) {
          throw Error(ErrorKind::kConflict,
                      "somebody else removes things from the repository all the time: try again");
        }
      }
    }
    return std::move(result_);
  }

 private:
  struct Entry {
    crypto::BlobId id;
    store::BlobLocation location;
  };

  // What is done about some of the packs, by one record.
  struct Batch {
    explicit Batch(const std::set<ObjectName>& chosen) : packs(chosen) {}

    const std::set<ObjectName>& packs;
    std::optional<PackOutput> output;  // nothing in a dry run
    crypto::IdSet done;                // went to the output
    std::set<ObjectName> relied;       // packs in order that hold the others
    crypto::IdSet withheld;            // in frames that the disk did not give
    std::set<ObjectName> kept;         // of these packs
    std::uint64_t copied = 0;
    std::uint64_t supplied = 0;
    std::uint64_t lost = 0;
  };

  // Objects that are a whole pack, though not the one that is looked for under their names (those whose
  // directory agrees with the index are none of these).
  void find_misplaced() {
    for (const auto* some : {&damage_.packs, &damage_.in_doubt}) {
      for (const ObjectName& name : *some) {
        report_.throw_if_stopped();
        if (read_directory(name)) misplaced_.insert(name);
      }
    }
  }

  std::vector<std::set<ObjectName>> batches() const {
    std::map<ObjectName, std::uint64_t> counts;
    for (const ObjectName& name : damaged_) counts[name] = 0;
    repository_.index().for_each([&](const crypto::BlobId&, const store::BlobLocation& location) {
      const auto found = counts.find(location.pack);
      if (found != counts.end()) ++found->second;
    });
    std::vector<std::set<ObjectName>> all;
    std::uint64_t entries = 0;
    std::uint64_t bytes = 0;
    for (const auto& [name, count] : counts) {
      const auto facts = packs_.find(name);
      const std::uint64_t size = facts == packs_.end() ? 0 : facts->second.size;
      if (all.empty() || entries + count > kBatchEntries || bytes + size > options_.batch_bytes) {
        all.emplace_back();
        entries = 0;
        bytes = 0;
      }
      all.back().insert(name);
      entries += count;
      bytes += size;
    }
    return all;
  }

  // False when what was relied on is gone: then it is to be done again.
  bool replace(const std::set<ObjectName>& packs) {
    Batch batch(packs);
    if (!options_.dry_run) batch.output.emplace(repository_, options_.staging_prefix);
    copy_out(batch);
    if (!options_.dry_run && !commit(batch)) return false;
    result_.copied += batch.copied;
    result_.supplied += batch.supplied;
    result_.lost += batch.lost;
    result_.kept.insert(result_.kept.end(), batch.kept.begin(), batch.kept.end());
    return true;
  }

  bool commit(Batch& batch) {
    store::CommitPlan plan;
    plan.packs = batch.output->finish();
    plan.names = batch.relied;
    for (const ObjectName& name : batch.packs) {
      if (!batch.kept.contains(name)) plan.removal.condemn.insert(name);
    }
    for (int tries = 0;; ++tries) {
      report_.throw_if_stopped();
      repository_.refresh();
      plan.removal.decided_on = repository_.state()->generation();
      // What others commit meanwhile changes nothing: the names hold what was relied on.
      const store::CommitOutcome outcome = repository_.commit(plan);
      if (outcome.committed) break;
      if (!outcome.overtaken || tries == kMostRescueTries) return false;
    }
    for (const ObjectName& name : plan.removal.condemn) {
      repository_.destination().remove(store::pack_key(name));
    }
    return true;
  }

  // Everything that is to live on goes to the output, or stands in a live pack that is relied on.
  void copy_out(Batch& batch) {
    const std::vector<Entry> entries = entries_of(batch.packs);
    copy(entries, batch);
    // Of other packs, under the names of these: it would go with them. And of these, what the index has not
    // because somebody has told it something else.
    std::set<ObjectName> misplaced;
    std::ranges::set_intersection(batch.packs, misplaced_, std::inserter(misplaced, misplaced.end()));
    const std::vector<Entry> others =
        entries_in(misplaced, [&](const ObjectName& name, const crypto::BlobId& id) {
          return is_disputed(name) || repository_.index().find_pack(id).has_value();
        });
    copy(others, batch);
    copy(entries_elsewhere(entries, batch), batch);

    // Only now is it known which are lost.
    crypto::IdSet lost;
    for (const Entry& entry : entries) {
      if (is_safe(entry.id, batch)) continue;
      if (!lost.contains(entry.id)) {
        if (supply(entry, batch)) continue;
        lost.insert(entry.id);
        ++batch.lost;
      }
      if (batch.withheld.contains(entry.id)) batch.kept.insert(entry.location.pack);
    }
    for (const Entry& entry : others) {
      if (!is_safe(entry.id, batch) && batch.withheld.contains(entry.id))
        batch.kept.insert(entry.location.pack);
    }
  }

  // ---- Where blobs are ----

  // By the index.
  std::vector<Entry> entries_of(const std::set<ObjectName>& packs) const {
    std::vector<Entry> entries;
    repository_.index().for_each([&](const crypto::BlobId& id, const store::BlobLocation& location) {
      if (packs.contains(location.pack)) entries.push_back({id, location});
    });
    sort_by_place(entries);
    return entries;
  }

  // By what the objects say of themselves.
  std::vector<Entry> entries_in(
      const std::set<ObjectName>& objects,
      const std::function<bool(const ObjectName&, const crypto::BlobId&)>& is_wanted) {
    std::vector<Entry> entries;
    for (const ObjectName& name : objects) {
      report_.throw_if_stopped();
      const std::optional<store::PackReader::Directory> directory = read_directory(name);
      if (!directory) continue;
      for (const store::PackedFrame& frame : directory->frames) {
        std::uint32_t offset = 0;
        for (const store::FrameBlob& blob : frame.blobs) {
          if (is_wanted(name, blob.id)) {
            const store::BlobLocation place{
                name, frame.offset, frame.stored_length, frame.raw_length, offset, blob.length, blob.kind};
            entries.push_back({blob.id, place});
          }
          offset += blob.length;
        }
      }
    }
    sort_by_place(entries);
    return entries;
  }

  // Of those that are not safe yet: in damaged packs of other batches.
  std::vector<Entry> entries_elsewhere(const std::vector<Entry>& entries, Batch& batch) {
    crypto::IdSet missing;
    std::vector<Entry> found;
    for (const Entry& entry : entries) {
      if (is_safe(entry.id, batch) || !missing.insert(entry.id)) continue;
      for (const store::BlobLocation& place : repository_.index().find_all(entry.id)) {
        if (!batch.packs.contains(place.pack)) found.push_back({entry.id, place});
      }
    }
    if (missing.empty()) return found;
    std::set<ObjectName> others;
    std::ranges::set_difference(misplaced_, batch.packs, std::inserter(others, others.end()));
    const std::vector<Entry> misplaced =
        entries_in(others, [&](const ObjectName&, const crypto::BlobId& id) { return missing.contains(id); });
    found.insert(found.end(), misplaced.begin(), misplaced.end());
    sort_by_place(found);
    return found;
  }

  bool is_disputed(const ObjectName& pack) const {
    const auto facts = packs_.find(pack);
    return facts != packs_.end() && facts->second.disputed;
  }

  // Frame by frame, as they lie.
  static void sort_by_place(std::vector<Entry>& entries) {
    std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) {
      return std::tie(a.location.pack, a.location.frame_offset, a.location.offset) <
             std::tie(b.location.pack, b.location.frame_offset, b.location.offset);
    });
  }

  // Nothing where there is none that can be read.
  std::optional<store::PackReader::Directory> read_directory(const ObjectName& name) const {
    try {
      return store::PackReader(repository_.destination(), repository_.keyring(), name).read_directory();
    } catch (const Error& error) {
      if (!is_lasting_damage(error)) throw;
      return std::nullopt;
    }
  }

  // Went to the output, or is in a pack that was found in order.
  bool is_safe(const crypto::BlobId& id, Batch& batch) const {
    if (batch.done.contains(id)) return true;
    for (const store::BlobLocation& location : repository_.index().find_all(id)) {
      if (damaged_.contains(location.pack)) continue;
      batch.relied.insert(location.pack);
      return true;
    }
    return false;
  }

  // ---- Copying ----

  // What is not safe of these, which are sorted.
  void copy(const std::vector<Entry>& entries, Batch& batch) {
    Frames frames(repository_);
    std::vector<const Entry*> wanted;
    for (auto first = entries.begin(); first != entries.end();) {
      report_.throw_if_stopped();
      const store::BlobLocation& place = first->location;
      wanted.clear();
      auto next = first;
      for (; next != entries.end() && next->location.pack == place.pack &&
             next->location.frame_offset == place.frame_offset;
           ++next) {
        if (!is_safe(next->id, batch)) wanted.push_back(&*next);
      }
      if (!wanted.empty()) copy_frame(place, wanted, frames, batch);
      first = next;
    }
  }

  void copy_frame(const store::BlobLocation& place, const std::vector<const Entry*>& wanted, Frames& frames,
                  Batch& batch) {
    ByteView raw;
    try {
      raw = frames.read(place);
    } catch (const Error& error) {
      if (!is_lasting_damage(error)) throw;
      if (error.kind() != ErrorKind::kReadFailed) return;
      for (const Entry* entry : wanted) batch.withheld.insert(entry->id);
      return;
    }
    for (const Entry* entry : wanted) {
      const store::BlobLocation& blob = entry->location;
      if (blob.offset > raw.size() || blob.length > raw.size() - blob.offset) continue;
      if (add(*entry, raw.subspan(blob.offset, blob.length), batch)) ++batch.copied;
    }
  }

  bool supply(const Entry& entry, Batch& batch) {
    for (store::BlobSource* supplier : options_.suppliers) {
      Bytes content;
      try {
        content = supplier->read(entry.location.kind, entry.id);
      } catch (const Error& error) {
        // Whatever is wrong with that one: it does not have the blob now.
        if (error.kind() == ErrorKind::kCancelled) throw;
        continue;
      }
      if (!add(entry, content, batch)) continue;
      ++batch.supplied;
      return true;
    }
    return false;
  }

  // False unless it is the blob's content, and not there already.
  bool add(const Entry& entry, ByteView content, Batch& batch) {
    const store::BlobLocation& place = entry.location;
    if (content.size() != place.length || repository_.hasher().id(place.kind, content) != entry.id)
      return false;
    if (!batch.done.insert(entry.id)) return false;
    if (batch.output) batch.output->add({entry.id, place.kind, place.length}, content);
    return true;
  }

  store::Repository& repository_;
  const PackTable& packs_;
  const PackDamage& damage_;
  const RescueOptions& options_;
  CheckReport& report_;
  std::set<ObjectName> damaged_;
  std::set<ObjectName> misplaced_;  // of these
  RescueResult result_;
};

// Also what an earlier repair was cut off before it could mark.
std::vector<crypto::BlobId> mark_snapshots(store::Repository& repository, CheckReport& report,
                                           const std::stop_token& stop) {
  report.begin_stage("looking for snapshots that lack something");
  for (int tries = 0;; ++tries) {
    report.throw_if_stopped();
    repository.refresh();
    const auto state = repository.state();
    snapshot::Completeness completeness(repository, stop);
    std::vector<crypto::BlobId> marked;
    for (const v1::SnapshotEntry& entry : state->snapshots()) {
      if (entry.recovered() || completeness.is_complete(entry.snapshot())) continue;
      marked.push_back(crypto::BlobId::from_bytes(as_bytes(entry.id())));
    }
    if (marked.empty()) return marked;
    store::CommitPlan plan;
    plan.removal.mark_recovered.insert(marked.begin(), marked.end());
    plan.removal.decided_on = state->generation();
    if (repository.commit(plan).committed) return marked;
    if (tries == kMostRescueTries) {
      throw Error(ErrorKind::kConflict, "others commit to the repository all the time: try again");
    }
  }
}

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
void remove_damaged_states(store::Repository& repository, CheckReport& report) {
  replay_log(
      repository, repository.state()->generation(), [&] { report.throw_if_stopped(); },
      [&](const std::string& key, const Error& error) {
        const bool is_of_no_key =
            error.kind() == ErrorKind::kWrongKey && !may_be_of_newer_keys(repository, error);
        if (error.kind() != ErrorKind::kDamaged && !is_of_no_key) return;
        spdlog::warn("{} is damaged and removed: {}", key, error.what());
        repository.destination().remove(key);
      });
}

void require_remover(const store::Repository& repository, const std::string& where) {
  if (repository.may_remove()) return;
  throw Error(ErrorKind::kPermissionDenied, "this machine may only add to the repository at " + where +
                                                ": the machine that made the repository repairs it");
}

}  // namespace

RescueResult run_rescue(store::Repository& repository, const RescueOptions& options, CheckMonitor& monitor,
                        std::stop_token stop) {
  const StopScope scope(stop);
  LoggingMonitor logging(monitor);
  CheckReport found(logging, stop);
  repository.read_whole_log();
  found.begin_stage("reading this machine's copy of the index");
  repository.verify_index([&] { found.throw_if_stopped(); });
  if (!options.dry_run) require_remover(repository, repository.destination().describe());
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
  if (!options.dry_run) remove_damaged_states(repository, found);

  CheckReport report(monitor, stop);
  RescueResult result;
  if (!damage.empty()) result = Rescue(repository, packs, damage, options, report).run();
  PackDamage left;
  if (options.dry_run) {
    left = damage;
  } else {
    for (const ObjectName& name : result.kept) {
      left.in_doubt.insert(name);
      report.problem(store::pack_key(name) +
                     " stays as it is: the disk does not give all of it, and nobody else has the rest. "
                     "Another day it may be read; to give it up, delete it and repair again");
    }
    result.marked = mark_snapshots(repository, report, stop);
  }
  // With the files and snapshots that it touches.
  check_snapshots(repository, left, report);
  result.checked = found.progress();
  return result;
}

}  // namespace garner::maintenance
