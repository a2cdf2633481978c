#include "maintenance/repair.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "base/error.h"
#include "base/file.h"
#include "base/stop_scope.h"
#include "crypto/id_set.h"
#include "maintenance/check_report.h"
#include "maintenance/condemned_names.h"
#include "maintenance/damage.h"
#include "maintenance/log_check.h"
#include "maintenance/orphans.h"
#include "snapshot/closure.h"
#include "snapshot/node.h"
#include "snapshot/parse.h"
#include "store/log.h"

namespace garner::maintenance {
namespace {

namespace v1 = store::v1;

class Repair {
 public:
  Repair(store::Repository& repository, CheckReport& report, std::stop_token stop)
      : repository_(repository),
        report_(report),
        stored_(repository.stored()),
        completeness_(
            *stored_,
            [this](crypto::BlobKind kind, const crypto::BlobId& id) {
              return kind != crypto::BlobKind::kData || data_.contains(id);
            },
            std::move(stop)) {}

  void read_packs() {
    report_.begin_stage("reading directories of packs");
    const std::vector<destination::ObjectInfo> objects = repository_.destination().list("packs/");
    report_.set_total_packs(objects.size());
    for (const destination::ObjectInfo& object : objects) {
      report_.throw_if_stopped();
      const bool is_condemned = was_condemned(object.key);
      try {
        read_pack(object, is_condemned);
      } catch (const Error& error) {
        if (!is_damage_to_the_log(repository_, error)) throw;
        // One that was condemned may just have been deleted.
        if (!is_condemned) report_.problem(object.key + " is left out: " + error.what());
      }
      report_.add_pack();
    }
  }

  // Records that can still be read list snapshots that are in no pack yet: an unchanged backup writes nothing
  // else. And they say which packs are none of the repository's any more: before those are read.
  void read_records() {
    report_.begin_stage("reading what is left of the log");
    const store::LogContext log{repository_.destination(), repository_.keyring(),
                                repository_.header().repository};
    const std::vector<store::ListedRecord> records = store::list_records(repository_.destination(), 0);
    if (records.empty()) return;
    condemned_.emplace(repository_.seen(), records.back().generation, repository_.writer());
    for (const store::ListedRecord& record : records) {
      report_.throw_if_stopped();
      highest_generation_ = std::max(highest_generation_, record.generation);
      try {
        const store::OpenedRecord opened = store::read_record(log, record.generation);
        const v1::RecordBody& body = opened.record.body;
        condemned_->add(opened);
        for (const v1::SnapshotEntry& entry : body.add_snapshots()) add_listed(entry);
        for (const std::string& id : body.pin()) pinned_.insert(crypto::BlobId::from_bytes(as_bytes(id)));
        for (const std::string& id : body.unpin()) pinned_.erase(crypto::BlobId::from_bytes(as_bytes(id)));
        for (const v1::SnapshotTags& given : body.give_tags()) {
          if (!store::is_tag_list(given.tags())) continue;
          tags_[crypto::BlobId::from_bytes(as_bytes(given.snapshot()))] = {given.tags().begin(),
                                                                           given.tags().end()};
        }
      } catch (const Error& error) {
        if (!is_damage_to_the_log(repository_, error)) throw;
        report_.problem(std::string(error.what()) + " (left out)");
      }
    }
  }

  void read_snapshots() {
    repository_.set_uncommitted(packs_);
    for (const crypto::BlobId& id : snapshot_blobs_) {
      try {
        snapshots_[id] = snapshot::parse_snapshot(stored_->read(crypto::BlobKind::kSnapshot, id));
      } catch (const Error& error) {
        if (!is_damage_to_the_log(repository_, error)) throw;
        report_.problem("snapshot " + id.hex().substr(0, 8) + " is left out: " + error.what());
      }
    }
  }

  // What was condemned and is not deleted yet may hold the last copies of what lives, where the packs that it
  // was moved to are damaged.
  void take_condemned_where_needed() {
    if (condemned_packs_.empty()) return;
    report_.begin_stage("looking whether condemned packs are needed");
    const bool is_whole = std::ranges::all_of(snapshots_, [&](const auto& found) {
      report_.throw_if_stopped();
      return condemned_->was_forgotten(found.first) || completeness_.is_complete(found.second);
    });
    if (is_whole) {
      spdlog::info("{} packs are left out: they had been condemned, and are for the next prune",
                   condemned_packs_.size());
      return;
    }
    spdlog::warn("{} packs that had been condemned are taken up, for snapshots are not complete without them",
                 condemned_packs_.size());
    for (store::FinishedPack& pack : condemned_packs_) take(std::move(pack));
    repository_.set_uncommitted(packs_);
  }

  // Whether everything below the snapshot is in a pack.
  void check_closures(RepairResult& result) {
    report_.begin_stage("walking snapshots");
    for (const auto& [id, found] : snapshots_) {
      report_.throw_if_stopped();
      const std::optional<std::string> missing = completeness_.first_missing(found);
      if (missing) {
        report_.problem("snapshot " + id.hex().substr(0, 8) + " (" + found.set().name() +
                        ") is not complete: " + *missing);
        result.incomplete.push_back(id);
      } else {
        result.recovered.push_back(id);
      }
      report_.add_snapshot();
    }
    std::stable_sort(result.recovered.begin(), result.recovered.end(), [&](const auto& a, const auto& b) {
      return snapshot::from_proto(snapshots_.at(a).finished()) <
             snapshot::from_proto(snapshots_.at(b).finished());
    });
  }

