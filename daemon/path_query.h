// What a search looks for, as questions that are asked of one path after the other, and of what stood there.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/clock.h"
#include "catalog/history/history.h"
#include "garner/v1/service.pb.h"
#include "snapshot/time_text.h"
#include "source/pattern.h"

namespace garner::daemon {

class PathQuery {
 public:
  // Error(kInvalidInput) for a pattern, type or time that is none.
  PathQuery(const v1::FindPathsRequest& request, const snapshot::TimeOrigin& origin);

  // Any thread, the next two.
  // What is looked for at a path, which is absolute.
  enum class Sought { kNothing, kFolders, kAnything };
  Sought sought_at(const std::string& path) const;
  // What stands at a path where anything is.
  bool fits(const catalog::NodeFacts& facts) const;

 private:
  struct Wanted {
    source::Pattern pattern;
    bool is_of_path;
  };

  std::vector<Wanted> patterns_;
  std::set<std::string> types_;
  std::optional<std::uint64_t> least_size_;
  std::optional<std::uint64_t> most_size_;
  std::optional<TimePoint> mtime_from_;
  std::optional<TimePoint> mtime_to_;  // not itself
};

}  // namespace garner::daemon
