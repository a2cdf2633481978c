#include <algorithm>

#include "log_stream.h"
#include "run_message.h"
#include "service.h"

namespace garner::daemon {

namespace {

// How long a status waits for destinations that were not looked at lately.
constexpr std::chrono::milliseconds kLookPatience{400};
constexpr std::uint32_t kUsualLines = 100;
constexpr std::uint32_t kMostLines = 2000;

}  // namespace

grpc::ServerUnaryReactor* GarnerService::GetStatus(Context* context, const v1::GetStatusRequest*,
                                                   v1::Status* response) {
  return parts_.gate.unary(context, "GetStatus", [=, this](const Caller& caller) {
    parts_.status.look_again([this](std::function<void()> job) { parts_.gate.post(true, std::move(job)); },
                             kLookPatience);
    *response = parts_.status.status();
    if (caller.authority != Authority::kFull) redact(*response);
  });
}

grpc::ServerUnaryReactor* GarnerService::GetMetrics(Context* context, const v1::GetMetricsRequest*,
                                                    v1::GetMetricsResponse* response) {
  return parts_.gate.unary(context, "GetMetrics", [=, this](const Caller&) {
    parts_.status.look_again([this](std::function<void()> job) { parts_.gate.post(true, std::move(job)); },
                             kLookPatience);
    response->set_text(parts_.metrics.text());
  });
}

grpc::ServerWriteReactor<v1::Status>* GarnerService::WatchStatus(Context* context,
                                                                 const v1::GetStatusRequest*) {
  Caller caller;
  grpc::Status refused = parts_.gate.admit(context, "WatchStatus", caller);
  if (!refused.ok()) return new RefusedStream<v1::Status>(std::move(refused));
  const auto stream = LatestStream<v1::Status>::start();
  parts_.hub.add_status(stream, caller.authority != Authority::kFull);
  return stream.get();
}

grpc::ServerWriteReactor<v1::LogLine>* GarnerService::ReadLog(Context* context,
                                                              const v1::ReadLogRequest* request) {
  Caller caller;
  grpc::Status refused = parts_.gate.admit(context, "ReadLog", caller);
  if (!refused.ok()) return new RefusedStream<v1::LogLine>(std::move(refused));
  std::int64_t run = 0;
  try {
    if (!request->run_id().empty()) run = parse_run_number(request->run_id());
  } catch (...) {
    return new RefusedStream<v1::LogLine>(status_of(std::current_exception()));
  }
  const std::uint32_t lines = request->lines() == 0 ? kUsualLines : std::min(request->lines(), kMostLines);
  return LogStream::start([this](std::function<void()> job) { parts_.gate.post(false, std::move(job)); },
                          parts_.log, lines, run, request->follow());
}

}  // namespace garner::daemon
