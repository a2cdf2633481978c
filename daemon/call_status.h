// How an error becomes the status of a call: the one place that maps kinds to gRPC's codes.
#pragma once

#include <grpcpp/support/status.h>

#include <exception>

#include "base/error.h"

namespace garner::daemon {

grpc::StatusCode code_of(ErrorKind kind);
// What is no Error is a bug, or memory ran out: INTERNAL.
grpc::Status status_of(std::exception_ptr error);

}  // namespace garner::daemon
