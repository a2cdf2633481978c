// Who may write to a store in which nobody can create an object exclusively: one writer, named by the newest
// of the objects `claims/<16 hex number>-<writer, 32 hex>`. Each is a name of its own, so nothing is ever
// overwritten; of two with the same number the one that sorts last counts.
//
// This keeps apart machines that are used one after the other. Two that write in the same moment are not kept
// from it: whoever claims sees to it that the other one does not write any more.
#pragma once

#include <optional>
#include <string>

#include "destination/destination.h"

namespace garner::destination {

// In hexadecimal; nothing where nobody has claimed it. One listing.
std::optional<std::string> claimed_by(Destination& place);
// Makes `writer` the one. Nothing is written where it is already. Error(kConflict) where another one is at
// once, or somebody has left a claim that no other can follow.
void claim(Destination& place, const std::string& writer);
// Error(kConflict), saying what to do, unless it is the one.
void check_claim(Destination& place, const std::string& writer);

}  // namespace garner::destination
