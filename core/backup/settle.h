// Brings a snapshot back to rest on what the repository really holds, when packs or snapshots that its run
// relied on were removed while it went on.
#pragma once

#include <optional>
#include <set>

#include "garner/v1/store.pb.h"
#include "store/blob_writer.h"

namespace garner::backup {

namespace v1 = store::v1;

// Walks everything the snapshot refers to: each blob must be in a live pack, or in one of this run. What is
// only in a condemned pack is read from there while that exists and stored again. Returns the packs of others
// that the snapshot refers to, or nothing when content is lost that only the source can supply.
std::optional<std::set<store::ObjectName>> settle(store::Repository& repository, store::BlobWriter& writer,
                                                  const v1::Snapshot& snapshot);

}  // namespace garner::backup
