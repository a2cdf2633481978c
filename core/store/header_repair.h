// Puts garner.repo back where it is lost. It tells nothing that this machine has not pinned: the repository's
// uuid and its keyring. A copy of it is kept with the local copy of the index, so that it comes back byte for
// byte and other machines see nothing; where that is gone as well, a new one is made and pinned here, and
// other machines, whose pins name the old one, have to add the destination again.
#pragma once

#include "store/repository.h"

namespace garner::store {

// Keeps a copy of the header, `object`, that was found in order, below the folder of the repository's local
// copy. Best effort.
void keep_header_copy(ByteView object, const std::string& folder);

// False where the header is in order: nothing is done. `context.expected_repository` says whose it is. A
// header that is damaged is removed first; pinned before it is put: a crash in between leaves none, which is
// healed in the same way. Error(kNotARepository) when nothing that stands there proves to be of this
// repository: a record, or at least a pack of its keyring; Error(kForked), Error(kWrongKey) when the header
// is that of another one.
bool heal_header(const RepositoryContext& context);

}  // namespace garner::store
