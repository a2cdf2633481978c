// Under which names a mount shows snapshots: in snapshots/ by the first digits of their ids, in sets/NAME/ by
// the times at which they were finished (local time, as they are typed in SET@TIME), and `latest`; and of
// which sources versions/ is made. A value.
#pragma once

#include <google/protobuf/timestamp.pb.h>

#include <map>
#include <set>
#include <string>
#include <vector>

#include "garner/v1/service.pb.h"

namespace garner::client::mount {

// Of a snapshot's id in names.
inline constexpr std::size_t kIdDigits = 8;

// As sets/NAME/ has it: "2026-11-29T10:45:07".
std::string local_second(const google::protobuf::Timestamp& time);

struct SnapshotNames {
  struct Link {
    std::string target;  // from sets/NAME/
    google::protobuf::Timestamp time;
  };
  // What a set's snapshots were made of, and how a ListVersionsRequest names them.
  struct Scope {
    std::set<std::string> sources;
    std::vector<std::string> names;
  };

  SnapshotNames() = default;
  // `list`: newest first. `only`: whole ids; empty: all. An older snapshot keeps its name when a newer one
  // would have the same.
  SnapshotNames(const v1::ListSnapshotsResponse& list, const std::set<std::string>& only);

  std::map<std::string, std::string> snapshots;             // name in snapshots/ to whole id
  std::map<std::string, std::map<std::string, Link>> sets;  // set to name in sets/NAME/
  std::map<std::string, Scope> scopes;                      // by set
};

}  // namespace garner::client::mount
