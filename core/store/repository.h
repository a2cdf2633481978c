// A repository at a destination: its keys, its log and state, the local copy of its index, reading of blobs,
// and the commit that is the only thing that changes what it holds. Thread-safe unless a method says
// otherwise.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/clock.h"
#include "chunking/chunker.h"
#include "crypto/blob_id.h"
#include "crypto/signing.h"
#include "destination/destination.h"
#include "store/awaited_names.h"
#include "store/blob_reader.h"
#include "store/blob_source.h"
#include "store/index.h"
#include "store/index_source.h"
#include "store/log.h"
#include "store/pin.h"
#include "store/record.h"
#include "store/repository_header.h"
#include "store/segment.h"
#include "store/segment_shelf.h"
#include "store/snapshot_tags.h"
#include "store/state.h"

namespace garner::store {

// What a remover takes away or marks (commit_removal.cc). Whoever condemns has marked everything that is
// reachable from the state of generation `decided_on`, and holds nothing of it; whoever forgets has decided
// by its snapshots. So nothing is committed on any other state.
struct Removal {
  std::optional<std::uint64_t> decided_on;    // must be set when anything else is
  std::set<crypto::BlobId> remove_snapshots;  // listed and not pinned
  std::set<crypto::BlobId> pin;               // listed
  std::set<crypto::BlobId> unpin;
  std::map<crypto::BlobId, Tags> give_tags;  // listed; all that each has from then on
  // Listed snapshots of which content is lost: recovered from now on, in their place, with pin and tags.
  std::set<crypto::BlobId> mark_recovered;
  std::set<ObjectName> condemn;  // packs, and segments that no state lists
  std::set<ObjectName> drop;     // condemned earlier; their objects are deleted
  // Live segments that no unfinished root names: they are condemned, and what they say of packs that are
  // neither dead nor dropped here stands in new segments.
  std::set<ObjectName> replace_segments;
  std::vector<Uuid> remove_roots;  // runs, also of other writers
  bool empty() const {
    return remove_snapshots.empty() && pin.empty() && unpin.empty() && give_tags.empty() &&
           mark_recovered.empty() && condemn.empty() && drop.empty() && replace_segments.empty() &&
           remove_roots.empty();
  }
};

// What a writer wants to become part of the repository, and everything that rests on.
struct CommitPlan {
  std::vector<FinishedPack> packs;  // of this writer, published at the destination: segments are made of them
  std::optional<v1::Snapshot> snapshot;       // numbered by commit() where its sequence is 0
  std::vector<v1::UnfinishedRoot> set_roots;  // commit() adds the segments made here and earlier
  std::vector<Uuid> remove_roots;             // run uuids
  std::vector<v1::SnapshotEntry> recovered_snapshots;
  std::set<ObjectName> names;               // packs that hold blobs the snapshot or root refers to
  std::set<crypto::BlobId> base_snapshots;  // snapshots below which trees were taken as known
  Removal removal;
  // Content may be stored as differences: the record says so, for good. Takes may_store_differences().
  bool has_differences = false;
  // From now on, for every machine. Takes a remover.
  std::optional<IndexSource> index_from;
};

struct CommitOutcome {
  bool committed = false;
  std::uint64_t generation = 0;               // of the record, when committed
  std::optional<crypto::BlobId> snapshot_id;  // when the plan had one
  std::uint64_t stored_bytes = 0;             // objects written by this call
  // When not committed, why: what the plan rests on and the newest state does not hold any more.
  std::set<ObjectName> lost_names;
  std::set<crypto::BlobId> lost_snapshots;
  // A removal that was decided on another state than the newest: to be decided again on that.
  bool overtaken = false;
};

// What other machines have added to a log, as a look at it has shown.
struct Growth {
  std::uint64_t records = 0;
  std::uint64_t segments = 0;
  std::uint64_t snapshots = 0;
  std::vector<std::string> hosts;  // of the writers
  TimePoint time;                  // of the look
};

// All pointers but the last two are set, and outlive the repository. One Repository object at a time uses a
// cache folder.
struct RepositoryContext {
  std::shared_ptr<destination::Destination> destination;
  crypto::Keyring keyring;
  const crypto::WriterKey* writer = nullptr;
  PinStore* pins = nullptr;
  const Clock* clock = nullptr;
  std::string cache_folder;  // for the local copy of index and state; a sub-folder a repository is made in it
  std::string host;          // for the writer's entry in the log
  // Bytes of metadata packs that are kept there of a place where asking costs something; 0: none.
  std::uint64_t metadata_cache = 0;
  // The repository that was at this destination before; nil where none was yet. Without it another repository
  // that was put in its place would be taken for a new one.
  Uuid expected_repository = {};
  // Where the index may be read from and is written to as well, where the state says so; may be empty.
  SegmentShelf::FindPlace shelf = {};
  // Bounds of memory for all repositories that share them; without them this one has its own.
  std::shared_ptr<FilterBudget> filters = nullptr;
  std::shared_ptr<FrameCache> frames = nullptr;
};

// How old the last listing of a log may be for a commit that adds no packs and removes nothing.
inline constexpr std::chrono::minutes kLookIsGoodFor{10};
// The same for a state that somebody begins with who had the repository opened for that.
inline constexpr std::chrono::minutes kLookToBeginWith{1};

class Repository final : public BlobSource {
 public:
  // Makes a repository where there is none: slots, header, record 1 that lists this writer as a remover, each
  // durable before the next. A crash in between leaves what the next create() with the same keyring
  // completes, with the same or other slots. Error(kAlreadyExists) when a repository with a log or packs is
  // there: open it; Error(kNotARepository) when the header is missing where other objects of a repository
  // are; Error(kWrongKey) when an unfinished one of another keyring is there; Error(kInvalidInput) for
  // impossible parameters.
  static std::unique_ptr<Repository> create(RepositoryContext context, const std::vector<v1::KeySlot>& slots,
                                            const v1::Parameters& parameters);
  // Opens one that is there: checks the header against the keyring and the pin (Error(kForked) when uuid,
  // mode or hash are not those expected and pinned), reads the state and every newer record, and brings the
  // local index up to date. Writes nothing to the destination: a writer that the log does not list is added
  // by the first record it commits. Error(kDamaged), with the advice to run repair, where the log is missing
  // or unreadable; Error(kForked) where it does not continue what the pin says was seen.
  static std::unique_ptr<Repository> open(RepositoryContext context);
  // Opens one whose log does not continue what the pin says was seen (Error(kForked) of open()), because
  // somebody who has looked says that it is meant: from now on what is there is what was seen. `generation`
  // is the newest record; Error(kConflict) when it is another one, and when the log is not refused at all.
  // Error(kDamaged) when a record or segment is unreadable, or a live pack is not there: whoever stores blobs
  // relies on packs that are listed. Nothing is written to the destination, and nothing has changed after an
  // error. Error(kForked) still when the header is another one, or the log does not hold together by itself.
  static std::unique_ptr<Repository> accept_log(RepositoryContext context, std::uint64_t generation);
  // For repair: header and keys only; state() is empty until rebuild_log().
  static std::unique_ptr<Repository> open_without_log(RepositoryContext context);
  // Whether open() refuses the log that is there now, for it does not continue what the pin says was seen.
  // Reads the log as a machine without a cache. Errors: as open().
  bool is_refused();
  ~Repository() override;

