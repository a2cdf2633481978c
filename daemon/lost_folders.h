// What this machine has noted of folders of which a destination has lost what is in them: a history knows
// them from when they could be read.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "histories.h"
#include "snapshots.h"

namespace garner::daemon {

// One thread at a time.
class LostFolders {
 public:
  // `histories` may be null: then nothing is known. All outlive it; nothing is asked before noted().
  LostFolders(Destinations& destinations, Histories* histories, Histories::Ends cancelled)
      : destinations_(destinations), histories_(histories), cancelled_(std::move(cancelled)) {}

  // How much was below the folder in that snapshot (its id in hex), and how to have it listed: a clause
  // without an end. Empty where it is not known, or not all of it. No destination is asked, and nothing is
  // read in. Error(kCancelled).
  std::string noted(const std::string& path, const std::string& snapshot);

 private:
  void gather();

  Destinations& destinations_;
  Histories* const histories_;
  const Histories::Ends cancelled_;
  std::optional<SnapshotHistory> all_;
  std::vector<HistoryRow> rows_;  // of all_
};

}  // namespace garner::daemon
