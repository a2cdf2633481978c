// What a caller asks for makes no sense.
#pragma once

#include <string>

#include "base/error.h"

namespace garner::daemon {

// Throws Error(kInvalidInput).
[[noreturn]] inline void refuse(const std::string& message) {
  throw Error(ErrorKind::kInvalidInput, message);
}

}  // namespace garner::daemon
