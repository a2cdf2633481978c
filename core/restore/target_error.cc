#include "restore/target_error.h"

#include <cerrno>
#include <system_error>

namespace garner::restore {

Error target_error(int error_number, std::string_view what) {
  const bool forbidden = error_number == EACCES || error_number == EPERM;
  return system_error(error_number, what, forbidden ? ErrorKind::kPermissionDenied : ErrorKind::kWriteFailed,
                      ErrorKind::kTargetFull);
}

std::string because(int error_number) { return ": " + std::generic_category().message(error_number); }

bool ends_restore(const Error& error) {
  switch (error.error_number()) {
    case EROFS:
    case EMFILE:
    case ENFILE:
    case ENOMEM:
    case ENODEV:
    case ESTALE:
    case ESHUTDOWN:
      return true;
    default:
      break;
  }
  switch (error.kind()) {
    case ErrorKind::kInvalidInput:
    case ErrorKind::kNotFound:
    case ErrorKind::kAlreadyExists:
    case ErrorKind::kPermissionDenied:
    case ErrorKind::kNewerFormat:
    case ErrorKind::kDamaged:
    case ErrorKind::kReadFailed:
    case ErrorKind::kWriteFailed:
    case ErrorKind::kConflict:
      return false;
    default:
      return true;
  }
}

}  // namespace garner::restore
