// How each destination of a set stands: what it was given last, and whether it is behind another one.
// Nobody's truth: the repositories are. Without it nothing is lost but that somebody has to ask for what is
// lacking.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "catalog/catalog_file.h"
#include "crypto/blob_id.h"

namespace garner::catalog {

struct SetDestinationState {
  // It was due, or has been added, and another destination of the set has a snapshot that it lacks.
  std::optional<TimePoint> behind_since;
  std::string reason;  // of that, for people
  // The newest snapshot of the set that this machine has seen there, and when that was made.
  std::optional<crypto::BlobId> last_snapshot;
  std::optional<TimePoint> last_done;
};

// Any thread. Changes are durable when they return; of a set that is not there any more they do nothing.
class SetDestinationTable {
 public:
  explicit SetDestinationTable(CatalogFile& file) : file_(file) {}

  // By destination, also of such as the set has no more.
  std::map<std::string, SetDestinationState> find(const std::string& set);
  struct Behind {
    std::string set;
    std::string destination;
    TimePoint since;
  };
  // Of all sets, those that wait longest first.
  std::vector<Behind> behind();

  // One that is behind already keeps its time.
  void mark_behind(const std::string& set, const std::string& destination, TimePoint since,
                   const std::string& reason);
  // It has the snapshot, which was made at that time, and is behind no more.
  void mark_done(const std::string& set, const std::string& destination, const crypto::BlobId& snapshot,
                 TimePoint time);

  // Within a change of the configuration.
  static void write_behind(Database& database, const std::string& set, const std::string& destination,
                           TimePoint since, const std::string& reason);
  static void forget(Database& database, const std::string& set, const std::string& destination);

 private:
  CatalogFile& file_;
};

}  // namespace garner::catalog
