// Whether the explorer finds anything: disks on which one of the orders of writes that garner keeps is
// broken.
#pragma once

#include <string>

namespace garner::crash {

// Prints how soon each is found. False when one is not found within 1,000 states.
bool test_explorer(const std::string& folder, std::uint64_t seed);

}  // namespace garner::crash
