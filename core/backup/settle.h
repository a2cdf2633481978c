// Brings a snapshot back to rest on what the repository really holds, when packs or snapshots that its run
// relied on were removed while it went on.
#pragma once

#include <optional>
#include <set>
#include <vector>

#include "garner/v1/store.pb.h"
#include "store/blob_writer.h"

namespace garner::backup {

namespace v1 = store::v1;

// Walks everything the snapshot refers to: each blob must be in a live pack of the repository, whose number
// with the writer is `number`, or in one of this run for it. What is only in a condemned pack is read from
// there while that exists, or from one of the `others`, and stored again. Returns the packs of others that
// the snapshot refers to, or nothing when content is lost that only the source can supply.
std::optional<std::set<store::ObjectName>> settle(store::Repository& repository, unsigned number,
                                                  store::BlobWriter& writer, const v1::Snapshot& snapshot,
                                                  const std::vector<store::BlobSource*>& others);

}  // namespace garner::backup
