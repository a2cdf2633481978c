#include "reference_search.h"
#include "search_stream.h"
#include "service.h"

namespace garner::daemon {

grpc::ServerWriteReactor<v1::FindReferencesResponse>* GarnerService::FindReferences(
    Context* context, const v1::FindReferencesRequest* request) {
  return SearchStream<v1::FindReferencesResponse, ReferenceSearch>::start(
      parts_.gate, context, "FindReferences", [this, wanted = *request](const Caller& caller) {
        return std::make_unique<ReferenceSearch>(parts_.destinations, parts_.histories, wanted, caller.zone);
      });
}

}  // namespace garner::daemon
