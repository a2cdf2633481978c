// Which version of what stands at a path something is.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "catalog/history/history.h"

namespace garner::daemon {

// Two versions are the same where type, size, mode, owner (by number), mtime and content are. Content has
// other names under other keys; there what is alike in all else is the same. One thread at a time.
class VersionNumbers {
 public:
  // From 0, in the order in which they are seen. `names`: those of its content (backup/same_names.h).
  std::size_t number_of(const catalog::NodeFacts& facts, const std::string& names);

 private:
  using Facts = std::tuple<store::v1::NodeType, std::uint32_t, std::uint32_t, std::uint32_t, std::uint64_t,
                           std::pair<std::int64_t, std::uint32_t>>;
  std::multimap<Facts, std::size_t> by_facts_;
  std::vector<std::map<std::string, std::optional<catalog::BlobPrefix>>> contents_;  // by names
};

}  // namespace garner::daemon
