// What a snapshot refers to beyond others: for whoever has those and is to get this one.
#pragma once

#include <vector>

#include "garner/v1/store.pb.h"
#include "snapshot/closure.h"
#include "store/blob_source.h"

namespace garner::snapshot {

namespace v1 = store::v1;

// As walk_closure() of `newer`, but what is below one of `owned` as well is passed over where that is seen:
// their trees are walked beside its own, in name order, and trees, pages, content lists and whole contents
// that stand at the same path in one of them are neither visited nor read. So the walk is as long as what has
// changed. Something that has moved is visited all the same. Content of a file that `owned` has another
// version of is visited in an order of its own.
//
// A tree or list of `owned` that cannot be read saves nothing, and is not reported. All are read from
// `source`. Memory: as walk_closure(), and as much for each of `owned`.
void walk_new(const v1::Snapshot& newer, const std::vector<const v1::Snapshot*>& owned,
              store::BlobSource& source, const ClosureVisitor& visitor);

}  // namespace garner::snapshot
