#include "exit_code.h"

#include <grpcpp/support/status.h>

#include <algorithm>

namespace garner::client {

ExitCode exit_code(const grpc::Status& status) {
  switch (status.error_code()) {
    case grpc::StatusCode::INVALID_ARGUMENT:
      return kExitUsage;
    // The daemon says FAILED_PRECONDITION of what is away for itself, so that this is always the daemon.
    case grpc::StatusCode::UNAVAILABLE:
      return kExitUnreachable;
    case grpc::StatusCode::PERMISSION_DENIED:
    case grpc::StatusCode::UNAUTHENTICATED:
      return kExitNotPermitted;
    case grpc::StatusCode::DATA_LOSS:
      return kExitDamaged;
    default:
      return kExitFailed;
  }
}

ExitCode exit_code(const v1::Run& run) {
  if (run.damage_found()) return kExitDamaged;
  if (run.state() != v1::RUN_STATE_FINISHED) return kExitFailed;
  const bool all_destinations =
      std::none_of(run.destinations().begin(), run.destinations().end(),
                   [](const v1::DestinationRun& one) { return !one.error().empty(); });
  return run.error_count() == 0 && !run.incomplete() && all_destinations ? kExitDone : kExitIncomplete;
}

bool has_ended(const v1::Run& run) {
  return run.state() == v1::RUN_STATE_FINISHED || run.state() == v1::RUN_STATE_FAILED ||
         run.state() == v1::RUN_STATE_CANCELLED;
}

}  // namespace garner::client