  void rebuild(const RepairResult& result) {
    report_.begin_stage("writing index and log");
    store::CommitPlan plan;
    for (const crypto::BlobId& id : result.recovered) {
      v1::SnapshotEntry& entry = plan.recovered_snapshots.emplace_back();
      entry.set_id(id.value.data(), id.value.size());
      *entry.mutable_snapshot() = std::move(snapshots_.at(id));
      entry.set_recovered(true);
      if (pinned_.contains(id)) plan.removal.pin.insert(id);
      if (const auto tags = tags_.find(id); tags != tags_.end() && !tags->second.empty())
        plan.removal.give_tags.insert(*tags);
    }
    plan.packs = std::move(packs_);
    plan.has_differences = completeness_.found_differences();
    const store::CommitOutcome outcome = repository_.rebuild_log(plan, highest_generation_, parameters());
    if (!outcome.committed) {
      throw Error(ErrorKind::kConflict, "packs of the repository at " + repository_.destination().describe() +
                                            " went away while it was repaired: run garner repair again");
    }
    repository_.set_uncommitted({});
  }

  std::uint64_t pack_count() const { return packs_.size(); }
  std::uint64_t blob_count() const { return blob_count_; }

 private:
  bool was_condemned(const std::string& key) const {
    const auto name = object_name_in(key);
    return name && condemned_ && condemned_->contains(*name);
  }

  // Of one that was condemned nothing counts at first but what it says of the repository; its snapshots never
  // do.
  void read_pack(const destination::ObjectInfo& object, bool is_condemned) {
    const auto name = store::ObjectName::from_hex(base_name(object.key));
    const store::PackReader reader(repository_.destination(), repository_.keyring(), name);
    store::PackReader::Directory directory = reader.read_directory();
    if (directory.generation >= parameters_generation_) {
      parameters_generation_ = directory.generation;
      parameters_ = directory.parameters;
    }
    highest_generation_ = std::max(highest_generation_, directory.generation);
    store::FinishedPack pack{name, reader.header().kind, object.size, std::move(directory.frames)};
    if (is_condemned) {
      condemned_packs_.push_back(std::move(pack));
      return;
    }
    for (const store::PackedFrame& frame : pack.frames) {
      for (const store::FrameBlob& blob : frame.blobs) {
        if (blob.kind == crypto::BlobKind::kSnapshot) snapshot_blobs_.push_back(blob.id);
      }
    }
    take(std::move(pack));
  }

  void take(store::FinishedPack pack) {
    for (const store::PackedFrame& frame : pack.frames) {
      for (const store::FrameBlob& blob : frame.blobs) {
        if (blob.kind == crypto::BlobKind::kData) data_.insert(blob.id);
      }
      blob_count_ += frame.blobs.size();
      report_.add_blobs(frame.blobs.size());
    }
    packs_.push_back(std::move(pack));
  }

  void add_listed(const v1::SnapshotEntry& entry) {
    const auto id = crypto::BlobId::from_bytes(as_bytes(entry.id()));
    const std::string bytes = snapshot::serialize(entry.snapshot());
    if (repository_.hasher().id(crypto::BlobKind::kSnapshot, as_bytes(bytes)) != id) return;
    snapshots_[id] = snapshot::parse_snapshot(as_bytes(bytes));
  }

  v1::Parameters parameters() const {
    if (parameters_) return *parameters_;
    // No pack is left: an empty repository begins anew with what a new one has.
    return store::default_parameters();
  }

  store::Repository& repository_;
  CheckReport& report_;
  const std::unique_ptr<store::BlobSource> stored_;
  std::optional<CondemnedNames> condemned_;
  std::vector<store::FinishedPack> packs_;
  std::vector<store::FinishedPack> condemned_packs_;
  std::vector<crypto::BlobId> snapshot_blobs_;
  std::map<crypto::BlobId, v1::Snapshot> snapshots_;
  std::set<crypto::BlobId> pinned_;             // by the records that could be read
  std::map<crypto::BlobId, store::Tags> tags_;  // the same
  crypto::IdSet data_;
  snapshot::Completeness completeness_;
  std::optional<v1::Parameters> parameters_;
  std::uint64_t parameters_generation_ = 0;
  std::uint64_t highest_generation_ = 0;
  std::uint64_t blob_count_ = 0;
};

}  // namespace

RepairResult run_repair(store::Repository& repository, bool dry_run, CheckMonitor& monitor,
                        std::stop_token stop) {
  const StopScope scope(stop);
  CheckReport report(monitor, stop);
  RepairResult result;
  report.begin_stage("reading the log");
  const std::string why = why_unusable(repository);
  if (why.empty()) return result;
  result.needed = true;
  // What a repair puts right is no damage that is left.
  if (dry_run) {
    report.problem("the log cannot be used: " + why);
  } else {
    spdlog::warn("the log of {} cannot be used: {}", repository.destination().describe(), why);
  }

  Repair repair(repository, report, std::move(stop));
  repair.read_records();
  repair.read_packs();
  repair.read_snapshots();
  repair.take_condemned_where_needed();
  result.packs = repair.pack_count();
  result.blobs = repair.blob_count();
  repair.check_closures(result);
  if (dry_run) {
    repository.set_uncommitted({});
  } else {
    repair.rebuild(result);
  }
  report.tell();
  return result;
}

}  // namespace garner::maintenance
