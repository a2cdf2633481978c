// Versions of what stood at a path, for people and by the numbers that people type.
#pragma once

#include <cstdint>
#include <string>

#include "garner/v1/service.pb.h"
#include "table.h"

namespace garner::client {

// Versions and, between them, the times at which nothing stood there: what was last seen first.
Table version_table(const v1::ListVersionsResponse& versions);

// From 1 on: usage_failure() for what is none. `option` names it in messages.
std::uint32_t parse_version_number(const std::string& option, const std::string& text);

// Of all versions of `path`. Failure(kExitFailed) for a number that none has.
const v1::FileVersion& version_numbered(const v1::ListVersionsResponse& versions, std::uint32_t number,
                                        const std::string& path);

// "/home/ann/list (version 3, last seen 2026-11-22 18:30)"
std::string version_label(const v1::FileVersion& version, const std::string& path);

}  // namespace garner::client
