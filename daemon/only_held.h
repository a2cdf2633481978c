// How much content only some snapshots hold: what forgetting them gives back, once prune has taken it.
#pragma once

#include <optional>
#include <set>
#include <string>

#include "histories.h"
#include "snapshots.h"

namespace garner::daemon {

// Of the snapshots with these ids in hex: of each, and of all together, by all snapshots that any destination
// lists. Errors: as Histories::rows() and read().
HeldSizes held_sizes(Destinations& destinations, Histories& histories, const Histories::Ends& cancelled,
                     const std::set<std::string>& listed);

// The raw bytes of content that at the destination only these hold, by their ids in hex. Nothing where some
// snapshot of it cannot be read. While they are still listed. Errors: as above.
std::optional<std::uint64_t> only_bytes_at(Destinations& destinations, Histories& histories,
                                           const std::string& destination, const std::set<std::string>& ids,
                                           const Histories::Ends& cancelled);

}  // namespace garner::daemon
