// The daemon as whoever runs for long asks it: from many threads, over a connection that is made anew when
// the daemon was away, and with calls that can be ended from elsewhere.
#pragma once

#include <grpcpp/client_context.h>

#include <chrono>
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <stop_token>
#include <thread>

#include "session.h"

namespace garner::client {

class Operation;

// Any thread.
class DaemonLink {
 public:
  // `session` outlives it.
  explicit DaemonLink(const Session& session) : session_(session) {}

  // UNAVAILABLE when no daemon is there; CANCELLED when the operation, or all, was ended. What is asked
  // changes nothing, so that it is asked a second time when a daemon has gone away meanwhile.
  template <typename Request, typename Response>
  grpc::Status call(Operation& operation,
                    grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*),
                    const Request& request, Response& response) {
    return ask(operation, [&](Stub& daemon, grpc::ClientContext& context) {
      response.Clear();
      return (daemon.*method)(&context, request, &response);
    });
  }
  // All messages of a stream as one: what is repeated in them, one after the other.
  template <typename Request, typename Response>
  grpc::Status call(Operation& operation,
                    std::unique_ptr<grpc::ClientReader<Response>> (Stub::*method)(grpc::ClientContext*,
                                                                                  const Request&),
                    const Request& request, Response& response) {
    return ask(operation, [&](Stub& daemon, grpc::ClientContext& context) {
      response.Clear();
      const auto reader = (daemon.*method)(&context, request);
      for (Response part; reader->Read(&part);) response.MergeFrom(part);
      return reader->Finish();
    });
  }

  // Ends all operations, also those to come. Waits for nothing.
  void stop();

  // For what must not be asked twice, and for streams. Failure where no daemon is there.
  std::shared_ptr<Stub> stub();
  // Whether a call has ended so because its connection is of no use any more: then it is to be dropped, and
  // whoever asks next makes another one.
  static bool is_broken(const grpc::Status& status) {
    // A connection that breaks while a call is under way may end it as either.
    return status.error_code() == grpc::StatusCode::UNAVAILABLE ||
           status.error_code() == grpc::StatusCode::CANCELLED;
  }
  void drop(const std::shared_ptr<Stub>& stub);

 private:
  using Time = std::chrono::steady_clock::time_point;

  friend class Operation;
  template <typename Call>
  grpc::Status ask(Operation& operation, const Call& call);
  void add(Operation& operation);
  void remove(Operation& operation);
  void interrupt(Operation& operation);
  void end_interrupted(const std::stop_token& stop);

  const Session& session_;
  std::mutex mutex_;  // of what follows
  std::shared_ptr<Stub> stub_;
  std::map<Operation*, Time> operations_;  // and when each is ended at the latest
  bool stopped_ = false;
  std::condition_variable_any interrupted_;
  std::jthread timer_;  // runs since the first interrupt
};

// One thing that somebody waits for: the calls that are made for it, by one thread, one after the other.
class Operation {
 public:
  // How long one that is interrupted may go on.
  static constexpr std::chrono::seconds kPatience{5};

  explicit Operation(DaemonLink& link) : link_(link) { link_.add(*this); }
  ~Operation() { link_.remove(*this); }
  Operation(const Operation&) = delete;
  Operation& operator=(const Operation&) = delete;

  // Any thread, while it lives. Ends it.
  void cancel();
  // The same, unless the answer comes within kPatience.
  void interrupt() { link_.interrupt(*this); }
  // Of its cancellation.
  std::stop_token stop_token() const { return cancelled_.get_token(); }

 private:
  friend class DaemonLink;
  // False when it was cancelled.
  bool begin(grpc::ClientContext& context);
  // True when it was.
  bool end();

  DaemonLink& link_;
  std::mutex mutex_;  // of what follows
  grpc::ClientContext* context_ = nullptr;
  std::stop_source cancelled_;
};

template <typename Call>
grpc::Status DaemonLink::ask(Operation& operation, const Call& call) {
  grpc::Status status;
  for (int attempt = 0; attempt < 2; ++attempt) {
    std::shared_ptr<Stub> daemon;
    try {
      daemon = stub();
    } catch (const Failure& failure) {
      return {grpc::StatusCode::UNAVAILABLE, failure.what()};
    }
    grpc::ClientContext context;
    if (!operation.begin(context)) return {grpc::StatusCode::CANCELLED, "it was interrupted"};
    status = call(*daemon, context);
    if (operation.end()) return {grpc::StatusCode::CANCELLED, "it was interrupted"};
    if (!is_broken(status)) return status;
    drop(daemon);
  }
  return {grpc::StatusCode::UNAVAILABLE, "the daemon went away: " + status.error_message()};
}

}  // namespace garner::client
