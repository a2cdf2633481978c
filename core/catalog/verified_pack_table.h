// When each pack of a destination was last read whole and found good. A cache: losing it only means that
// packs are read again.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "catalog/catalog_file.h"
#include "maintenance/rotation.h"

namespace garner::catalog {

// Times are seconds since 1970.
struct VerifiedPack {
  store::ObjectName name;
  std::uint64_t size = 0;
  std::int64_t first_seen = 0;
  std::optional<std::int64_t> verified;  // and found good
  bool damaged = false;                  // when it was read last
  bool operator==(const VerifiedPack&) const = default;
};

struct VerifiedSum {
  std::uint64_t packs = 0;
  std::uint64_t bytes = 0;
  std::uint64_t verified_bytes = 0;  // of packs verified at or after a certain time
  std::uint64_t damaged_packs = 0;
  std::optional<std::int64_t> oldest;  // of all packs the longest ago that one was verified, or first seen
};

// Any thread. Nothing is kept of a destination that is not there.
class VerifiedPackTable {
 public:
  explicit VerifiedPackTable(CatalogFile& file) : file_(file) {}

  // In no order.
  std::vector<VerifiedPack> packs(const std::string& destination);
  // The packs that are there, and no others: new ones are first seen at `now`. Times after `now` are of a
  // clock that was wrong, and forgotten.
  void keep(const std::string& destination, const std::vector<maintenance::PackSize>& there,
            std::int64_t now);
  struct Reading {
    maintenance::PackSize pack;
    bool sound = true;
  };
  void note(const std::string& destination, const std::vector<Reading>& readings, std::int64_t now);
  VerifiedSum sum(const std::string& destination, std::int64_t since);
  // Counts up with each change.
  std::uint64_t changes() const { return changes_; }

 private:
  CatalogFile& file_;
  std::atomic<std::uint64_t> changes_ = 0;
};

}  // namespace garner::catalog
