// What the snapshots of one history have at a path.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "history_row.h"

namespace garner::daemon {

// One thread at a time.
class PathSights {
 public:
  struct Sight {
    enum class Kind { kOutside, kAbsent, kPresent, kUnread };
    Kind kind = Kind::kOutside;                     // the path is in no source of the snapshot
    const catalog::ItemVersion* version = nullptr;  // kPresent; as long as the PathSights
    std::string trouble;                            // kUnread: why it is not known
  };

  // `path`: absolute and normal. The row outlives it. Errors: as History.
  PathSights(const HistoryRow& row, catalog::History& history, std::string path);
  PathSights(const PathSights&) = delete;
  PathSights& operator=(const PathSights&) = delete;

  Sight look(const HistoryRow::Place& place) const;

 private:
  void add(catalog::History& history, const catalog::Item& source);

  const std::string path_;
  std::map<std::string, std::vector<catalog::ItemVersion>> versions_;  // by the path of the source
  std::map<std::int64_t, const HistoryRow::Gap*> gaps_;                // by number: that may hide it
};

}  // namespace garner::daemon
