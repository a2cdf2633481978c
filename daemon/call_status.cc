#include "call_status.h"

#include <spdlog/spdlog.h>

namespace garner::daemon {

grpc::StatusCode code_of(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::kInvalidInput:
      return grpc::StatusCode::INVALID_ARGUMENT;
    case ErrorKind::kNotFound:
      return grpc::StatusCode::NOT_FOUND;
    case ErrorKind::kAlreadyExists:
      return grpc::StatusCode::ALREADY_EXISTS;
    case ErrorKind::kPermissionDenied:
      return grpc::StatusCode::PERMISSION_DENIED;
    case ErrorKind::kDamaged:
    case ErrorKind::kForked:
      return grpc::StatusCode::DATA_LOSS;
    case ErrorKind::kWrongKey:
    case ErrorKind::kNotARepository:
    case ErrorKind::kNewerFormat:
    case ErrorKind::kDestinationAway:
    case ErrorKind::kConflict:
      return grpc::StatusCode::FAILED_PRECONDITION;
    case ErrorKind::kDestinationFull:
    case ErrorKind::kStateFull:
    case ErrorKind::kTargetFull:
      return grpc::StatusCode::RESOURCE_EXHAUSTED;
    case ErrorKind::kCancelled:
      return grpc::StatusCode::CANCELLED;
    case ErrorKind::kReadFailed:
    case ErrorKind::kWriteFailed:
    case ErrorKind::kUnavailable:
    case ErrorKind::kInternal:
      return grpc::StatusCode::INTERNAL;
  }
  return grpc::StatusCode::INTERNAL;
}

grpc::Status status_of(std::exception_ptr error) {
  try {
    std::rethrow_exception(error);
  } catch (const Error& known) {
    return {code_of(known.kind()), known.what()};
  } catch (const std::exception& other) {
    spdlog::error("a call failed: {}", other.what());
    return {grpc::StatusCode::INTERNAL, other.what()};
  }
}

}  // namespace garner::daemon
