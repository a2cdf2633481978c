// Parsing of metadata blobs. Each function bounds what it allocates before it parses, and validates what it
// returns; Error(kDamaged) for anything else, Error(kNewerFormat) for a type of a later version. Fields that
// this version does not know are kept as they are, so that a node that is taken over into a new tree loses
// nothing. Pure functions.
#pragma once

#include "base/bytes.h"
#include "base/error.h"
#include "garner/v1/store.pb.h"
#include "snapshot/node.h"

namespace garner::snapshot {

namespace v1 = store::v1;

// Entries of one page or list, at most.
inline constexpr std::size_t kMaximumPageEntries = 2048;
inline constexpr std::size_t kMaximumListEntries = 1025;

struct ParsedPage {
  v1::TreePage page;
  PageSummary summary;  // its first name points into `page`
};
ParsedPage parse_page(ByteView blob);
v1::ContentList parse_list(ByteView blob);
v1::Snapshot parse_snapshot(ByteView blob);

// False for what says nothing of the blob that was being read: a destination that is away, a walk that is
// cancelled.
bool concerns_blob(const Error& error);

}  // namespace garner::snapshot
