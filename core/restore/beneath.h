// Reaching one name in a folder of the target without ever following a link: openat2(2) with RESOLVE_BENEATH,
// RESOLVE_NO_SYMLINKS and RESOLVE_NO_MAGICLINKS, or, where the kernel lacks or forbids it, openat(2) with
// O_NOFOLLOW, which for a single component is as strict. Any thread.
#pragma once

#include <sys/stat.h>
#include <sys/types.h>

#include <optional>
#include <string>

#include "base/file.h"

namespace garner::restore {

// Opens `name`, one component, in the folder; O_CLOEXEC and O_NOFOLLOW are added. An invalid descriptor with
// errno set where that fails.
Fd open_beneath(int folder_fd, const std::string& name, int flags, mode_t mode = 0);
// lstat(2) of the name. Nothing where it does not exist; Error(kWriteFailed) where that cannot be told.
std::optional<struct stat> look_at(int folder_fd, const std::string& name);

}  // namespace garner::restore
