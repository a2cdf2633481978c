// Adding a rule to a .track file that exists, in a tree that belongs to others.
#pragma once

#include <optional>
#include <string>

namespace garner::source {

// The folder, at or above the one that holds `relative`, within the folder `source`, that has a .track file
// which counts: the nearest. As a path below the source; nothing where none has one, or where the source is
// no folder any more. Links are not followed. Error(kReadFailed).
std::optional<std::string> nearest_track_folder(const std::string& source, const std::string& relative);

// Appends the line `rule` to the .track file of the folder `below` (relative) in the folder `source`. A crash
// leaves the old or the new file: the new one is written under a temporary name beside it with the owner and
// mode of the old one, fsynced, exchanged with it, and the folder fsynced; then the old one is removed. When
// somebody else replaces the file meanwhile, his stays, and gets the rule. Reached from the source name by
// name without following links. Error(kConflict) when somebody else changes it again and again; kWriteFailed,
// also where the file has as many rules or bytes as count already; kReadFailed, kNotFound.
void append_to_track_file(const std::string& source, const std::string& below, const std::string& rule);

}  // namespace garner::source
