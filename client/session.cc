#include "session.h"

#include <fcntl.h>
#include <grpcpp/create_channel_posix.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "exit_code.h"
#include "json.h"
#include "socket_path.h"
#include "text.h"

namespace garner::client {
namespace {

constexpr std::string_view kZoneFolder = "/usr/share/zoneinfo/";

bool is_there(const char* path) { return access(path, F_OK) == 0; }

// A connected descriptor: connecting here, not in gRPC, tells at once and exactly why it cannot be.
int connect_to(const std::string& socket, const std::string& advice) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (socket.empty() || socket.size() >= sizeof(address.sun_path)) {
    throw usage_failure("the socket's path " + printable(socket) + " must have 1 to " +
                        std::to_string(sizeof(address.sun_path) - 1) + " bytes");
  }
  std::memcpy(address.sun_path, socket.c_str(), socket.size() + 1);

  const int descriptor = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (descriptor < 0)
    throw Failure(kExitFailed, std::string("no socket can be made: ") + std::strerror(errno));
  if (connect(descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) {
    const int error = errno;
    close(descriptor);
    const std::string where = "the daemon at " + printable(socket);
    if (error == EACCES || error == EPERM) {
      throw Failure(kExitNotPermitted, where + " is not for you: " + std::strerror(error),
                    "Members of the group garner may see status and start, pause and resume backups; the "
                    "rest is root's.");
    }
    const std::string reason = error == ENOENT ? "is not running: there is no such socket"
                               : error == ECONNREFUSED
                                   ? "is not running: nothing listens on the socket"
                                   : std::string("cannot be reached: ") + std::strerror(error);
    throw Failure(kExitUnreachable, where + " " + reason, advice);
  }
  // gRPC polls.
  fcntl(descriptor, F_SETFL, O_NONBLOCK);
  return descriptor;
}

// Times that are typed are of the zone of those that are shown.
void add_zone(grpc::ClientContext& context) {
  const char* variable = std::getenv("TZ");
  if (variable == nullptr) return;
  std::string_view zone = variable;
  if (zone.starts_with(':')) zone.remove_prefix(1);
  if (zone == "/etc/localtime") return;
  if (zone.starts_with(kZoneFolder)) zone.remove_prefix(kZoneFolder.size());
  if (zone.empty()) zone = "UTC";  // so the C library has it
  // Of metadata gRPC takes no other characters; no zone has others.
  if (std::all_of(zone.begin(), zone.end(), [](char c) { return c > ' ' && c < '\x7f'; }))
    context.AddMetadata("garner-zone", std::string(zone));
}

}  // namespace

Session::Session(std::string socket, bool socket_named, bool json, Terminal output, Terminal errors)
    : socket_(std::move(socket)),
      socket_named_(socket_named),
      json_(json),
      output_(output),
      errors_(errors) {}

std::string Session::start_advice() const {
  if (socket_ == kSystemSocket) return "Start it with: systemctl start garnerd";
  if (socket_named_) return "Start it with: garnerd --socket " + printable(socket_);
  std::string advice = "Start your own with: garnerd";
  if (is_there(kSystemSocket)) {
    advice.append("\nThe system's daemon is there: to use it, give --socket ").append(kSystemSocket);
  }
  return advice;
}

Stub& Session::daemon() {
  if (!stub_) stub_ = connect();
  return *stub_;
}

std::unique_ptr<Stub> Session::connect() const {
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(-1);  // a run's errors and a set's history have no bound of gRPC's
  // Large answers, as content of files, in few pieces.
  arguments.SetInt(GRPC_ARG_HTTP2_MAX_FRAME_SIZE, 1 << 20);
  arguments.SetInt(GRPC_ARG_HTTP2_STREAM_LOOKAHEAD_BYTES, 4 << 20);
  return v1::Garner::NewStub(
      grpc::CreateCustomInsecureChannelFromFd("garnerd", connect_to(socket_, start_advice()), arguments));
}

void Session::prepare(grpc::ClientContext& context) const {
  if (give_up_) context.set_deadline(*give_up_);
  add_zone(context);
}

void Session::check(const grpc::Status& status) const {
  if (status.ok()) return;
  const ExitCode code = exit_code(status);
  if (code == kExitUnreachable) {
    throw Failure(code, "the daemon at " + printable(socket_) + " went away: " + status.error_message(),
                  "Runs go on by themselves when it starts again. " + start_advice());
  }
  throw Failure(code, status.error_message().empty() ? "the daemon refused, and did not say why"
                                                     : status.error_message());
}

void Session::page() {
  if (pager_command_ && output_.interactive && !json_)
    pager_ = std::make_unique<Pager>(*pager_command_, terminal_rows(STDOUT_FILENO));
}

void Session::print(std::string_view text) const {
  if (pager_) {
    pager_->print(text);
  } else {
    std::fwrite(text.data(), 1, text.size(), stdout);
  }
}

void Session::say(std::string_view sentence, Style style) const {
  const std::string line = output_.styled(printable(sentence), style) + '\n';
  print(output_.interactive ? fit_lines(line, output_.width) : line);
}

void Session::print_json(const google::protobuf::Message& message) const {
  print(to_json(message));
  print("\n");
}

void Session::note(std::string_view text) const {
  if (json_) return;
  if (pager_) {
    pager_->note(text);
    return;
  }
  std::fwrite(text.data(), 1, text.size(), stderr);
  std::fputc('\n', stderr);
}

bool Session::flush() const { return pager_ ? pager_->is_read() : std::fflush(stdout) == 0; }

}  // namespace garner::client