  const RepositoryHeader& header() const { return header_; }
  const crypto::Keyring& keyring() const { return *keyring_.load(); }
  const crypto::WriterKey& writer() const { return *context_.writer; }
  // What this machine has seen of the log, also of one that open() refuses.
  Pin seen() const;
  destination::Destination& destination() { return *context_.destination; }
  const crypto::BlobHasher& hasher() const { return hasher_; }
  const chunking::Chunker& chunker() const;  // by the repository's parameters; Error(kConflict) without a log
  const Index& index() const { return index_; }
  // What packs made now need to know. The first call reads the recovery slot from the destination. The
  // keyring it points to lives as long as the repository.
  PackContext pack_context() const;

  // The newest state read. Immutable; a later state is another object. Of generation 0 without a log.
  std::shared_ptr<const v1::RepositoryState> state() const;

  // One listing of log/ from the newest known records on; reads what is newer and updates state, pin and
  // index. Error(kForked) when the newest known record is not there any more, what is newer does not continue
  // it, or the log uuid has changed; Error(kDamaged) when the log is missing or a record unreadable.
  // Nothing at all where asking costs something and the last listing is not older than `good_for`: for
  // whoever wants a state to begin with. What rests on it is checked by commit().
  void refresh(std::chrono::seconds good_for = std::chrono::seconds(0));

  // What the last look has shown that others have added; nothing while no look of this process has.
  std::optional<Growth> growth() const;

  // Where the state says that the index is read from another destination: puts there what is missing of it,
  // and takes away what nobody lists any more. False when that destination is away, full, or not one of this
  // machine's. Others refresh and commit meanwhile. Errors of this repository's own destination.
  bool tidy_shelf();

