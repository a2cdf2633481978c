// A stream that ends at once with a status: for calls that are refused.
#pragma once

#include <grpcpp/support/server_callback.h>

#include <utility>

namespace garner::daemon {

template <typename Message>
class RefusedStream final : public grpc::ServerWriteReactor<Message> {
 public:
  explicit RefusedStream(grpc::Status status) { this->Finish(std::move(status)); }

 private:
  void OnDone() override { delete this; }
};

}  // namespace garner::daemon
