// Extended attributes of restored files: those of the node, and none else of the kinds that users and their
// tools set.
#pragma once

#include "restore/metadata.h"

namespace garner::restore {

void apply_xattrs(int fd, HandleType type, const v1::Node& node, const Complain& complain);

}  // namespace garner::restore
