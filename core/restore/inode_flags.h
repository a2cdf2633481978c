// Inode flags (FS_IOC_SETFLAGS) of restored files, in the three steps in which they can be set: storage flags
// while a file is empty, plain ones with its metadata, protecting ones after everything else.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

namespace garner::restore {

// Those of immutable and append-only that are in `flags`.
std::uint32_t protecting_flags(std::uint32_t flags);

void set_storage_flags(int fd, std::uint32_t flags);
// All but the protecting ones. What the file system does not take is told in one line.
void set_plain_flags(int fd, std::uint32_t flags, const std::function<void(const std::string&)>& complain);
void set_protecting_flags(int fd, std::uint32_t flags,
                          const std::function<void(const std::string&)>& complain);
// False if protecting flags are set and stay.
bool clear_protecting_flags(int fd);

}  // namespace garner::restore
