// Where a scenario takes place: a source, a disk with machines and a repository, and what is promised of it.
//
//   <folder>/source    what is backed up; not on the disk that loses power
//   <folder>/disk/     the repository, a state folder a machine, and `target`, where it is restored to
//   <folder>/check     where snapshots are restored to when they are compared
#pragma once

#include <map>
#include <mutex>
#include <random>
#include <set>
#include <string>

#include "machine.h"

namespace garner::crash {

// A promise that was broken, or anything else that should not be.
struct Failure {
  std::string what;
};

class World {
 public:
  // Makes the folder anew.
  explicit World(const std::string& folder);

  std::string disk() const { return folder_ + "/disk"; }
  Machine::Paths paths() const { return {folder_ + "/source", disk() + "/target"}; }
  std::string check_folder() const { return folder_ + "/check"; }

  // Fills the source; called again, changes some of it.
  void change_source(std::mt19937_64& random);
  const std::string& source_tree() const { return source_tree_; }

  // ---- What is promised ----
  // A run that is about to make a snapshot of the source as it is now.
  void expect(const catalog::RunRow& row);
  // What that snapshot restores to; nothing for a run that none was expected of.
  const std::string* tree_of(const std::string& run) const;
  // In the trace, and here for runs that were over before it began.
  void promise_listed(const std::string& run);
  void promise_nothing(const std::string& run);  // it is about to go
  void promise_gone(const std::string& run);
  // Damages what the target holds, which is what the source is restored over.
  void change_target(std::mt19937_64& random);
  // What the target's files held then; empty where nothing is overwritten.
  const std::map<std::string, std::string>& target_before() const { return target_before_; }

  // A second destination is there: what was promised before is promised of the first one alone.
  void has_replica_from_now_on() { before_replica_ = promises_.listed; }
  bool is_older_than_replica(const std::string& run) const { return before_replica_.contains(run); }

  struct Promises {
    std::set<std::string> listed;  // runs whose snapshots must be there
    std::set<std::string> gone;    // and those that must not be listed any more
    void take(const std::string& promise);
  };
  // All that were made so far.
  const Promises& promises() const { return promises_; }

 private:
  void promise(const std::string& promise);

  const std::string folder_;
  int version_ = 0;
  std::string source_tree_;
  std::map<std::string, std::string> target_before_;
  mutable std::mutex mutex_;
  std::map<std::string, std::string> trees_;  // by run
  Promises promises_;
  std::set<std::string> before_replica_;
};

}  // namespace garner::crash
