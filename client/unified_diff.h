// What differs between two texts, as diff -u of diffutils tells it.
#pragma once

#include <string>

namespace garner::client {

struct DiffSide {
  std::string label;  // what stands behind "---" and "+++"
  std::string content;
};

// A NUL byte makes content binary, as it does for diff.
bool is_binary(const std::string& content);

// Its output, whose lines are those of the contents as they are: empty where both are the same. Both are held
// in memory, and nothing is written to a disk, for it may be nobody else's to read. Failure(kExitFailed)
// where there is no diff, or where it fails.
std::string unified_diff(const DiffSide& before, const DiffSide& after);

// `text` for a terminal: what could act on one is escaped, but for line ends and tabs.
std::string for_terminal(const std::string& text);

}  // namespace garner::client
