#include "path_search.h"
#include "search_stream.h"
#include "service.h"

namespace garner::daemon {

grpc::ServerWriteReactor<v1::FindPathsResponse>* GarnerService::FindPaths(
    Context* context, const v1::FindPathsRequest* request) {
  return SearchStream<v1::FindPathsResponse, PathSearch>::start(
      parts_.gate, context, "FindPaths", [this, wanted = *request](const Caller& caller) {
        return std::make_unique<PathSearch>(parts_.destinations, parts_.histories, wanted, caller.zone);
      });
}

}  // namespace garner::daemon
