// The tables of a history, and its file.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "catalog/database.h"

namespace garner::catalog {

// Numbers of items are given out in blocks, so that one tells in which folder its item is.
inline constexpr std::int64_t kBlock = 256;

// Bits of items.flags.
inline constexpr std::int64_t kWasFolder = 1;  // in some snapshot
inline constexpr std::int64_t kListed = 2;     // found by its number through an index

// snapshots.state
inline constexpr std::int64_t kBeingRead = 0;  // at most one: the highest number
inline constexpr std::int64_t kWhole = 1;
inline constexpr std::int64_t kForgotten = 2;  // until what only it had is removed

// Opens the file, or makes it. One that is torn, or of another version or program, is removed first: all that
// it holds is in the repositories.
std::unique_ptr<Database> open_history(const std::string& path);

}  // namespace garner::catalog
