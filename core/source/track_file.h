// The .track file of a source folder: rules for what is below the folder.
#pragma once

#include <memory>
#include <string>

#include "source/folder_view.h"
#include "source/rules.h"

namespace garner::source {

constexpr const char* kTrackFileName = ".track";
constexpr std::size_t kMostTrackFileBytes = 1u << 20;

// Reads it. None where the folder has no such file, or only a folder of that name. Error(kReadFailed) when it
// cannot be read, with the error's number, or is longer than a megabyte, or a link or anything else but a
// regular file: what it says is not known then.
std::shared_ptr<const RuleList> read_track_file(const FolderView& folder);

}  // namespace garner::source
