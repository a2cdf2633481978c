// What stood where in all snapshots (catalog/history/history.h), kept up to date: a history for each set and
// each way in which content is named. They are read in after runs, by a thread that makes way for runs, and
// by whoever asks something before that is done.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "catalog/history/history.h"
#include "snapshots.h"

namespace garner::daemon {

// The snapshots of one history, from the oldest to the newest, and their numbers in it.
struct HistoryRow {
  struct Place {
    std::int64_t number = 0;
    const SnapshotCopies* snapshot = nullptr;  // in the SnapshotHistory that was given
    const SnapshotCopy* copy = nullptr;        // the nearest that has the history's names
  };
  std::string set;  // its host and name, for people
  std::shared_ptr<catalog::History> history;
  std::vector<Place> places;  // each snapshot that is wanted, once over all rows
  std::vector<std::int64_t> numbers;  // the same numbers, ascending
  // What could not be read of them when they were read in.
  struct Gap {
    std::int64_t number = 0;
    std::string path;
    std::string message;
  };
  std::vector<Gap> gaps;

  // How many of `places` are in the span.
  std::uint64_t count(catalog::Span span) const;
  const Place& at(std::int64_t number) const;
};

// Any thread.
class Histories {
 public:
  // `folder`: of the histories' files; made at need. `destinations` outlives it.
  Histories(Destinations& destinations, std::string folder);
  ~Histories();

  // The rows that have the snapshots of `all` that are wanted, each once: one that has other ids elsewhere is
  // taken where its history is read in, or is nearest. What is not read in yet is read in now. A snapshot of
  // which nothing can be read has a gap at "/" for all of it. `all` outlives what is returned. Errors:
  // Error(kCancelled).
  std::vector<HistoryRow> rows(const SnapshotHistory& all, const std::atomic<bool>& cancelled);

  // Reads in, in the background, what is new. Returns at once.
  void update_soon();

 private:
  struct Entry;
  Destinations& destinations_;
  const std::string folder_;
  std::mutex mutex_;
  std::map<std::string, std::shared_ptr<Entry>> entries_;
};

}  // namespace garner::daemon
