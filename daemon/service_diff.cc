#include "search_stream.h"
#include "service.h"
#include "snapshot_diff.h"

namespace garner::daemon {

grpc::ServerWriteReactor<v1::DiffSnapshotsResponse>* GarnerService::DiffSnapshots(
    Context* context, const v1::DiffSnapshotsRequest* request) {
  return SearchStream<v1::DiffSnapshotsResponse, DiffListing>::start(
      parts_.gate, context, "DiffSnapshots", [this, wanted = *request](const Caller& caller) {
        ChosenSnapshot before = choose_snapshot(parts_.destinations, wanted.before(), caller.zone);
        ChosenSnapshot after = choose_snapshot(parts_.destinations, wanted.after(), caller.zone);
        return std::make_unique<DiffListing>(
            comparable(parts_.destinations, std::move(before), std::move(after)), wanted);
      });
}

}  // namespace garner::daemon
