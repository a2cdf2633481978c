#pragma once

namespace garner::daemon {

inline constexpr const char* kVersion = GARNER_VERSION;

}  // namespace garner::daemon
