// A repository at a destination: its keys, its log and state, the local copy of its index, reading of blobs, and the
// commit that is the only thing that changes what it holds. Thread-safe unless a method says otherwise.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "base/clock.h"
#include "chunking/chunker.h"
#include "crypto/blob_id.h"
#include "crypto/signing.h"
#include "destination/destination.h"
#include "store/blob_source.h"
#include "store/index.h"
#include "store/pin.h"
#include "store/record.h"
#include "store/repository_header.h"
#include "store/state.h"

namespace garner::store {

// What a writer wants to become part of the repository, and everything that rests on.
struct CommitPlan {
  std::vector<FinishedPack> packs;             // of this writer, published at the destination: a segment is made of them
  std::optional<v1::Snapshot> snapshot;        // its sequence is set by commit()
  std::vector<v1::UnfinishedRoot> set_roots;   // commit() adds the segment made here to them
  std::vector<Uuid> remove_roots;              // run uuids
  std::vector<v1::SnapshotEntry> recovered_snapshots;
  std::set<ObjectName> names;                  // packs that hold blobs the snapshot or root refers to
  std::set<crypto::BlobId> base_snapshots;     // snapshots below which trees were taken as known
};

struct CommitOutcome {
  bool committed = false;
  std::uint64_t generation = 0;                // of the record, when committed
  std::optional<crypto::BlobId> snapshot_id;   // when the plan had one
  std::uint64_t stored_bytes = 0;              // objects written by this call
  // When not committed, why: what the plan rests on and the newest state does not hold any more.
  std::set<ObjectName> lost_names;
  std::set<crypto::BlobId> lost_snapshots;
};

struct RepositoryContext {
  std::shared_ptr<destination::Destination> destination;
  crypto::Keyring keyring;
  const crypto::WriterKey* writer = nullptr;
  PinStore* pins = nullptr;
  const Clock* clock = nullptr;
  std::string cache_folder;   // for the local copy of index and state; a sub-folder a repository is made in it
  std::string host;           // for the writer's entry in the log
};

class Repository final : public BlobSource {
 public:
  // Makes a repository where there is none: header, slots, record 1 that lists this writer. A crash in between leaves
  // what the next create() with the same keyring completes (the header is written last but for record 1).
  static std::unique_ptr<Repository> create(RepositoryContext context, const std::vector<v1::KeySlot>& slots,
                                            const v1::Parameters& parameters);
  // Opens one that is there: checks the header against the keyring and the pin (Error(kForked) when uuid, mode or hash
  // are not those pinned), reads the state and every newer record, brings the local index up to date, and adds this
  // writer to the log when it is to write (see enroll). Error(kDamaged), with the advice to run repair, where the log is
  // missing.
  static std::unique_ptr<Repository> open(RepositoryContext context);
  // For repair: header and keys only; state() is empty until rebuild_log().
  static std::unique_ptr<Repository> open_without_log(RepositoryContext context);
  ~Repository() override;

  const RepositoryHeader& header() const { return header_; }
  const crypto::Keyring& keyring() const { return context_.keyring; }
  const crypto::WriterKey& writer() const { return *context_.writer; }
  destination::Destination& destination() { return *context_.destination; }
  const crypto::BlobHasher& hasher() const { return hasher_; }
  const chunking::Chunker& chunker() const;   // by the repository's parameters
  const Index& index() const { return index_; }
  // What packs made now need to know.
  PackContext pack_context() const;

  // The newest state read. Immutable; a later state is another object.
  std::shared_ptr<const v1::RepositoryState> state() const;

  // One listing of log/ from the newest known record on; reads what is newer and updates state, pin and index.
  // Error(kForked) when the newest known record is not there any more or differs from what was seen, or the log uuid
  // has changed.
  void refresh();

  // Commits (DESIGN section 4): puts the segment, checks the plan against the newest state, creates the next record
  // exclusively, and tries again on the record that came first. Own packs are seen to exist after a record was read
  // since which every record was read. Errors of the destination leave nothing but garbage behind.
  CommitOutcome commit(const CommitPlan& plan);

  // The snapshot that a run has committed, if it has: how a run that was cut off in its commit learns that it won.
  std::optional<v1::SnapshotEntry> snapshot_of_run(const Uuid& run) const;

  // BlobSource. Data frames pass through a small cache, metadata frames through a larger one (bounded in bytes).
  Bytes read(crypto::BlobKind kind, const crypto::BlobId& id) override;
  // The raw bytes of a whole frame, not verified against ids (the caller computes them), not cached.
  Bytes read_frame(const BlobLocation& location);
  // Blobs in packs that are published but not committed, as a resumed run knows them: read() finds them too.
  void set_uncommitted(const std::vector<FinishedPack>& packs);

  // Repair: replaces the state by one made from packs alone, under a new log uuid, in a generation above any that
  // could have been. `plan` names every pack and the snapshots whose closure is complete.
  CommitOutcome rebuild_log(const CommitPlan& plan, std::uint64_t highest_generation_seen,
                            const v1::Parameters& parameters);

  // After `key rotate`: every slot got its extension; new writes use the new epoch from now on. Call it while no run
  // writes.
  void set_keyring(crypto::Keyring keyring);

 private:
  explicit Repository(RepositoryContext context);
  RepositoryContext context_;
  RepositoryHeader header_;
  crypto::BlobHasher hasher_;
  Index index_;
  struct FrameCache;
  std::unique_ptr<FrameCache> cache_;
};

}  // namespace garner::store
