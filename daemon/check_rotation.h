// Between the check of a destination and the catalog: which packs are read, and which were, noted as it goes,
// so that a check that is cut off has not read in vain.
#pragma once

#include <chrono>
#include <mutex>
#include <string>
#include <vector>

#include "base/clock.h"
#include "catalog/catalog.h"

namespace garner::daemon {

class CheckRotation {
 public:
  CheckRotation(catalog::Catalog& catalog, std::string destination, const Clock& clock)
      : catalog_(catalog), destination_(std::move(destination)), clock_(clock), written_(clock.steady()) {}

  // Those whose turn it is, oldest first. `queued`: when the run was asked for; what it has read since then
  // in an earlier attempt counts.
  std::vector<store::ObjectName> choose(const std::vector<maintenance::PackSize>& there, TimePoint queued);
  // Any thread. Written now and then, and with write(); what cannot be written is read again another time.
  void read_whole(const maintenance::PackSize& pack, bool sound);
  void write();

 private:
  void write_locked();

  catalog::Catalog& catalog_;
  const std::string destination_;
  const Clock& clock_;
  std::mutex mutex_;
  std::vector<catalog::VerifiedPackTable::Reading> unwritten_;
  std::chrono::steady_clock::time_point written_;
};

}  // namespace garner::daemon
