// One place that maps what the daemon answers to exit codes.
#pragma once

#include "failure.h"
#include "garner/v1/service.pb.h"

namespace grpc {
class Status;
}

namespace garner::client {

// For a status that is not OK.
ExitCode exit_code(const grpc::Status& status);

// For a run that has ended.
ExitCode exit_code(const v1::Run& run);

// Finished, failed or cancelled: it will not move again.
bool has_ended(const v1::Run& run);

}  // namespace garner::client
