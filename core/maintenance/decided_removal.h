// A removal that is decided on the newest state, and decided again when somebody else commits first.
#pragma once

#include <functional>

#include "store/repository.h"

namespace garner::maintenance {

// Commits what `decide` says, which is not asked for what it decided on; nothing where that is nothing.
// Whatever it throws goes on. Error(kConflict) when others commit all the time; Error(kPermissionDenied) for
// a writer that may only add.
void commit_decided(store::Repository& repository,
                    const std::function<store::Removal(const store::v1::RepositoryState&)>& decide);

}  // namespace garner::maintenance
