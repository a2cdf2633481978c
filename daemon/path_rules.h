// What the rules say of a path of this machine, and leaving one out by another rule.
#pragma once

#include <memory>
#include <mutex>

#include "base/bounded_calls.h"
#include "path_owner.h"
#include "sets.h"

namespace garner::daemon {

// Any thread.
class PathRules {
 public:
  PathRules(Destinations& destinations, Sets& sets);

  // Error(kNotFound) for an unknown set; kInvalidInput as real_place(); kReadFailed where a file system
  // hangs.
  v1::ExplainPathResponse explain(const v1::ExplainPathRequest& request);
  // One path after the other: a rule that was added stays when a later path fails, which the error says. Of a
  // run's what cannot be left out now is passed over, and what the run could read: a warning is no reason to
  // lose it. The rule goes to the .track file nearest above the path, within its source, and to the set where
  // there is none, for a file of rules is not made in a tree whose owner has none, or where it cannot be
  // written to. It is the last that matches in either.
  v1::IgnorePathsResponse ignore(const v1::IgnorePathsRequest& request);

 private:
  struct Wish {
    std::string path;
    std::string set;          // a run of which has recorded the path; empty: of all that hold it
    bool unreadable = false;  // in that run; what is asked for by its path is left out, however that is
  };
  std::vector<std::string> excluded() const;
  std::vector<Wish> wishes(const v1::IgnorePathsRequest& request, v1::IgnorePathsResponse& response);
  bool is_command(const Wish& wish);
  void ignore(const Wish& wish, bool dry_run, v1::IgnorePathsResponse& response);
  // False where the .track file cannot be written to, and a rule of the set leaves the path out as well.
  bool add_in_tree(const PathOwner& owner, const std::string& folder, const std::string& rule);

  Destinations& destinations_;
  catalog::Catalog& catalog_;
  Sets& sets_;
  // What is asked of file systems that may hang, all of it: a thread that answers calls must come back.
  const std::shared_ptr<BoundedCalls> calls_;
  // Within such a question, to file systems below a source.
  const std::shared_ptr<BoundedCalls> folder_calls_;
  std::mutex adding_;  // rules are read, extended and written back
};

}  // namespace garner::daemon
