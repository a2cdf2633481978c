// What the segments at a destination say of its packs.
#pragma once

#include <boost/unordered/unordered_flat_map.hpp>

#include <cstdint>

#include "maintenance/check_report.h"
#include "store/object_name.h"
#include "store/pack.h"
#include "store/repository.h"

namespace garner::maintenance {

// The blobs of a pack in one number, whatever their order: two lists of the same locations have the same sum,
// and two that differ have not, but by chance. Not meant against attackers: segments and directories are
// sealed.
class LocationSum {
 public:
  void add(const crypto::BlobId& id, crypto::BlobKind kind, std::uint64_t frame_offset,
           std::uint32_t stored_length, std::uint32_t raw_length, std::uint32_t offset, std::uint32_t length);
  bool operator==(const LocationSum&) const = default;

 private:
  std::uint64_t count_ = 0;
  std::uint64_t sum_ = 0;
};

struct PackFacts {
  std::uint64_t size = 0;  // bytes, of the object
  store::PackKind kind = store::PackKind::kData;
  LocationSum locations;
  bool disputed = false;  // segments that name it do not say the same of it
  bool operator==(const PackFacts&) const = default;
};

using PackTable = boost::unordered_flat_map<store::ObjectName, PackFacts, store::ObjectNameHash>;

// Whether something still counts after what is new in the log has been read: what a prune beside a check has
// removed is no damage. True where the log cannot be read: then that is what is wrong.
bool is_still_live(store::Repository& repository, const store::ObjectName& pack);
bool is_still_listed(store::Repository& repository, const crypto::BlobId& snapshot);

// Thrown by read_segments() when a segment was replaced meanwhile: it is to be called with the newest state.
struct SegmentsReplaced {};

// Reads every live segment from the destination, one at a time; a missing or damaged one is a problem. Gives
// the live packs that those name which could be read.
PackTable read_segments(store::Repository& repository, const store::v1::RepositoryState& state,
                        CheckReport& report);
// The payload of a live segment, read from the destination (or the state, where it is inlined) and verified.
Bytes read_segment(store::Repository& repository, const store::v1::SegmentReference& segment);

}  // namespace garner::maintenance
