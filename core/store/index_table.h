// A local table: the payloads of one or more segments merged, in a file that is searched through mmap with a filter in
// front. It is a cache: written whole, fsynced and renamed, recognised as torn or foreign by its header, rebuilt then.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "store/segment.h"

namespace garner::store {

// A blob's entry in a table, before its pack is known to be live.
struct TableEntry {
  std::uint32_t pack = 0;  // number in the table's packs
  BlobLocation location;
};

// Immutable; const use is safe from any thread.
class IndexTable {
 public:
  // Writes the payload of one segment as a table.
  static void write(const std::string& path, const ObjectName& segment, ByteView payload);
  // Merges tables into one. Entries of packs for which `keep` says no are left out. Memory is bounded: streams.
  static void merge(const std::string& path, const std::vector<const IndexTable*>& inputs,
                    const std::function<bool(const ObjectName&)>& keep);
  // Error(kNotFound); Error(kDamaged) for a torn, foreign or older file.
  static std::unique_ptr<IndexTable> open(const std::string& path);
  ~IndexTable();

  // The segments that went into it.
  const std::vector<ObjectName>& segments() const { return segments_; }
  const std::vector<ObjectName>& packs() const { return packs_; }
  std::uint64_t entries() const { return entry_count_; }
  const std::string& path() const { return path_; }

  // Every entry of the id, to `visit`, until that says true ("enough"). Returns whether it did.
  bool find(const crypto::BlobId& id, const std::function<bool(const TableEntry&)>& visit) const;
  // Every entry in ascending order.
  void for_each(const std::function<void(const crypto::BlobId&, const TableEntry&)>& visit) const;

 private:
  IndexTable() = default;
  std::string path_;
  std::vector<ObjectName> segments_;
  std::vector<ObjectName> packs_;
  std::uint64_t entry_count_ = 0;
  struct Mapping;
  std::unique_ptr<Mapping> mapping_;
};

}  // namespace garner::store
