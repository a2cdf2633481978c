// What stood where in all snapshots (catalog/history/history.h), kept up to date: a history for each set and
// each way in which content is named. They are read in after runs, by a thread that makes way for runs, and
// by whoever asks something before that is done.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "base/error.h"
#include "catalog/history/history.h"
#include "history_groups.h"
#include "history_row.h"
#include "snapshots.h"

namespace garner::daemon {

// Any thread.
class Histories {
 public:
  // Asked again and again while something is read in: whether to end. Any thread; quick.
  using Ends = std::function<bool()>;

  // `folder`: of the histories' files; made at need. `destinations` outlives it. `busy`: whether there is
  // something for which the background is to make way.
  Histories(Destinations& destinations, std::string folder, Ends busy = {});
  ~Histories();

  // The rows that have the snapshots of `all` that are wanted, each once: one that has other ids elsewhere is
  // taken where its history is read in, or is nearest. What is not read in yet is read in now. A snapshot of
  // which nothing can be read has a gap at "/" for all of it, and is tried again by the next who asks. `all`
  // outlives what is returned. Errors: Error(kCancelled); those of writing the files.
  std::vector<HistoryRow> rows(const SnapshotHistory& all, const std::atomic<bool>& cancelled);
  std::vector<HistoryRow> rows(const SnapshotHistory& all, const Ends& cancelled);
  // The same of what is read in already; a snapshot that is not has a number below 0, and no gap.
  std::vector<HistoryRow> known_rows(const SnapshotHistory& all, const Ends& cancelled);

  // What `ask` finds in the row's history. Where the file turns out to be damaged it is let go, and made anew
  // for the next who asks: Error(kConflict).
  template <typename Ask>
  auto read(const HistoryRow& row, const Ask& ask) {
    try {
      return ask(*row.history);
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::kDamaged) throw;
      throw let_go(row, error);
    }
  }

  // Reads in, in the background, what is new. Returns at once.
  void update_soon();
  // Ends what goes on in the background. One thread calls it.
  void stop();

 private:
  struct Entry;

  std::vector<HistoryRow> rows_of(std::vector<HistoryGroup> groups, const SnapshotHistory& all,
                                  const Ends& cancelled);
  // Of each group.
  std::vector<std::shared_ptr<Entry>> entries_of(const std::vector<HistoryGroup>& groups,
                                                 const SnapshotHistory& all);
  static std::shared_ptr<catalog::History> opened(Entry& entry);
  void bring_up(Entry& entry, HistoryGroup& group, const SnapshotHistory& all, const Ends& ends);
  void read_in(Entry& entry, HistoryGroup& group, const SnapshotHistory& all, const Ends& ends);
  Error let_go(const HistoryRow& row, const Error& damage);
  // Of the thread in the background.
  void work(const std::stop_token& stop);
  bool update(const std::stop_token& stop);

  Destinations& destinations_;
  const std::string folder_;
  const Ends busy_;
  std::mutex mutex_;
  std::condition_variable_any wake_;
  std::map<std::string, std::shared_ptr<Entry>> entries_;  // by the name of the file
  std::chrono::steady_clock::time_point made_{};           // the newest of them
  bool wanted_ = false;                                    // an update
  std::string trouble_;                                    // that was told of; of the thread
  std::jthread thread_;                                    // ends before all else goes
};

}  // namespace garner::daemon
