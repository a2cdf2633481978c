// Where every blob of a repository is: the local copy of its live segments, kept as a few merged tables.
//
// A location counts only if its pack is named by a segment that is live in the state and is neither condemned nor dead
// in it. The same test holds for merged tables, which may still hold entries of segments that are gone.
//
// Thread-safe: lookups run on an immutable set of tables; update() replaces the set.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "garner/v1/store.pb.h"
#include "store/index_table.h"

namespace garner::store {

class Index {
 public:
  // `folder`: where the local copy is (created when missing). Whatever is found there and does not verify is deleted.
  explicit Index(std::string folder);
  ~Index();

  // Makes `state` what lookups answer from. A live segment without a local table is asked of `fetch`, which returns its
  // checked payload; tables that serve no live segment are deleted; many small tables are merged.
  using Fetch = std::function<Bytes(const v1::SegmentReference&)>;
  void update(const v1::RepositoryState& state, const Fetch& fetch);

  // A live location, or nothing.
  std::optional<BlobLocation> find(const crypto::BlobId& id) const;
  // Locations whose pack is condemned but may still exist: for rescue.
  std::optional<BlobLocation> find_condemned(const crypto::BlobId& id) const;
  bool is_live(const ObjectName& pack) const;
  std::vector<ObjectName> live_packs() const;
  // Entries of live packs, each pack's blobs counted as often as they are stored.
  std::uint64_t entries() const;
  // Every live location, table by table (a blob that several packs hold comes several times).
  void for_each(const std::function<void(const crypto::BlobId&, const BlobLocation&)>& visit) const;

 private:
  struct View;
  std::shared_ptr<const View> view() const;
  std::string folder_;
  std::mutex update_mutex_;
  mutable std::mutex view_mutex_;
  std::shared_ptr<const View> view_;
};

}  // namespace garner::store
