// Where paths of a source lie to each other. Paths are absolute and normal.
#pragma once

#include <string>
#include <string_view>

namespace garner::client {

// A source's path as a SnapshotInfo has it, which the daemon has made printable: \xNN stands for one byte,
// also for the backslash.
std::string from_printable(std::string_view text);

bool is_same_or_below(std::string_view path, std::string_view folder);
// The name in the folder that leads to the path; empty where the path is not below it.
std::string_view name_towards(std::string_view folder, std::string_view path);

}  // namespace garner::client
