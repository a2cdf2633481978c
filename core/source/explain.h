// Why a path is backed up or not: the same walk down as a backup makes, to one path, remembering every rule
// on the way.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/bounded_calls.h"
#include "source/rules.h"

namespace garner::source {

struct MatchedRule {
  std::string rule;  // as it was written
  std::string file;  // the .track file; empty: the set's own
  std::uint32_t line = 0;
  std::string matched;  // below the source: the path asked for, or a folder above it
};

struct ExplainOptions {
  std::shared_ptr<const RuleList> set_rules;
  bool one_file_system = false;
  bool exclude_caches = false;
  std::vector<std::string> excluded_folders;  // state folder, repositories: absolute
  std::shared_ptr<BoundedCalls> calls;        // for file systems below the source that may hang
};

struct Explanation {
  TrackClass track_class = TrackClass::kAuto;
  bool included = true;
  bool is_entered = false;           // though it is ignored, for what later rules may hold below it
  std::string reason;                // why not, where no rule says so
  bool fails = false;                // for that reason a backup ends with an error
  std::vector<MatchedRule> matched;  // in the order in which they count: the last decides
};

// Of the path `relative` (no slash at front or end; empty: the source itself) below the folder `source`. It
// need not exist; then it is taken for a file. Error(kReadFailed), kNotFound when the source cannot be looked
// at.
Explanation explain(const std::string& source, const std::string& relative, const ExplainOptions& options);

}  // namespace garner::source
