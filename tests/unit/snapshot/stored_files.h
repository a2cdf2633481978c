// Large files whose content is stored in one way or another, in memory.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <utility>

#include "memory_blobs.h"
#include "sample_nodes.h"
#include "snapshot/content_list.h"

namespace garner::testing {

inline constexpr std::uint64_t kStoredChunk = 100;  // bytes

// A file of the chunks numbered from `first` to `last` - 1, of which those in `differences` are stored so.
inline v1::Node stored_file(MemoryBlobs& blobs, const std::string& name, std::uint64_t first,
                            std::uint64_t last, const std::set<std::uint64_t>& differences = {}) {
  snapshot::ContentListBuilder list;
  for (std::uint64_t number = first; number < last; ++number) {
    if (differences.contains(number)) {
      list.add_difference(
          {numbered_id(number), numbered_id(1'000'000 + number), numbered_id(2'000'000 + number)},
          kStoredChunk, blobs);
    } else {
      list.add_blob(numbered_id(number), kStoredChunk, blobs);
    }
  }
  v1::Node node = sample_file(name, 0);
  node.set_size(list.length());
  for (v1::ContentEntry& entry : list.finish(blobs)) *node.add_content() = std::move(entry);
  return node;
}

}  // namespace garner::testing
