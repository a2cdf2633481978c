// What interpose.cc makes of a call of the C library: each is made on the disk, noted, and answered as the C
// library would, errno included.
#pragma once

#include <sys/types.h>
#include <time.h>

#include <cstddef>
#include <functional>
#include <optional>

namespace garner::crash {

// `make` makes the system call and returns its result. Paths are relative to the folder descriptor before
// them.
using Make = std::function<long()>;

long on_open(int folder, const char* path, unsigned long long flags, const Make& make);
long on_read(int fd, const Make& make);
// Without an offset: where the file stands.
long on_write(int fd, const void* data, std::optional<off_t> offset, const Make& make);
long on_resize(int fd, const Make& make);
long on_sync(int fd, bool data_only, const Make& make);
long on_sync_all(int fd, const Make& make);
long on_make_node(int folder, const char* path, const char* target, const Make& make);
long on_link(int old_folder, const char* old_path, int folder, const char* path, const Make& make);
long on_unlink(int folder, const char* path, const Make& make);
long on_rename(int old_folder, const char* old_path, int folder, const char* path, const Make& make);
// Mode or time; an empty path: of the descriptor itself.
long on_attributes(int folder, const char* path, int flags, const Make& make);

}  // namespace garner::crash
