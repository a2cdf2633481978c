#include "service.h"

namespace garner::daemon {

grpc::ServerUnaryReactor* GarnerService::LookUpNode(Context* context, const v1::LookUpNodeRequest* request,
                                                    v1::LookUpNodeResponse* response) {
  return parts_.gate.unary(context, "LookUpNode", [=, this](const Caller& caller) {
    *response = files_.look_up(*request, caller.zone);
  });
}

grpc::ServerUnaryReactor* GarnerService::ReadFolder(Context* context, const v1::ReadFolderRequest* request,
                                                    v1::ReadFolderResponse* response) {
  return parts_.gate.unary(context, "ReadFolder",
                           [=, this](const Caller&) { *response = files_.read_folder(*request); });
}

grpc::ServerUnaryReactor* GarnerService::ReadContent(Context* context, const v1::ReadContentRequest* request,
                                                     v1::ReadContentResponse* response) {
  return parts_.gate.unary(context, "ReadContent",
                           [=, this](const Caller&) { *response = files_.read_content(*request); });
}

}  // namespace garner::daemon
