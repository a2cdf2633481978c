// Metadata nodes: the rules every node keeps, checked when one is built and again when one is parsed.
//
// A name is one component: 1 to 255 bytes, not ".", "..", without '/' and NUL. Each type has exactly its fields. A
// path names the node itself, never its parent.
#pragma once

#include <string>
#include <string_view>

#include "base/clock.h"
#include "garner/v1/store.pb.h"

namespace garner::snapshot {

namespace v1 = store::v1;

bool is_valid_name(std::string_view name);

// Error(kDamaged) naming the node and what is off. `root`: the node is a source's root, whose name may be "/".
void validate(const v1::Node& node, bool root = false);
// The same for what a tree page holds: exactly one of nodes and pages, order, totals without overflow.
void validate(const v1::TreePage& page);
void validate(const v1::ContentList& list);
void validate(const v1::Snapshot& snapshot);

v1::Time to_proto(TimePoint time);
TimePoint from_proto(const v1::Time& time);

// What `node` adds to its folder's totals: itself and, for a folder, what is below it. Error(kDamaged) on overflow.
void add_to(v1::Totals& totals, const v1::Node& node);
void add_to(v1::Totals& totals, const v1::Totals& other);

// Serialized canonically: the same content gives the same bytes.
template <typename Message>
std::string serialize(const Message& message);

}  // namespace garner::snapshot
