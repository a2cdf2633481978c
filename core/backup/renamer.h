// Gives a repository the content of a finished snapshot of repositories that name content otherwise: they
// have another keyring, or chunks of other sizes. So no blob of theirs is one of the target's: every file is
// read, cut and named as the target does, and lists and trees are built anew above that. Everything else of a
// node is kept as it is. What the target has already is not stored again.
//
//   walk    folder by folder, in name order, without recursion; several threads read a stretch of files.
//           Memory is bounded by the depth of the tree: a page, a stretch and what is being built for each
//           folder above
//   known   where both list a snapshot of the same run, that is walked alongside: what was the same there has
//           the names that it was given here then, and is neither read nor walked. So what is copied again
//           and again costs in proportion to what has changed
//
// It may be cut off at any point, and begins the walk again then: content that is stored is found by its id,
// so that only reading and naming is repeated.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "backup/filler.h"

namespace garner::backup {

// A snapshot that both sides list, as each of them has it.
struct BothNames {
  v1::Snapshot there;  // at the suppliers
  v1::Snapshot here;   // at the target
};

struct RenameResult {
  v1::Snapshot snapshot;  // with the target's names, and no parent: that one's id is not of this keyring
  std::set<std::string> suppliers;  // who gave something
  std::vector<LostContent> lost;    // the first thousand; empty: the target, or the writer, has everything
};

// Brings everything that `snapshot` refers to into the writer, unless the target has it; nothing is
// committed. What is below `known` counts as there. The suppliers have one keyring. Errors: as fill(), but
// that no difference is stored.
RenameResult rename_content(const FillContext& context, const v1::Snapshot& snapshot,
                            const std::optional<BothNames>& known);

}  // namespace garner::backup
