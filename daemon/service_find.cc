#include "path_search.h"
#include "search_stream.h"
#include "service.h"

namespace garner::daemon {

grpc::ServerWriteReactor<v1::FindPathsResponse>* GarnerService::FindPaths(
    Context* context, const v1::FindPathsRequest* request) {
  Caller caller;
  grpc::Status refused = parts_.gate.admit(context, "FindPaths", caller);
  if (!refused.ok()) return new RefusedStream<v1::FindPathsResponse>(std::move(refused));
  return SearchStream<v1::FindPathsResponse, PathSearch>::start(
      [this](std::function<void()> job) { parts_.gate.post(true, std::move(job)); },
      [this, wanted = *request, zone = caller.zone] {
        return std::make_unique<PathSearch>(parts_.destinations, parts_.histories, wanted, zone);
      });
}

}  // namespace garner::daemon
