// When each destination was checked last, and whether what looked at it last found damage. From the runs in
// the catalog; kept until a run changes.
#pragma once

#include <atomic>
#include <map>
#include <mutex>
#include <optional>
#include <string>

#include "catalog/catalog.h"

namespace garner::daemon {

struct CheckFacts {
  std::optional<TimePoint> last_check;  // end of the last one that finished
  std::string damage_run;               // number of the last check, repair or prune, if that found damage
};

// Any thread.
class CheckHistory {
 public:
  explicit CheckHistory(catalog::Catalog& catalog) : catalog_(catalog) {}

  // By destination.
  std::map<std::string, CheckFacts> all();
  // A run has changed. Quick.
  void forget() { ++changes_; }

 private:
  std::map<std::string, CheckFacts> look();

  catalog::Catalog& catalog_;
  std::atomic<std::uint64_t> changes_ = 0;
  std::mutex mutex_;
  std::optional<std::uint64_t> known_at_;  // changes_ as it was when this was looked up
  std::map<std::string, CheckFacts> known_;
};

}  // namespace garner::daemon
