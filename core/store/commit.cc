// Repository: commits, and the rebuilding of the log.
#include <algorithm>
#include <iterator>
#include <utility>

#include "base/error.h"
#include "store/repository.h"
#include "store/repository_segments.h"
#include "store/state_cache.h"

namespace garner::store {

namespace {

void add_name(google::protobuf::RepeatedPtrField<std::string>& names, std::string_view name) {
  if (std::ranges::find(names, name) == names.end()) *names.Add() = std::string(name);
}

// Whether a record says anything beyond that it was written.
bool changes_anything(const v1::RecordBody& body, const v1::RepositoryState& state) {
  return body.index_from() != state.index_from() || !body.add_segments().empty() ||
         !body.add_snapshots().empty() || !body.set_roots().empty() || !body.remove_roots().empty() ||
         !body.remove_segments().empty() || !body.remove_snapshots().empty() || !body.condemn().empty() ||
         !body.drop().empty() || !body.pin().empty() || !body.unpin().empty() || !body.give_tags().empty();
}

}  // namespace

// What one commit keeps in mind from one try to the next.
struct Repository::Lookout {
  const AwaitedNames& awaited;      // condemned before the commit began, own packs
  std::set<ObjectName> condemned;   // by records that were read since then, dropped since or not
  std::set<ObjectName> seen_packs;  // own packs that were there after the first of those

