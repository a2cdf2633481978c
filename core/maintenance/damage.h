// Which errors say that something stored is damaged or missing, rather than that the work cannot go on.
#pragma once

#include "base/error.h"

namespace garner::maintenance {

inline bool is_damage(const Error& error) {
  switch (error.kind()) {
    case ErrorKind::kDamaged:
    case ErrorKind::kNotFound:
    case ErrorKind::kReadFailed:
    case ErrorKind::kWrongKey:
    case ErrorKind::kForked:
    case ErrorKind::kInvalidInput:
      return true;
    default:
      return false;
  }
}

}  // namespace garner::maintenance