  // Commits (docs/architecture.md): puts the segment, checks the plan against the newest state, creates the
  // next record exclusively, and tries again on the record that came first. The log is listed before, unless
  // that was done not long ago and the plan adds no packs and removes nothing (may_go_by_last_look). Own
  // packs are seen to exist after a record was read since which every record was read. An error leaves
  // nothing but garbage behind, or, if the answer of the destination was lost or the local copy could not be
  // brought up to date, the record: the same plan committed again is then found to be committed. Packs that
  // are live already are not added again; a plan that changes nothing commits nothing. A new writer is listed
  // with ROLE_ADD. Error(kForked) as refresh(), and when the newest record is another than was seen;
  // Error(kNewerFormat) when writing takes a feature that this version does not know. A plan with a removal:
  // Error(kPermissionDenied) unless the log lists this writer with ROLE_REMOVE; Error(kConflict) for a
  // snapshot that is pinned or a segment of an unfinished run; the log is read whole before, as by
  // read_whole_log(), and the plan is overtaken when that leads to another state than was loaded.
  CommitOutcome commit(const CommitPlan& plan);

  // Whoever removes anything trusts no state that somebody else wrote: reads every record of the log, unless
  // this machine did so before (then those since have been read one by one), and takes what they lead to for
  // the state, whatever was loaded. Error(kDamaged) when a record cannot be read. `good_for` as refresh().
  void read_whole_log(std::chrono::seconds good_for = std::chrono::seconds(0));
  // Reads this machine's copy of the index whole, and fetches anew what does not verify, which it tells the
  // log of. `step`: now and then; may throw. Errors as refresh().
  void verify_index(const std::function<void()>& step);
  // Whether the log lists this writer with ROLE_REMOVE.
  bool may_remove() const;

  // Whether a snapshot of this writer's may hold differences: the log says so already, or the writer may set
  // flags.
  bool may_store_differences() const;

  // The snapshot that a run has committed, if it has: how a run that was cut off in its commit learns that it
  // won.
  std::optional<v1::SnapshotEntry> snapshot_of_run(const Uuid& run) const;
  // Listed snapshots that are in no live pack yet: whoever writes a metadata pack next puts them into it.
  std::vector<v1::Snapshot> snapshots_without_pack() const;

  // BlobSource. Tries every live location, then packs given to set_uncommitted(); when none has it, reads
  // what is new in the log and tries again, for a prune may just have moved it.
  Bytes read(crypto::BlobKind kind, const crypto::BlobId& id) override;
  BlobView view(crypto::BlobKind kind, const crypto::BlobId& id) override;
  // The same past everything that this machine has of it: for whoever asks what is at the destination. It
  // keeps frames that it has read in memory for as long as it lives. The repository outlives it.
  std::unique_ptr<BlobSource> stored();
  // Trees, lists and snapshots from what this machine has kept of them alone: nothing is asked of the
  // destination. Null where it keeps none. Its read() says Error(kNotFound) or Error(kDamaged) for all else.
  // The repository outlives it.
  std::unique_ptr<BlobSource> kept();
  // A blob without a live location from a condemned pack, as long as that is there: for rescue.
  // Error(kNotFound); Error(kDamaged), also when the pack was deleted.
  Bytes read_condemned(crypto::BlobKind kind, const crypto::BlobId& id);
  // The raw bytes of a whole frame as it is at the destination, not verified against ids (the caller computes
  // them), not cached, in `memory`. `run`: frames of which it may be one, and which are read together; may be
  // null.
  ByteView read_frame(const BlobLocation& location, Scratch& memory, FrameRun* run = nullptr);
  // Puts a finished pack, the durable file `path`, as Destination::put_file. Its name is awaited from then on
  // (awaited_names.h): no commit adds it should anybody condemn it meanwhile.
  void publish(const FinishedPack& pack, const std::string& path);
  // The same for packs that an earlier process has published, none of them before the record of generation
  // `since`: reads those after it once more. 0: that is not known, and none is read.
  void await(const std::vector<ObjectName>& published, std::uint64_t since);
  // Blobs in packs that are published but not committed, as a resumed run knows them: read() finds them too.
  void set_uncommitted(const std::vector<FinishedPack>& packs);

  // Repair: replaces the state by one made from packs alone, under a new log uuid, in a generation above any
  // that could have been. `plan` names every pack and, as recovered, the snapshots whose closure is complete,
  // whether they have differences, and those of them that are to be pinned; nothing else of it is used. This
  // writer is listed as a remover. Not committed when a pack is not there (lost_names). Error(kConflict) when
  // somebody else rebuilt the log at the same time.
  CommitOutcome rebuild_log(const CommitPlan& plan, std::uint64_t highest_generation_seen,
                            const v1::Parameters& parameters);

  // After `key rotate`: every slot got its extension; new writes use the new epoch from now on. Call it while
  // no run writes.
  void set_keyring(crypto::Keyring keyring);