  bool is_removed(const v1::RepositoryState& state, const ObjectName& name) const {
    return condemned.contains(name) || awaited.was_condemned(name) || store::is_removed(state, name);
  }
};

const Bytes* Repository::Segments::payload_of(const std::string& name) const {
  for (std::size_t i = 0; i < sealed.size(); ++i) {
    if (as_text(sealed[i].name.view()) == name) return &payloads[i];
  }
  return nullptr;
}

// Whether the plan may be checked against the state that is known, without a listing of the log before.
//
// No commit of anybody's can be lost by that: record N+1 is created exclusively, so it comes after a record
// N+1 of somebody else only as N+2, when that one was read and the plan was checked against it. For the same
// reason no stale state is believed: that the record is created shows that N was the newest until then, and
// what the plan rests on holds in the state after N, whenever that was read. What a listing would show
// besides is a log that was put back or replaced since the last one. That is as rare as it is bad, so:
//   - the last listing is not older than kLookIsGoodFor, and showed or was followed by a newest record that
//   is
//     byte for byte the known one;
//   - the next listing begins at that record and must show every one from there on, with the sums of those
//   that
//     were read or written here (LogEnd). A gap or another record below ours is found by that, and refused;
//   - so this is done only where the place tells sums. Elsewhere a listing would show less than the record
//     itself, which is read there before each commit; and is for nothing, or nearly so.
// A plan with packs of its own rests on more than records: on what the place holds. Its packs are seen to
// exist after a listing, which also keeps what was uploaded in hours from being committed to a log that is
// not the one it was uploaded for. Whoever removes decides on the newest state, and lists.
bool Repository::may_go_by_last_look(const CommitPlan& plan) const {
  return plan.packs.empty() && plan.removal.empty() && !plan.index_from && end_.is_confirmed &&
         end_.tells_sums && looked_within(kLookIsGoodFor);
}

CommitOutcome Repository::commit(const CommitPlan& plan) {
  CommitOutcome outcome;
  {
    std::lock_guard lock(log_mutex_);
    outcome = commit_locked(plan);
  }
  shelf_.send();
  return outcome;
}

// Order of writes: packs are durable before the plan is made, segments before the record is created, and the
// record is created durably and exclusively. What was checked against record N holds when record N+1 is
// created, for nothing but a record changes it, and only one record can follow N.
CommitOutcome Repository::commit_locked(const CommitPlan& plan) {
  CommitOutcome outcome;
  Lookout lookout{awaited_, {}, {}};
  Segments segments;
  const RecordSeen note_condemned = [&](const OpenedRecord& opened) {
    for (const std::string& name : opened.record.body.condemn()) {
      lookout.condemned.insert(ObjectName::from_bytes(as_bytes(name)));
    }
  };
  if (!plan.removal.empty() && !take_whole_log()) {
    outcome.overtaken = true;  // it was decided by a state that was false
    return outcome;
  }
  std::optional<std::vector<FinishedPack>> replaced;
  std::uint64_t known = 0;
  for (;;) {
    if (known != 0 || !may_go_by_last_look(plan)) refresh_from(known, note_condemned);
    const std::shared_ptr<const v1::RepositoryState> newest = state();
    // Whatever is newer was seen to continue what was known; and of the newest that was known the listing may
    // have told that it is the same. Otherwise the record itself is looked at, for a record on top of
    // another's would break the log for everybody.
    if (!end_.is_confirmed) {
      confirm_newest(log(), *newest);
      end_.is_confirmed = true;
    }
    require_writable(features_of(*newest));

    if (plan.snapshot) {
      if (const v1::SnapshotEntry* entry = find_snapshot_of_run(*newest, as_bytes(plan.snapshot->run()))) {
        outcome.committed = true;
        outcome.generation = newest->generation();
        outcome.snapshot_id = crypto::BlobId::from_bytes(as_bytes(entry->id()));
        return outcome;
      }
    }
    if (!plan.removal.empty()) {
      if (plan.removal.decided_on != newest->generation()) {
        outcome.overtaken = true;
        return outcome;
      }
      check_removal(plan, *newest);
    }
    if (find_lost(plan, *newest, lookout, outcome)) return outcome;
    if (!replaced) replaced = packs_of_replaced(plan.removal, *newest);
    prepare_segments(plan, *replaced, *newest, lookout, segments, outcome);

    Record record = begin_record(*newest);
    if (plan.has_differences) record.features.read |= kDifferencesFeature;
    add_snapshots(plan, *newest, record, outcome);
    add_roots(plan, *newest, segments, record);
    add_segments(segments, record);
    add_removal(plan.removal, *newest, record);
    if (plan.index_from) {
      require_remover("where the index is read from is said by the machine that made the repository");
      record.body.set_index_from(index_source_text(*plan.index_from));
    }
    if (!changes_anything(record.body, *newest)) {
      outcome.committed = true;
      outcome.generation = newest->generation();
      return outcome;
    }
    if (commit_record(*newest, record, segments, outcome)) return outcome;
    known = newest->generation() + 1;
  }
}

// Whether the plan rests on something that is not so any more.
bool Repository::find_lost(const CommitPlan& plan, const v1::RepositoryState& state, Lookout& lookout,
                           CommitOutcome& outcome) {
  std::set<ObjectName> own;
  for (const FinishedPack& pack : plan.packs) {
    own.insert(pack.name);
    if (lookout.is_removed(state, pack.name)) {
      outcome.lost_names.insert(pack.name);
    } else if (!index_.is_live(pack.name) && !lookout.seen_packs.contains(pack.name)) {
      // A record was read before this look, and every one is read until the commit: had the pack been removed
      // after the look, one of them condemned it. Had it been before the look, and put anew by a call that
      // was repeated, one of those condemned it that were read since it was first put.
      if (exists(pack)) {
        lookout.seen_packs.insert(pack.name);
      } else {
        outcome.lost_names.insert(pack.name);
      }
    }
  }
  for (const ObjectName& name : plan.names) {
    if (own.contains(name)) continue;
    if (lookout.is_removed(state, name) || !index_.is_live(name)) outcome.lost_names.insert(name);
  }
  for (const crypto::BlobId& id : plan.base_snapshots) {
    // One that a repair has marked may lack content, and a snapshot that rests on it would, unmarked.
    const v1::SnapshotEntry* base = find_snapshot(state, id.view());
    if (base == nullptr || (plan.snapshot && base->recovered())) outcome.lost_snapshots.insert(id);
  }
  return !outcome.lost_names.empty() || !outcome.lost_snapshots.empty();
}

bool Repository::exists(const FinishedPack& pack) const {
  return context_.destination->size(pack_key(pack.name)) == pack.size;
}

// Segments stay what they are from one try to the next, unless packs became live in between (an earlier
// commit of the same plan, whose answer was lost) or a segment was taken for an orphan and condemned.
void Repository::prepare_segments(const CommitPlan& plan, const std::vector<FinishedPack>& replaced,
                                  const v1::RepositoryState& state, const Lookout& lookout,
                                  Segments& segments, CommitOutcome& outcome) {
  std::vector<const FinishedPack*> packs;
  std::vector<ObjectName> names;
  for (const FinishedPack& pack : plan.packs) {
    if (index_.is_live(pack.name) || std::ranges::find(names, pack.name) != names.end()) continue;
    packs.push_back(&pack);
    names.push_back(pack.name);
  }
  for (const FinishedPack& pack : replaced) {
    packs.push_back(&pack);
    names.push_back(pack.name);
  }
  const bool usable =
      names == segments.packs && std::ranges::none_of(segments.sealed, [&](const SealedSegment& segment) {
        return lookout.is_removed(state, segment.name);
      });
  if (!usable) segments = make_segments(std::move(packs), outcome);
}

Repository::Segments Repository::make_segments(std::vector<const FinishedPack*> packs,
                                               CommitOutcome& outcome) {
  Segments segments;
  std::vector<FinishedPack> group;
  std::uint64_t entries = 0;
  const auto seal_group = [&] {
    if (group.empty()) return;
    Bytes payload = build_segment_payload(group);
    segments.sealed.push_back(seal_segment(payload, keyring(), header_.repository, context_.writer->uuid()));
    segments.payloads.push_back(std::move(payload));
    group.clear();
    entries = 0;
  };
  for (const FinishedPack* pack : packs) {
    if (entries + pack->blob_count() > kSegmentTarget) seal_group();
    entries += pack->blob_count();
    group.push_back(*pack);
    segments.packs.push_back(pack->name);
  }
  seal_group();

  segments.inlined =
      segments.sealed.size() == 1 && segments.sealed.front().object.size() <= kMaximumInlinedSegment;
  if (segments.inlined) return segments;
  for (const SealedSegment& segment : segments.sealed) {
    context_.destination->put(segment_key(segment.name), segment.object);
    outcome.stored_bytes += segment.object.size();
  }
  return segments;
}

void Repository::add_segments(const Segments& segments, Record& record) {
  for (const SealedSegment& segment : segments.sealed) {
    v1::SegmentReference& reference = *record.body.add_add_segments();
    reference.set_name(segment.name.value.data(), segment.name.value.size());
    reference.set_entries(segment.entries);
    reference.set_size(segment.object.size());
    if (segments.inlined) reference.set_inlined(segment.object.data(), segment.object.size());
  }
}

v1::Writer Repository::own_entry(v1::Role role) const {
  v1::Writer entry;
  entry.set_uuid(context_.writer->uuid().value.data(), context_.writer->uuid().value.size());
  entry.set_public_key(context_.writer->public_key().data(), context_.writer->public_key().size());
  entry.set_role(role);
  entry.set_host(context_.host);
  return entry;
}

// What every record has; its writer's entry if the state does not list it.
Record Repository::begin_record(const v1::RepositoryState& state) const {
  Record record;
  record.features = features_of(state);
  record.parameters = state.parameters();
  record.body.set_generation(state.generation() + 1);
  record.body.set_previous(state.record_hash());
  record.body.set_log_uuid(state.log_uuid());
  record.body.set_writer(context_.writer->uuid().value.data(), context_.writer->uuid().value.size());
  const TimePoint now = context_.clock->now();
  record.body.mutable_time()->set_seconds(now.seconds);
  record.body.mutable_time()->set_nanos(now.nanos);
  record.body.set_index_from(state.index_from());
  if (find_writer(state, context_.writer->uuid()) == nullptr) {
    const bool first = state.generation() == 0;
    *record.body.add_set_writers() = own_entry(first ? v1::ROLE_REMOVE : v1::ROLE_ADD);
  }
  return record;
}

void Repository::add_snapshots(const CommitPlan& plan, const v1::RepositoryState& state, Record& record,
                               CommitOutcome& outcome) const {
  if (plan.snapshot) {
    v1::SnapshotEntry& entry = *record.body.add_add_snapshots();
    v1::Snapshot& snapshot = *entry.mutable_snapshot();
    snapshot = *plan.snapshot;
    // The number is part of what the id is made of. So a snapshot that its run has numbered keeps that,
    // whatever came first here: it has one id at all destinations.
    if (snapshot.sequence() == 0) snapshot.set_sequence(next_sequence(state, snapshot.set().uuid()));
    const crypto::BlobId id = hasher_.id(crypto::BlobKind::kSnapshot, as_bytes(snapshot.SerializeAsString()));
    entry.set_id(id.value.data(), id.value.size());
    outcome.snapshot_id = id;
  }
  for (const v1::SnapshotEntry& recovered : plan.recovered_snapshots) {
    if (find_snapshot(state, as_bytes(recovered.id())) != nullptr) continue;
    v1::SnapshotEntry& entry = *record.body.add_add_snapshots();
    entry = recovered;
    entry.set_recovered(true);
  }
}

void Repository::add_roots(const CommitPlan& plan, const v1::RepositoryState& state, const Segments& segments,
                           Record& record) const {
  for (const v1::UnfinishedRoot& planned : plan.set_roots) {
    v1::UnfinishedRoot& root = *record.body.add_set_roots();
    root = planned;
    if (root.writer().empty()) root.set_writer(record.body.writer());
    if (const v1::UnfinishedRoot* earlier = find_root(state, as_bytes(root.run()))) {
      for (const std::string& segment : earlier->segments()) add_name(*root.mutable_segments(), segment);
    }
    for (const SealedSegment& segment : segments.sealed) {
      add_name(*root.mutable_segments(), as_text(segment.name.view()));
    }
  }
  for (const Uuid& run : plan.remove_roots) {
    if (find_root(state, run.view()) != nullptr) {
      record.body.add_remove_roots(run.value.data(), run.value.size());
    }
  }
}

bool Repository::commit_record(const v1::RepositoryState& state, const Record& record, const Segments& own,
                               CommitOutcome& outcome) {
  const SealedRecord sealed = seal_record(record, *context_.writer, keyring(), header_.repository);
  // What nobody could read or would accept is not written.
  v1::RepositoryState next;
  LogEnd end = end_;
  const bool state_is_due = is_state_due(end_, record.body);
  try {
    const OpenedRecord opened =
        open_record(sealed.object, record.body.generation(), keyring(), header_.repository);
    next = apply(state, opened);
    // A log begins anew with its first record.
    if (state.generation() == 0) end = {};
    end.add_created(opened);
  } catch (const Error& error) {
    throw Error(ErrorKind::kInternal, std::string("a record that nobody would accept: ") + error.what());
  }
  // Should the answer be lost, it is not known what is in the log, and the next commit lists it.
  const std::optional<Look> looked = std::exchange(looked_, std::nullopt);
  if (!create_record(*context_.destination, record.body.generation(), sealed)) return false;
  outcome.committed = true;
  outcome.generation = record.body.generation();
  outcome.stored_bytes += sealed.object.size();
  awaited_.note(record.body);
  if (!own.inlined) {
    for (const SealedSegment& segment : own.sealed) shelf_.keep(segment.name, segment.object);
  }
  adopt(std::move(next), std::move(end), own);
  looked_ = looked;
  if (state_is_due) put_state(outcome);
  return true;
}

// A short cut for whoever opens the repository without a cache. The record stands whether it can be written
// or not.
void Repository::put_state(CommitOutcome& outcome) {
  const std::shared_ptr<const v1::RepositoryState> newest = state();
  crypto::Digest hash;
  std::ranges::copy(as_bytes(newest->record_hash()), hash.begin());
  const Bytes object = seal_state(*newest, keyring(), header_.repository, context_.writer->uuid());
  try {
    context_.destination->put(state_key(newest->generation(), hash), object);
    outcome.stored_bytes += object.size();
  } catch (const Error&) {
    // The next one will be written by whoever commits it.
  }
}

// Takes the place of the record that would come next in the log that is replaced: whoever is about to commit
// there and has not seen the new log is told that somebody was first, looks, and finds it. Otherwise such a
// commit would be one that nobody ever reads. A crash between this and the new log's first record leaves a
// log that nobody can continue, as the damaged one was: repair is run again. `last`: the newest record that
// is there, 0 for none; where this machine has seen a later one, its place is taken as well. `next`: of the
// new log.
void Repository::end_log(std::uint64_t last, const Record& next) {
  for (const std::uint64_t seen : std::set<std::uint64_t>{last, pin_.generation}) {
    if (seen == 0 || log_number(seen + 1) != log_number(seen)) continue;
    Record end = next;
    end.body.Clear();
    end.body.set_generation(seen + 1);
    end.body.set_log_uuid(next.body.log_uuid());
    end.body.set_writer(next.body.writer());
    *end.body.mutable_time() = next.body.time();
    const SealedRecord sealed = seal_record(end, *context_.writer, keyring(), header_.repository);
    if (create_record(*context_.destination, seen + 1, sealed) || seen != last) continue;
    throw Error(ErrorKind::kConflict, "somebody else commits to the repository at " +
                                          context_.destination->describe() + ": run garner repair again");
  }
}

CommitOutcome Repository::rebuild_log(const CommitPlan& plan, std::uint64_t highest_generation_seen,
                                      const v1::Parameters& parameters) {
  std::lock_guard lock(log_mutex_);
  check_parameters(parameters);
  CommitOutcome outcome;
  std::vector<const FinishedPack*> packs;
  for (const FinishedPack& pack : plan.packs) {
    packs.push_back(&pack);
    if (!exists(pack)) outcome.lost_names.insert(pack.name);
  }
  if (!outcome.lost_names.empty()) return outcome;

  std::uint64_t highest = std::max(highest_generation_seen, pin_.generation);
  const std::vector<ListedRecord> listed = list_records(*context_.destination, 0);
  if (!listed.empty()) highest = std::max(highest, listed.back().generation);
  if (log_number(highest) == log_number(~std::uint64_t{0})) {
    throw Error(ErrorKind::kDamaged, "no log can follow generation " + std::to_string(highest));
  }
  const Segments segments = make_segments(std::move(packs), outcome);
  const v1::RepositoryState nothing;
  Record record = begin_record(nothing);
  record.parameters = parameters;
  if (plan.has_differences) record.features.read |= kDifferencesFeature;
  record.body.set_generation(first_generation(log_number(highest) + 1));
  const Uuid log_uuid = Uuid::random();
  record.body.set_log_uuid(log_uuid.value.data(), log_uuid.value.size());
  // What packs do not say, and this machine may know.
  if (const auto known = read_state_cache(folder_ + "/state", header_.repository))
    record.body.set_index_from(known->log.state.index_from());
  CommitPlan recovered;
  recovered.recovered_snapshots = plan.recovered_snapshots;
  add_snapshots(recovered, nothing, record, outcome);
  for (const crypto::BlobId& id : plan.removal.pin) {
    record.body.add_pin(id.value.data(), id.value.size());
    record.features.prune |= kPinsFeature;
  }
  for (const auto& [id, tags] : plan.removal.give_tags) give_tags(id, tags, record);
  add_segments(segments, record);
  end_log(listed.empty() ? 0 : listed.back().generation, record);
  whole_log_read_ = true;  // the state is made here
  if (!commit_record(nothing, record, segments, outcome)) {
    throw Error(ErrorKind::kConflict, "somebody else rebuilt the log of the repository at " +
                                          context_.destination->describe() + " at the same time");
  }
  return outcome;
}

}  // namespace garner::store
