// Which errors say that something stored is damaged or missing, rather than that the work cannot go on.
#pragma once

#include <cerrno>

#include "base/error.h"
#include "store/repository.h"

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

// Whether the error may come of keys that another machine has rotated to, which is no damage: nothing may be
// given up for it. Asks keys/ for its word, since the epoch of an object is clear and anybody can write one.
bool may_be_of_newer_keys(store::Repository& repository, const Error& error);

// Lasting damage that may be left out of a log that is made anew.
bool is_damage_to_the_log(store::Repository& repository, const Error& error);

}  // namespace garner::maintenance
