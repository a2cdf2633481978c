// What to do where the target already holds the name.
#pragma once

#include <sys/stat.h>

#include <optional>

#include "restore/restore.h"

namespace garner::restore {

// Regular files are created with this mode, which nothing else has, and get their own only when all that they
// hold is durable. So an unfinished file is known for what it is, whatever its time says.
inline constexpr mode_t kUnfinishedMode = S_ISVTX | S_IRUSR | S_IWUSR;

enum class Decision {
  kCreate,   // nothing is there
  kRight,    // it is there already: content stays, metadata is looked at
  kKeep,     // something else is there, and the policy keeps it
  kReplace,  // something else is there, and goes
};

// Error(kAlreadyExists) where nothing should have been: the target was empty when the restore began.
Decision decide(int folder_fd, const std::optional<struct stat>& existing, const v1::Node& node,
                const RestoreOptions& options);

// Unlinks the name, or removes the folder of that name if it is empty; protecting flags are taken away where
// that is permitted. Error(kAlreadyExists) for a folder that is not empty.
void remove_existing(int folder_fd, const std::string& name, const struct stat& existing);

}  // namespace garner::restore
