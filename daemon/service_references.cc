#include "reference_search.h"
#include "search_stream.h"
#include "service.h"

namespace garner::daemon {

grpc::ServerWriteReactor<v1::FindReferencesResponse>* GarnerService::FindReferences(
    Context* context, const v1::FindReferencesRequest* request) {
  Caller caller;
  grpc::Status refused = parts_.gate.admit(context, "FindReferences", caller);
  if (!refused.ok()) return new RefusedStream<v1::FindReferencesResponse>(std::move(refused));
  return SearchStream<v1::FindReferencesResponse, ReferenceSearch>::start(
      [this](std::function<void()> job) { parts_.gate.post(true, std::move(job)); },
      [this, wanted = *request, zone = caller.zone] {
        return std::make_unique<ReferenceSearch>(parts_.destinations, parts_.histories, wanted, zone);
      });
}

}  // namespace garner::daemon
