// Whether what one repository stores can be given to another one as it is.
#pragma once

#include "store/repository.h"

namespace garner::backup {

// Whether equal content has equal ids in both, and is cut alike: one keyring, and chunks of the same sizes.
bool has_same_names(const store::Repository& one, const store::Repository& other);

}  // namespace garner::backup
