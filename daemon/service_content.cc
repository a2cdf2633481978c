#include "keys.h"
#include "only_held.h"
#include "search_stream.h"
#include "service.h"
#include "snapshots.h"

namespace garner::daemon {

grpc::ServerWriteReactor<v1::ListSnapshotsResponse>* GarnerService::ListSnapshots(
    Context* context, const v1::ListSnapshotsRequest* request) {
  return SearchStream<v1::ListSnapshotsResponse, SnapshotListing>::start(
      parts_.gate, context, "ListSnapshots", [this, context, request = *request](const Caller& caller) {
        auto listing = std::make_unique<SnapshotListing>(parts_.destinations, request, caller.zone);
        // A set that was removed still has snapshots; one that never was is a slip.
        if (listing->empty() && !request.set().empty()) parts_.sets.get(request.set());
        if (request.sizes()) {
          const auto cancelled = [context] { return context->IsCancelled(); };
          listing->set_sizes(held_sizes(parts_.destinations, parts_.histories, cancelled, listing->ids()));
        }
        return listing;
      });
}

grpc::ServerWriteReactor<v1::ListFolderResponse>* GarnerService::ListFolder(
    Context* context, const v1::ListFolderRequest* request) {
  return SearchStream<v1::ListFolderResponse, FolderListing>::start(
      parts_.gate, context, "ListFolder",
      [this, selector = request->snapshot(), path = request->path()](const Caller& caller) {
        return std::make_unique<FolderListing>(choose_snapshot(parts_.destinations, selector, caller.zone),
                                               path);
      });
}

grpc::ServerUnaryReactor* GarnerService::ListKeys(Context* context, const v1::ListKeysRequest* request,
                                                  v1::ListKeysResponse* response) {
  return parts_.gate.unary(context, "ListKeys", [=, this](const Caller&) {
    *response = list_keys(parts_.destinations, *request);
  });
}

grpc::ServerUnaryReactor* GarnerService::AddKey(Context* context, const v1::AddKeyRequest* request,
                                                v1::AddKeyResponse* response) {
  return parts_.gate.unary(context, "AddKey",
                           [=, this](const Caller&) { *response = add_key(parts_.destinations, *request); });
}

grpc::ServerUnaryReactor* GarnerService::RemoveKey(Context* context, const v1::RemoveKeyRequest* request,
                                                   v1::RemoveKeyResponse*) {
  return parts_.gate.unary(context, "RemoveKey",
                           [=, this](const Caller&) { remove_key(parts_.destinations, *request); });
}

grpc::ServerUnaryReactor* GarnerService::ExportKey(Context* context, const v1::ExportKeyRequest* request,
                                                   v1::ExportKeyResponse* response) {
  return parts_.gate.unary(context, "ExportKey", [=, this](const Caller&) {
    *response = export_key(parts_.destinations, *request);
  });
}

grpc::ServerUnaryReactor* GarnerService::RotateKey(Context* context, const v1::RotateKeyRequest* request,
                                                   v1::RotateKeyResponse* response) {
  return parts_.gate.unary(context, "RotateKey", [=, this](const Caller&) {
    parts_.runs.while_idle([&] { *response = rotate_key(parts_.destinations, *request); });
  });
}

}  // namespace garner::daemon
