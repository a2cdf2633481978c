// Whether what one repository stores can be given to another one as it is.
#pragma once

#include <string>

#include "store/repository.h"

namespace garner::backup {

// Bytes that are the same for repositories in which equal content has equal ids, and is cut alike: those of
// one keyring, with chunks of the same sizes.
std::string names_of(const store::Repository& repository);
bool has_same_names(const store::Repository& one, const store::Repository& other);

}  // namespace garner::backup
