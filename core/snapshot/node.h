// Metadata nodes: the rules every node keeps, checked when one is built and again when one is parsed.
//
// A name is one component: 1 to 255 bytes, not ".", "..", without '/' and NUL. Each type has exactly its
// fields. A path names the node itself, never its parent. Everything here is a pure function; any thread may
// call it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "crypto/blob_id.h"
#include "garner/v1/store.pb.h"

namespace garner::snapshot {

namespace v1 = store::v1;

// Raw bytes of a tree page or a content list, at most.
inline constexpr std::size_t kMaximumBlob = 1u << 20;
// Serialized bytes of a node: a page that holds this one alone, with its owners' names, stays below
// kMaximumBlob.
inline constexpr std::size_t kMaximumNode = kMaximumBlob - (4u << 10);
// Names and values of a node's xattrs together: with everything else it can hold, the node stays below
// kMaximumNode.
inline constexpr std::size_t kMaximumXattrs = kMaximumBlob - (64u << 10);
// A user's or group's name that is longer is not recorded.
inline constexpr std::size_t kMaximumOwnerName = 255;

inline constexpr std::uint32_t kMaximumNanos = 999'999'999;  // of a time, beside its seconds

bool is_valid_name(std::string_view name);
// Of a symbolic link: 1 to 4,095 bytes without NUL.
bool is_valid_target(std::string_view target);
// The path that the output of a command has in a snapshot, by the name of its file; and the folder in which
// all of them seem to lie.
inline constexpr std::string_view kCommandFolder = "/command";
std::string command_path(std::string_view name);
// Letters, digits, '.', '_', '-', the first a letter or digit; at most 255 bytes.
bool is_valid_set_name(std::string_view name);

// Error(kDamaged) naming the node and what is off; Error(kNewerFormat) for a content entry of a type that
// this version does not know. `root`: the node is a source's root, whose name may be "/".
void validate(const v1::Node& node, bool root = false);
// The same for what a tree page holds: not both nodes and pages, order, owners. Only the page of a folder
// without entries has neither.
void validate(const v1::TreePage& page);
// At least two entries, so that each level of a list is shorter than the one above; no two holes in a row.
void validate(const v1::ContentList& list);
// Everything but the sequence number, which a snapshot that is not committed yet may lack.
void validate(const v1::Snapshot& snapshot);

// A blob's id as messages hold it. Error(kDamaged) unless it has 32 bytes.
crypto::BlobId id_from(const std::string& bytes);

v1::Time to_proto(TimePoint time);
TimePoint from_proto(const v1::Time& time);

// What `node` adds to its folder's totals: itself and, for a folder, what is below it. Sums stop at 2^64 - 1.
void add_to(v1::Totals& totals, const v1::Node& node);
void add_to(v1::Totals& totals, const v1::Totals& other);
bool equal(const v1::Totals& a, const v1::Totals& b);
bool equal(const v1::Node& a, const v1::Node& b);  // in every field

// What a page holds, itself and below: it must be what the reference to the page says.
struct PageSummary {
  std::string_view first_name;  // in the page; empty for an empty page
  v1::Totals totals;
  std::uint64_t nodes = 0;  // folder entries
};
// Validates the page and adds it up.
PageSummary summarize(const v1::TreePage& page);
// Sum of the entries' lengths. Error(kDamaged) for an entry that is malformed, or above 2^63 - 1.
std::uint64_t content_length(const google::protobuf::RepeatedPtrField<v1::ContentEntry>& entries);

// Serialized canonically: the same content gives the same bytes. Generated code writes fields in ascending
// order and leaves out defaults, and there are no maps, so nothing is left to chance.
template <typename Message>
std::string serialize(const Message& message) {
  return message.SerializeAsString();
}

}  // namespace garner::snapshot
