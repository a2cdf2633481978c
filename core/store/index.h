// Where every blob of a repository is: the local copy of its live segments, kept as a few merged tables.
//
// A location counts only if its pack is named by a segment that is live in the state and is neither condemned
// nor dead in it. The same test holds for merged tables, which may still hold entries of segments that are
// gone.
//
// Tables are merged like an LSM tree: as soon as more than four are of one size (within a factor of four)
// they become one, so that there are few tables and an entry is rewritten a handful of times. A merged table
// is durable before those it replaces are removed; whatever a crash leaves, update() picks tables that cover
// the live segments and removes the rest.
//
// Thread-safe: lookups run on an immutable set of tables; update() replaces the set.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "garner/v1/store.pb.h"
#include "store/index_table.h"

namespace garner::store {

class Index {
 public:
  // `folder`: where the local copy is (created when missing), for this object alone. Whatever table is found
  // there and does not verify is deleted. `budget` bounds the filters in memory of all indexes that share
  // it; without one this index has its own 96 MiB.
  explicit Index(std::string folder, std::shared_ptr<FilterBudget> budget = nullptr);
  ~Index();

  // Makes `state` what lookups answer from. A live segment without a local table is asked of `fetch`, which
  // returns its checked payload; tables that serve no live segment are deleted; many small tables are merged.
  // When it throws (whatever `fetch` throws, or the errors of writing local files), lookups answer as before,
  // and what was fetched is not fetched again.
  using Fetch = std::function<Bytes(const v1::SegmentReference&)>;
  void update(const v1::RepositoryState& state, const Fetch& fetch);

  // Forgets everything: the next update() fetches each live segment.
  void forget();
  // Reads all local tables, which lookups take on trust, and removes those that do not verify: their segments
  // are fetched by the next update(), and until then lookups answer as before. Whether that is still to come.
  // `step`: now and then; may throw.
  bool drop_damaged(const std::function<void()>& step);

  // A live location, or nothing. Error(kDamaged) when a local table points nowhere.
  std::optional<BlobLocation> find(const crypto::BlobId& id) const;
  // The pack of a live location: all that whoever stores blobs asks for, and faster.
  std::optional<ObjectName> find_pack(const crypto::BlobId& id) const;
  // Every live location: where to look when the first one turns out to be damaged.
  std::vector<BlobLocation> find_all(const crypto::BlobId& id) const;
  // Locations whose pack is condemned but may still exist: for rescue. Those that a table happens to have.
  std::optional<BlobLocation> find_condemned(const crypto::BlobId& id) const;
  bool is_live(const ObjectName& pack) const;
  // Bytes of a live pack, by its writer's word; nothing for any other.
  std::optional<std::uint64_t> size_of(const ObjectName& pack) const;
  // Whether a segment of the state names the pack, be it live, condemned or dead.
  bool is_named(const ObjectName& pack) const;
  // Each once.
  std::vector<ObjectName> live_packs() const;
  // Entries of live packs, each pack's blobs counted as often as they are stored.
  std::uint64_t entries() const;
  // Every live location, table by table (a blob that several packs hold comes several times; a pack that
  // several segments name comes once).
  void for_each(const std::function<void(const crypto::BlobId&, const BlobLocation&)>& visit) const;
  // The live segments that name one of these packs, as of the last update().
  std::set<ObjectName> segments_naming(const std::set<ObjectName>& packs) const;

  struct View;
  // The live entries as they are at one moment, each with a number: for marking which are in use in one bit
  // each. Stays as it is while the index is updated. Any thread.
  class Frozen {
   public:
    explicit Frozen(std::shared_ptr<const View> view);
    // Every number is below.
    std::uint64_t size() const { return size_; }
    // Of one live entry of the id, always the same one; nothing when no live pack has it.
    std::optional<std::uint64_t> number(const crypto::BlobId& id) const;
    // The pack of that entry.
    std::optional<ObjectName> pack(const crypto::BlobId& id) const;
    // The packs of all its live entries.
    std::vector<ObjectName> packs(const crypto::BlobId& id) const;
    // Every live entry, each with its pack: a blob that several packs hold comes several times, under several
    // numbers. Reads every table as a stream.
    struct Entry {
      std::uint64_t number = 0;
      const ObjectName* pack = nullptr;
      std::uint32_t length = 0;  // raw bytes
      crypto::BlobKind kind = crypto::BlobKind::kData;
    };
    void for_each(const std::function<void(const Entry&)>& visit) const;

   private:
    template <typename Found>
    bool find(const crypto::BlobId& id, const Found& found) const;

    std::shared_ptr<const View> view_;
    std::vector<std::uint64_t> first_numbers_;  // of each table
    std::uint64_t size_ = 0;
  };
  Frozen freeze() const;

 private:
  struct Standing;
  using Tables = std::vector<std::shared_ptr<const IndexTable>>;

  std::shared_ptr<const View> view() const;
  template <typename Found>
  auto find_where(const crypto::BlobId& id, bool (*counts)(std::uint8_t), const Found& found) const;
  std::uint8_t flags_of(const ObjectName& pack) const;
  std::string new_path();
  std::shared_ptr<const IndexTable> open_table(const std::string& path) const;
  void choose_tables(const Standing& standing);
  std::vector<const v1::SegmentReference*> missing(const v1::RepositoryState& state,
                                                   const Standing& standing) const;
  void fetch_missing(const v1::RepositoryState& state, const Standing& standing, const Fetch& fetch);
  void merge_tables(const Standing& standing);
  template <typename Choose>
  bool drop_tables(const Choose& is_chosen);

  const std::string folder_;
  const std::shared_ptr<FilterBudget> budget_;
  std::mutex update_mutex_;  // of tables_ and next_number_
  Tables tables_;
  bool is_update_due_ = false;  // lookups go by a table that was dropped
  std::uint64_t next_number_ = 1;
  mutable std::mutex view_mutex_;
  std::shared_ptr<const View> view_;
};

}  // namespace garner::store
