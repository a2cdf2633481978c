// A run as the daemon tells of it, read by a thread of its own so that the one that shows it can wait for
// keys as well.
#pragma once

#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "session.h"

namespace garner::client {

class RunStream {
 public:
  RunStream(Stub& stub, const std::string& run_id);
  // Stops listening; the run goes on.
  ~RunStream();
  RunStream(const RunStream&) = delete;
  RunStream& operator=(const RunStream&) = delete;

  // Readable when there is something new.
  int descriptor() const { return descriptor_; }
  // The newest, once; none when nothing has come since. Clears the descriptor.
  std::optional<v1::Run> take();
  // How the stream ended; none while it has not.
  std::optional<grpc::Status> ended();

 private:
  void read(Stub& stub, const std::string& run_id);

  int descriptor_;
  grpc::ClientContext context_;
  std::mutex mutex_;
  std::optional<v1::Run> latest_;
  std::optional<grpc::Status> status_;
  std::thread thread_;  // last: it uses all of the above
};

}  // namespace garner::client
