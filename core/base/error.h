// The one exception type. A kind decides what callers do (retry, pause, exit code); the message says what was
// being done to which path or object, and what to do next where that is not plain.
#pragma once

#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

namespace garner {

enum class ErrorKind {
  kInvalidInput,  // a value from outside makes no sense
  kNotFound,
  kAlreadyExists,
  kPermissionDenied,  // the caller may not
  kWrongKey,          // password, key file or recovery key does not open it
  kNotARepository,
  kNewerFormat,  // format version or feature flag this version does not know
  kDamaged,      // bytes that do not verify, or are missing where they must be
  kForked,       // a log that is not a continuation of what was last seen: rolled back, forked, replaced
  kDestinationAway,
  kDestinationFull,
  kStateFull,    // the disk on which garner keeps what is its own: state folder, spool, caches
  kTargetFull,   // the place that is restored to
  kReadFailed,   // a source file or folder could not be read
  kWriteFailed,  // any other failing write
  kConflict,     // not now: the thing is in use or in another state
  kCancelled,
  kUnavailable,  // a part of the system this needs is missing
  kInternal,     // a bug
};

// "damaged", "destination away", …: for logs and JSON.
std::string_view to_string(ErrorKind kind);

class Error : public std::runtime_error {
 public:
  Error(ErrorKind kind, const std::string& message, int error_number = 0)
      : std::runtime_error(message), kind_(kind), error_number_(error_number) {}
  ErrorKind kind() const { return kind_; }
  // The errno of the system call that failed; 0 where there was none.
  int error_number() const { return error_number_; }

  // The same error with "`context`: " in front.
  Error in(std::string_view context) const;

 private:
  ErrorKind kind_;
  int error_number_;
};

// An error of a system call: "`what`: No space left on device". ENOSPC and EDQUOT give `full`, where that is
// given; everything else `other`: a file that is read can fail so as well, on network file systems.
Error system_error(int error_number, std::string_view what, ErrorKind other = ErrorKind::kWriteFailed,
                   std::optional<ErrorKind> full = std::nullopt);

// What `operation` returns. Its Error(kStateFull) becomes one of `full`: what it writes to is not garner's
// own disk.
template <typename Operation>
auto where_full_means(ErrorKind full, const Operation& operation) {
  try {
    return operation();
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::kStateFull) throw;
    throw Error(full, error.what(), error.error_number());
  }
}

}  // namespace garner
