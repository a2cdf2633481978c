#include "call_status.h"

#include <catch2/catch.hpp>
#include <stdexcept>

namespace garner::daemon {
namespace {

TEST_CASE("the client can tell what it must tell apart") {
  using grpc::StatusCode;
  CHECK(code_of(ErrorKind::kInvalidInput) == StatusCode::INVALID_ARGUMENT);
  CHECK(code_of(ErrorKind::kNotFound) == StatusCode::NOT_FOUND);
  CHECK(code_of(ErrorKind::kAlreadyExists) == StatusCode::ALREADY_EXISTS);
  CHECK(code_of(ErrorKind::kPermissionDenied) == StatusCode::PERMISSION_DENIED);
  CHECK(code_of(ErrorKind::kDamaged) == StatusCode::DATA_LOSS);
  CHECK(code_of(ErrorKind::kForked) == StatusCode::DATA_LOSS);
  for (const ErrorKind kind : {ErrorKind::kDestinationAway, ErrorKind::kConflict, ErrorKind::kWrongKey,
                               ErrorKind::kNotARepository, ErrorKind::kNewerFormat}) {
    CHECK(code_of(kind) == StatusCode::FAILED_PRECONDITION);
  }
  CHECK(code_of(ErrorKind::kDestinationFull) == StatusCode::RESOURCE_EXHAUSTED);
  CHECK(code_of(ErrorKind::kStateFull) == StatusCode::RESOURCE_EXHAUSTED);
  CHECK(code_of(ErrorKind::kTargetFull) == StatusCode::RESOURCE_EXHAUSTED);
  CHECK(code_of(ErrorKind::kInternal) == StatusCode::INTERNAL);
}

TEST_CASE("no error is taken for a daemon that is not there, or for success") {
  for (int kind = 0; kind <= static_cast<int>(ErrorKind::kInternal); ++kind) {
    const grpc::StatusCode code = code_of(static_cast<ErrorKind>(kind));
    CHECK(code != grpc::StatusCode::UNAVAILABLE);
    CHECK(code != grpc::StatusCode::OK);
  }
}

TEST_CASE("the message comes through, whatever was thrown") {
  const grpc::Status known = status_of(std::make_exception_ptr(Error(ErrorKind::kNotFound, "no set 'x'")));
  CHECK(known.error_code() == grpc::StatusCode::NOT_FOUND);
  CHECK(known.error_message() == "no set 'x'");
  const grpc::Status other = status_of(std::make_exception_ptr(std::runtime_error("a bug")));
  CHECK(other.error_code() == grpc::StatusCode::INTERNAL);
  CHECK(other.error_message() == "a bug");
}

}  // namespace
}  // namespace garner::daemon
