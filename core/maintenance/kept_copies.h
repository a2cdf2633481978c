// The index tells prune where a blob is kept, and whoever writes to a repository may have lied to it: said
// that a blob of somebody else's is in a pack of his. So where there are writers that may only add, a pack
// goes only after what its own directory lists, and something refers to, was read where it is to be kept.
#pragma once

#include <functional>
#include <set>
#include <vector>

#include "maintenance/mark.h"
#include "store/repository.h"

namespace garner::maintenance {

// Whether the log lists a writer that may only add. Where there is none the index holds what removers wrote,
// who could have deleted anything themselves.
bool has_adding_writers(const store::v1::RepositoryState& state);

enum class Kept {
  kElsewhere,  // all that is in use of the pack, or it is to be copied out of it
  kInGoing,    // something is still to be copied out of another pack: this one stays until the next prune
  kNowhere,    // something is not where the index says, or the pack's directory cannot be read
};

// How the packs stand, in their order. `going`: all packs that are to go, these among them; blobs that are
// marked in one of `packs` are copied out of it. `checked`: after each pack, from any thread; may throw.
// Errors of the destination that are no damage.
std::vector<Kept> find_kept_copies(store::Repository& repository, const Marks& marks,
                                   const std::vector<store::ObjectName>& packs,
                                   const std::set<store::ObjectName>& going, unsigned threads,
                                   const std::function<void()>& checked);

}  // namespace garner::maintenance
