// What a search looks for, as a question that is asked of one node after the other.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/clock.h"
#include "garner/v1/service.pb.h"
#include "garner/v1/store.pb.h"
#include "snapshot/time_text.h"
#include "source/pattern.h"

namespace garner::daemon {

class PathQuery {
 public:
  // Error(kInvalidInput) for a pattern, type or time that is none.
  PathQuery(const v1::FindPathsRequest& request, const snapshot::TimeOrigin& origin);
  // Any thread. `path` is absolute.
  bool is_wanted(const std::string& path, const store::v1::Node& node) const;

 private:
  struct Wanted {
    source::Pattern pattern;
    bool is_of_path;
  };
  bool fits(const store::v1::Node& node) const;

  std::vector<Wanted> patterns_;
  std::set<std::string> types_;
  std::optional<std::uint64_t> least_size_;
  std::optional<std::uint64_t> most_size_;
  std::optional<TimePoint> mtime_from_;
  std::optional<TimePoint> mtime_to_;  // not itself
};

}  // namespace garner::daemon
