// What was marked to be restored, and how it lands in a folder: each under its name, and what lies in
// different folders in folders like these, from the one on that holds all of it. Nothing that is there is
// replaced. Pure.
#pragma once

#include <set>
#include <string>
#include <tuple>
#include <vector>

namespace garner::client::browse {

struct MarkedPath {
  std::string snapshot;  // whole id
  std::string path;      // of the machine
  bool is_folder = false;

  bool operator<(const MarkedPath& other) const {
    return std::tie(snapshot, path) < std::tie(other.snapshot, other.path);
  }
};

struct RestoreItem {
  std::string snapshot;
  std::string path;
  std::string target;  // the folder that is told to the daemon
  std::string lands;   // where it will be
};

// usage_failure() where two would land on one another, or something is at such a place.
std::vector<RestoreItem> plan_restore(const std::set<MarkedPath>& marked, const std::string& target);

// Takes away the marks of what the item restores.
void erase_marks(std::set<MarkedPath>& marked, const RestoreItem& item);

}  // namespace garner::client::browse
