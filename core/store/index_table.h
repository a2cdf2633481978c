// A local table: the payloads of one or more segments merged, in a file that is searched with a filter in
// front (table_layout.h). It is a cache: written whole, fsynced and renamed, recognised as torn or foreign by
// its header, and made again then.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "store/segment.h"
#include "store/table_filter.h"
#include "store/table_layout.h"

namespace garner::store {

struct SegmentPayload {
  ObjectName name;
  Bytes payload;
};

// Immutable; const use is safe from any thread. The file may be removed while a table is open.
class IndexTable {
 public:
  // Writes the payloads of some segments as a table. Error(kDamaged) for a payload that check_segment_payload
  // refuses.
  static void write(const std::string& path, const std::vector<SegmentPayload>& segments);

  // What of the inputs goes into a merged table. The answer for a pack is the same wherever its name appears.
  struct Keep {
    std::function<bool(std::size_t input, std::uint32_t pack)> pack;
    std::function<bool(const ObjectName&)> segment;
  };
  // Merges tables into one. Of a pack that is not kept the entries are left out; while a kept segment names
  // it, its name stays, as dropped. Memory is bounded: streams, and some 120 bytes a pack. Error(kDamaged) if
  // an input's content does not verify.
  static void merge(const std::string& path, const std::vector<const IndexTable*>& inputs, const Keep& keep);

  // Error(kNotFound); Error(kDamaged) for a torn or foreign file, or one of another version.
  static std::unique_ptr<IndexTable> open(const std::string& path, std::shared_ptr<FilterBudget> budget);

  // The segments that went into it, ascending.
  const std::vector<ObjectName>& segments() const { return segments_; }
  // Ascending; twice where segments disagree about a pack.
  const std::vector<ObjectName>& packs() const { return packs_; }
  const TablePack& pack(std::uint32_t number) const { return pack_rows_[number]; }
  void for_each_link(const std::function<void(std::uint32_t segment, std::uint32_t pack)>& visit) const;
  std::uint64_t entries() const { return layout_.entry_count; }
  const std::string& path() const { return path_; }

  // To be called for some tables before find() is for each.
  [[gnu::always_inline]] void prefetch(const crypto::BlobId& id) const { filter_->prefetch(id.value.data()); }
  // Every entry of the id, to `visit`, until that says true ("enough"). Returns whether it did.
  // Error(kDamaged) for an entry of no pack.
  bool find(const crypto::BlobId& id, const std::function<bool(const EntryRow&)>& visit) const;
  // The same with the entry's number, counted from 0 in the order of for_each().
  bool find_numbered(const crypto::BlobId& id,
                     const std::function<bool(const EntryRow&, std::uint64_t number)>& visit) const;
  // Every entry in ascending order. Reads the file as a stream; Error(kDamaged) (at the end) if it does not
  // verify.
  void for_each(const std::function<void(const EntryRow&)>& visit) const;
  // Where the blob of an entry is: one more read. Error(kDamaged) for an entry that points nowhere.
  BlobLocation locate(const EntryRow& row) const;
  // Reads everything that open() did not. Error(kDamaged). `step`, if there is one: now and then; may throw.
  void verify(const std::function<void()>& step = {}) const;

 private:
  friend class TableFileSource;
  IndexTable() = default;
  void read(MutableByteView into, std::uint64_t offset) const;
  void check_pack(const EntryRow& row) const;

  std::string path_;
  TableLayout layout_;
  crypto::Digest content_digest_{};
  std::vector<ObjectName> segments_;
  std::vector<ObjectName> packs_;
  std::vector<TablePack> pack_rows_;  // by the same numbers
  Fd fd_;
  std::unique_ptr<TableFilter> filter_;
};

}  // namespace garner::store
