// Opening what is to be backed up, so that the backup leaves no trace and waits for nobody. Any thread.
#pragma once

#include "base/file.h"

namespace garner::source {

// openat(2) with O_CLOEXEC, O_NOFOLLOW and O_NONBLOCK, and with O_NOATIME where that is permitted (to the
// owner and to CAP_FOWNER). Not valid, with errno set, when it fails. Must not be used for what may be a
// device: opening one can already do something.
Fd open_for_reading(int folder_fd, const char* name, int flags = 0);

// As open_for_reading(), but fails with EXDEV where something is mounted on it, before anything is asked of
// that. (A kernel before 5.6 cannot tell, and opens it.)
Fd open_same_mount(int folder_fd, const char* name, int flags = 0);

// As open_for_reading(), but a link is followed.
Fd open_following(int folder_fd, const char* name, int flags = 0);

// A descriptor with O_PATH: names the thing itself, links included, and opens nothing. Not valid, with errno
// set, when it fails.
Fd open_as_path(int folder_fd, const char* name);

// The path by which calls that take no O_PATH descriptors reach what one names, and nothing else; to be
// followed.
std::string descriptor_path(int fd);

}  // namespace garner::source