 private:
  struct Segments;
  struct Lookout;
  class StoredBlobs;
  class KeptBlobs;
  class GrowthCounter {
   public:
    explicit GrowthCounter(const Uuid& own) : own_(as_text(own.view())) {}
    void add(const v1::RecordBody& body);
    const std::set<std::string>& writers() const { return writers_; }
    Growth growth;

   private:
    const std::string own_;
    std::set<std::string> writers_;  // uuids
  };
  // When the log was last listed, by both clocks: one stands still while the machine sleeps, the other may be
  // put back.
  struct Look {
    std::chrono::steady_clock::time_point steady{};
    TimePoint wall{};
  };

  Repository(RepositoryContext context, RepositoryHeader header);
  static std::unique_ptr<Repository> open_header(RepositoryContext context);
  void create_first_record(const v1::Parameters& parameters);

  template <typename Read>
  auto read_or_refresh(const Read& read);

  // The rest is called with log_mutex_ held.
  LogContext log() const { return {*context_.destination, keyring(), header_.repository}; }
  void refresh_from(std::uint64_t known, const RecordSeen& seen);
  void refresh_unless(std::chrono::seconds good_for);
  Look look_now() const;
  bool looked_within(std::chrono::seconds time) const;
  bool may_go_by_last_look(const CommitPlan& plan) const;
  // Makes `state`, and `end` of the log that leads to it, the newest: index, state, pin, local copy, in this
  // order. `own`: segments made here.
  void adopt(v1::RepositoryState state, LogEnd end, const Segments& own);
  void turn_to_index_of(const v1::RepositoryState& state);
  Bytes fetch_segment(const v1::SegmentReference& segment);
  void forget_waiting_segments();
  bool is_refused_locked();
  void require_live_packs();
  CommitOutcome commit_locked(const CommitPlan& plan);
  void note_growth(const GrowthCounter& counter);
  Pin pin_of(const v1::RepositoryState& state) const;
  void save_pin();
  bool take_whole_log();  // false when something else than was loaded is the state now
  void require_remover(const char* who) const;
  void check_removal(const CommitPlan& plan, const v1::RepositoryState& state);
  void add_removal(const Removal& removal, const v1::RepositoryState& state, Record& record) const;
  std::vector<FinishedPack> packs_of_replaced(const Removal& removal, const v1::RepositoryState& state);

  bool find_lost(const CommitPlan& plan, const v1::RepositoryState& state, Lookout& lookout,
                 CommitOutcome& outcome);
  bool exists(const FinishedPack& pack) const;
  void prepare_segments(const CommitPlan& plan, const std::vector<FinishedPack>& replaced,
                        const v1::RepositoryState& state, const Lookout& lookout, Segments& segments,
                        CommitOutcome& outcome);
  Segments make_segments(std::vector<const FinishedPack*> packs, CommitOutcome& outcome);
  static void add_segments(const Segments& segments, Record& record);
  Record begin_record(const v1::RepositoryState& state) const;
  void add_snapshots(const CommitPlan& plan, const v1::RepositoryState& state, Record& record,
                     CommitOutcome& outcome) const;
  void add_roots(const CommitPlan& plan, const v1::RepositoryState& state, const Segments& segments,
                 Record& record) const;
  v1::Writer own_entry(v1::Role role) const;
  // Creates the record that follows `state` and adopts it. False when another one was first.
  bool commit_record(const v1::RepositoryState& state, const Record& record, const Segments& own,
                     CommitOutcome& outcome);
  void put_state(CommitOutcome& outcome);
  void end_log(std::uint64_t last, const Record& next);

  RepositoryContext context_;
  RepositoryHeader header_;
  const std::string folder_;  // of the local copy
  // Every keyring there was, for packs being read or written refer to theirs.
  std::vector<std::unique_ptr<const crypto::Keyring>> later_keyrings_;
  std::atomic<const crypto::Keyring*> keyring_;
  crypto::BlobHasher hasher_;
  Index index_;
  std::optional<MetadataCache> metadata_;
  BlobReader reader_;
  AwaitedNames awaited_;

  mutable std::mutex log_mutex_;  // of what follows: one refresh or commit at a time
  Pin pin_;                       // as saved
  LogEnd end_;
  std::optional<Look> looked_;  // nothing after an error that leaves open what is in the log
  bool whole_log_read_ = false;
  SegmentShelf shelf_;

  mutable std::mutex state_mutex_;  // of what follows; nothing is waited for under it
  std::shared_ptr<const v1::RepositoryState> state_;
  std::optional<Growth> growth_;
  std::unique_ptr<const chunking::Chunker> chunker_;

  mutable std::mutex recovery_slot_mutex_;
  mutable std::optional<Bytes> recovery_slot_;
};

}  // namespace garner::store
