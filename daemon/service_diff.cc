#include "search_stream.h"
#include "service.h"
#include "snapshot_diff.h"

namespace garner::daemon {

grpc::ServerWriteReactor<v1::DiffSnapshotsResponse>* GarnerService::DiffSnapshots(
    Context* context, const v1::DiffSnapshotsRequest* request) {
  Caller caller;
  grpc::Status refused = parts_.gate.admit(context, "DiffSnapshots", caller);
  if (!refused.ok()) return new RefusedStream<v1::DiffSnapshotsResponse>(std::move(refused));
  return SearchStream<v1::DiffSnapshotsResponse, DiffListing>::start(
      [this](std::function<void()> job) { parts_.gate.post(true, std::move(job)); },
      [this, wanted = *request, zone = caller.zone] {
        ChosenSnapshot before = choose_snapshot(parts_.destinations, wanted.before(), zone);
        ChosenSnapshot after = choose_snapshot(parts_.destinations, wanted.after(), zone);
        return std::make_unique<DiffListing>(
            comparable(parts_.destinations, std::move(before), std::move(after)), wanted);
      });
}

}  // namespace garner::daemon
