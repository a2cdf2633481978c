// What a command runs with: the output, and the daemon, to which it connects when it is first used, so that a
// wrong usage is refused before anything is sent. Used by one thread; daemon() may be handed to a second one
// once it is connected.
#pragma once

#include <google/protobuf/message.h>
#include <grpcpp/client_context.h>
#include <grpcpp/support/sync_stream.h>

#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "failure.h"
#include "garner/v1/service.grpc.pb.h"
#include "pager.h"
#include "terminal.h"

namespace garner::client {

using Stub = v1::Garner::Stub;

class Session {
 public:
  // `socket_named`: by --socket, so that a daemon would have to be told as well.
  Session(std::string socket, bool socket_named, bool json, Terminal output, Terminal errors);
  // One a process: its connection is left to the kernel. gRPC, taking it down, loads the zone's rules to note
  // the time, and each command would end 5 ms later.
  ~Session() { (void)stub_.release(); }

  bool json() const { return json_; }
  const Terminal& output() const { return output_; }  // standard output
  const Terminal& errors() const { return errors_; }  // standard error: progress and questions

  // Failure(kExitUnreachable), with advice, when no daemon listens; Failure(kExitNotPermitted) when its
  // socket is not for this user.
  Stub& daemon();
  // Another connection, for whoever outlasts the daemon. Failures as above. Any thread.
  std::unique_ptr<Stub> connect() const;

  template <typename Request, typename Response>
  Response call(grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*),
                const Request& request) {
    Stub& stub = daemon();
    grpc::ClientContext context;
    prepare(context);
    Response response;
    check((stub.*method)(&context, request, &response));
    return response;
  }

  // All messages of a stream as one: what is repeated in them, one after the other.
  template <typename Request, typename Response>
  Response call(std::unique_ptr<grpc::ClientReader<Response>> (Stub::*method)(grpc::ClientContext*,
                                                                              const Request&),
                const Request& request) {
    Response all;
    stream(method, request, [&](const Response& part) {
      all.MergeFrom(part);
      return true;
    });
    return all;
  }

  // Calls `each` with every message of a stream, until it ends, `each` returns false, or a pager shows what
  // comes and nobody reads it any more.
  template <typename Request, typename Response, typename Each>
  void stream(std::unique_ptr<grpc::ClientReader<Response>> (Stub::*method)(grpc::ClientContext*,
                                                                            const Request&),
              const Request& request, const Each& each) {
    Stub& stub = daemon();
    grpc::ClientContext context;
    prepare(context);
    const auto reader = (stub.*method)(&context, request);
    const WhenUnread when_unread(pager_.get(), [&] { context.TryCancel(); });
    Response response;
    while (reader->Read(&response)) {
      if (!each(response)) {
        context.TryCancel();
        reader->Finish();
        return;
      }
    }
    const grpc::Status status = reader->Finish();
    if (pager_ && !pager_->is_read()) return;
    check(status);
  }

  // Every call from now on fails that has not ended by then.
  void give_up_after(std::chrono::milliseconds time) { give_up_ = std::chrono::system_clock::now() + time; }

  // Throws what the daemon answered, if it was not OK.
  void check(const grpc::Status& status) const;

  // Lets page() use it: a command for sh.
  void use_pager(std::optional<std::string> command) { pager_command_ = std::move(command); }
  // What is printed from here on goes through the pager where standard output is a terminal and it is longer
  // than the screen; notes come behind it. Not for JSON.
  void page();

  // To standard output: text; one object and a line end. main() reports what could not be written.
  void print(std::string_view text) const;
  void print_json(const google::protobuf::Message& message) const;
  // Lines to standard output, fitted to a terminal; a line end is added.
  void say(std::string_view sentence, Style style = Style::kPlain) const;
  // The advice that nothing is there, a line to standard error; nothing with --json.
  void note(std::string_view text) const;
  // False when nobody reads it any more.
  bool flush() const;

 private:
  std::string start_advice() const;
  void prepare(grpc::ClientContext& context) const;

  std::string socket_;
  bool socket_named_;
  bool json_;
  Terminal output_;
  Terminal errors_;
  std::unique_ptr<Stub> stub_;
  std::optional<std::string> pager_command_;
  std::unique_ptr<Pager> pager_;
  std::optional<std::chrono::system_clock::time_point> give_up_;
};

}  // namespace garner::client
