// Which backup sets hold a path of this machine.
#pragma once

#include <string>
#include <vector>

#include "catalog/catalog.h"

namespace garner::daemon {

// Where the path really is: links in the folders above it are followed, the path itself, if it is a link,
// is not. By its letters where a folder above it is gone. Error(kInvalidInput) for one that is not absolute,
// or whose folders are links in a circle.
std::string real_place(const std::string& path);

struct PathOwner {
  catalog::BackupSet set;
  std::string source;    // as the set names it
  std::string place;     // the path, really
  std::string relative;  // to the source; empty: the source itself
};

// Of a path as a run of one of the sets has recorded it: by its letters, for a run follows no links below a
// source, and whoever puts one there later must not lead elsewhere.
std::vector<PathOwner> owners_of_recorded(const std::string& path,
                                          const std::vector<catalog::BackupSet>& sets);

// The sets, of those given, that hold the path: in the source that really contains it. Sources of one set do
// not hold one another, so a set is there at most once. Error as real_place().
std::vector<PathOwner> owners_of(const std::string& path, const std::vector<catalog::BackupSet>& sets);

}  // namespace garner::daemon
