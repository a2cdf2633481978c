#include "service.h"
#include "snapshot_versions.h"

namespace garner::daemon {

grpc::ServerUnaryReactor* GarnerService::ListVersions(Context* context,
                                                      const v1::ListVersionsRequest* request,
                                                      v1::ListVersionsResponse* response) {
  return parts_.gate.unary(context, "ListVersions", [=, this](const Caller& caller) {
    *response = list_versions(parts_.destinations, parts_.histories, *request, caller.zone,
                              [context] { return context->IsCancelled(); });
  });
}

}  // namespace garner::daemon
