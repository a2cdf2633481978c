// What is mounted where, and whether it may keep whoever asks it waiting for ever.
#pragma once

#include <string>

namespace garner {

// Whether the file system that holds `fd` may hang: one on a network or served by a program, or one that
// mounts such when asked. It is asked, so this may hang, too.
bool may_hang(int fd);

// The number of the device that is mounted where the path leads by its letters. From the kernel's list: what
// is mounted there is not asked. Empty where there is no such list.
std::string mounted_device(const std::string& path);

}  // namespace garner
