// What a table is made of: the payload of a segment, or another table. Rows at random, entries as one
// ascending stream. One thread at a time; what is read from must outlive the source.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "crypto/hash.h"
#include "store/index_table.h"
#include "store/segment_layout.h"
#include "store/table_layout.h"

namespace garner::store {

class TableSource {
 public:
  virtual ~TableSource() = default;
  virtual const std::vector<ObjectName>& segments() const = 0;
  virtual const std::vector<ObjectName>& packs() const = 0;  // ascending
  virtual TablePack pack(std::uint32_t number) const = 0;
  virtual void for_each_link(
      const std::function<void(std::uint32_t segment, std::uint32_t pack)>& visit) const = 0;
  // Rows of consecutive frames, kFrameRow bytes each.
  virtual Bytes frames(std::uint32_t first, std::uint32_t count) const = 0;
  // The next entry, until false.
  virtual bool next(EntryRow& entry) = 0;
};

class PayloadSource final : public TableSource {
 public:
  // Checks the payload.
  explicit PayloadSource(const SegmentPayload& segment);
  const std::vector<ObjectName>& segments() const override { return segments_; }
  const std::vector<ObjectName>& packs() const override { return packs_; }
  TablePack pack(std::uint32_t number) const override { return rows_[number]; }
  void for_each_link(const std::function<void(std::uint32_t, std::uint32_t)>& visit) const override;
  Bytes frames(std::uint32_t first, std::uint32_t count) const override;
  bool next(EntryRow& entry) override;

 private:
  PayloadView view_;
  std::vector<ObjectName> segments_;
  std::vector<ObjectName> packs_;
  std::vector<TablePack> rows_;
  std::uint64_t position_ = 0;
};

// Reads the file, not the mapping: what is read once should not become resident.
class TableFileSource final : public TableSource {
 public:
  explicit TableFileSource(const IndexTable& table) : table_(table) {}
  const std::vector<ObjectName>& segments() const override { return table_.segments(); }
  const std::vector<ObjectName>& packs() const override { return table_.packs(); }
  TablePack pack(std::uint32_t number) const override { return table_.pack(number); }
  void for_each_link(const std::function<void(std::uint32_t, std::uint32_t)>& visit) const override {
    table_.for_each_link(visit);
  }
  Bytes frames(std::uint32_t first, std::uint32_t count) const override;
  // Error(kDamaged) instead of false at the end when the table's content is not what was written.
  bool next(EntryRow& entry) override;

 private:
  void read(Bytes& into, std::uint64_t offset) const;
  void hash_frames();

  const IndexTable& table_;
  crypto::Hasher hasher_;
  Bytes buffer_;
  std::size_t used_ = 0;        // bytes of buffer_
  std::uint64_t position_ = 0;  // entries read into buffers
  bool begun_ = false;
};

}  // namespace garner::store
