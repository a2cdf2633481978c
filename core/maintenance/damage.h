// Which errors say that something stored is damaged or missing, rather than that the work cannot go on.
#pragma once

#include <cerrno>

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

// The same for whoever gives up for good what cannot be read: of what could not be read at all only what the
// disk or its file system could not give counts, and not what this process may not open, or not just now.
inline bool is_lasting_damage(const Error& error) {
  if (error.kind() != ErrorKind::kReadFailed) return is_damage(error);
  switch (error.error_number()) {
    case EIO:
    case ENODATA:
    case EUCLEAN:
    case EBADMSG:
      return true;
    default:
      return false;
  }
}

// The same for whoever makes a log of what is left: what is sealed under keys that this machine lacks is
// none, for another machine may have rotated them.
inline bool is_damage_to_the_log(const Error& error) {
  return is_lasting_damage(error) && error.kind() != ErrorKind::kWrongKey;
}

}  // namespace garner::maintenance
