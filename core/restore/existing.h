// What to do where the target already holds the name.
#pragma once

#include <sys/stat.h>

#include <optional>
#include <string>

#include "restore/restore.h"

namespace garner::restore {

// Regular files and folders are created with modes that nothing else has, and get their own when all that
// they hold is durable, and after their time: so an unfinished one is known for what it is, whatever its time
// says, and what has neither such a mode nor its right time is not ours.
inline constexpr mode_t kUnfinishedMode = S_ISVTX | S_IRUSR | S_IWUSR;
inline constexpr mode_t kUnfinishedFolderMode = S_ISVTX | S_IRWXU;
bool is_unfinished(const struct stat& existing);

// What replaces something is made under this name beside it, and renamed when it is complete and durable:
// until then what is there stays. So are files where modes are not kept (FAT, some servers). One that a
// killed restore left is replaced when the file is restored again.
std::string temporary_name(const std::string& name);
// Unlinks a temporary name that was left.
void remove_temporary(int folder_fd, const std::string& name);
// Gives the name to what stands under its temporary name; flags that protect what is there are taken away
// where that is permitted.
void replace_existing(int folder_fd, const std::string& name);

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
