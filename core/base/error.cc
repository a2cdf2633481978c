#include "base/error.h"

#include <cerrno>
#include <system_error>

namespace garner {

std::string_view to_string(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::kInvalidInput:
      return "invalid input";
    case ErrorKind::kNotFound:
      return "not found";
    case ErrorKind::kAlreadyExists:
      return "already exists";
    case ErrorKind::kPermissionDenied:
      return "permission denied";
    case ErrorKind::kWrongKey:
      return "wrong key";
    case ErrorKind::kNotARepository:
      return "not a repository";
    case ErrorKind::kNewerFormat:
      return "newer format";
    case ErrorKind::kDamaged:
      return "damaged";
    case ErrorKind::kForked:
      return "forked";
    case ErrorKind::kDestinationAway:
      return "destination away";
    case ErrorKind::kDestinationFull:
      return "destination full";
    case ErrorKind::kStateFull:
      return "state folder full";
    case ErrorKind::kTargetFull:
      return "target full";
    case ErrorKind::kReadFailed:
      return "read failed";
    case ErrorKind::kWriteFailed:
      return "write failed";
    case ErrorKind::kConflict:
      return "conflict";
    case ErrorKind::kCancelled:
      return "cancelled";
    case ErrorKind::kUnavailable:
      return "unavailable";
    case ErrorKind::kInternal:
      return "internal error";
  }
  return "unknown error";
}

Error Error::in(std::string_view context) const {
  return Error(kind_, std::string(context) + ": " + what(), error_number_);
}

Error system_error(int error_number, std::string_view what, ErrorKind other, std::optional<ErrorKind> full) {
  const bool is_full = error_number == ENOSPC || error_number == EDQUOT;
  // generic_category().message() is safe from any thread, which strerror is not.
  return Error(is_full ? full.value_or(other) : other,
               std::string(what) + ": " + std::generic_category().message(error_number), error_number);
}

}  // namespace garner
