// Nodes of a snapshot as entries of a listing.
#pragma once

#include <string>

#include "garner/v1/service.pb.h"
#include "snapshot/tree.h"

namespace garner::daemon {

v1::Entry to_entry(const snapshot::NamedNode& named);
// "file", "folder", …: as an entry has it.
std::string type_text(store::v1::NodeType type);
// "-rwsr-xr-t", with the type's letter in front.
std::string mode_text(store::v1::NodeType type, std::uint32_t mode);

}  // namespace garner::daemon
