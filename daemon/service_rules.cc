#include "service.h"

namespace garner::daemon {

grpc::ServerUnaryReactor* GarnerService::ExplainPath(Context* context, const v1::ExplainPathRequest* request,
                                                     v1::ExplainPathResponse* response) {
  return parts_.gate.unary(context, "ExplainPath",
                           [=, this](const Caller&) { *response = path_rules_.explain(*request); });
}

grpc::ServerUnaryReactor* GarnerService::IgnorePaths(Context* context, const v1::IgnorePathsRequest* request,
                                                     v1::IgnorePathsResponse* response) {
  return parts_.gate.unary(context, "IgnorePaths",
                           [=, this](const Caller&) { *response = path_rules_.ignore(*request); });
}

}  // namespace garner::daemon
