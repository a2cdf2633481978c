// HTTP requests over connections that are kept, by libcurl: what the S3 destination is written with.
//
// Any thread; so many requests at once as there are connections, and further ones of runs wait for their
// turn: whoever is no run (StopScope) shall not wait behind those that a limit holds back. A transfer that
// stands still for half a minute has failed. One whose thread is told to stop (StopScope) is given a few
// seconds more, for a record may be on its way, and ends with Error(kCancelled).
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.h"

namespace garner::destination {

// Bytes of an open file, which are read as they are sent.
struct FilePart {
  int fd = -1;
  std::uint64_t offset = 0;
  std::uint64_t length = 0;
};

// Names in lower case.
using HttpHeaders = std::vector<std::pair<std::string, std::string>>;

struct HttpRequest {
  std::string method;  // GET, HEAD, PUT, POST, DELETE
  std::string url;
  HttpHeaders headers;
  ByteView body = {};
  std::optional<FilePart> file = std::nullopt;  // instead of `body`
  std::uint64_t answer_limit = 1 << 20;         // bytes; a longer answer is a failure
  // A large body is sent when the server has said that it wants it: a refusal costs no upload then, and all
  // others the time of a question.
  bool asks_first = true;
};

struct HttpAnswer {
  long status = 0;
  std::map<std::string, std::string> headers;  // names in lower case
  Bytes body;
  // The request went out more than once, as far as libcurl tells: the server may have seen it before.
  bool resent = false;

  std::string header(const std::string& name) const;  // empty: it is not there
};

// No answer came, or not all of it. `again`: another try may succeed; otherwise somebody has to put something
// right, and the message says what.
class HttpFailure : public std::runtime_error {
 public:
  HttpFailure(const std::string& message, bool again) : std::runtime_error(message), again_(again) {}
  bool again() const { return again_; }

 private:
  bool again_;
};

struct HttpOptions {
  unsigned connections = 8;
  std::string ca_certificates;  // PEM; empty: the system's
  std::chrono::milliseconds connect_timeout{10'000};
  std::chrono::seconds stall_timeout{30};
  // Called by the thread that asks, with pieces of bodies before they are sent and after they came; may wait.
  std::function<void(std::uint64_t)> before_sending;
  std::function<void(std::uint64_t)> after_receiving;
  // The limit on what comes, in bytes a second, that holds now; empty: none does. Asked before each request:
  // the kernel would otherwise take some megabytes in at once, however slowly they are read from it.
  std::function<std::optional<std::uint64_t>()> receive_limit;
};

// What went over the line for one request: how often it was sent, which is not at all where no connection
// came about, and again where libcurl repeats it; and bytes of bodies.
struct HttpMoved {
  std::uint64_t requests = 0;
  std::uint64_t sent = 0;
  std::uint64_t received = 0;
};

class HttpClient {
 public:
  explicit HttpClient(HttpOptions options);
  ~HttpClient();
  HttpClient(const HttpClient&) = delete;

  // Throws HttpFailure; Error(kCancelled); Error(kReadFailed) where the file cannot be read. Redirects are
  // not followed. `moved` is told in any case.
  HttpAnswer perform(const HttpRequest& request, HttpMoved& moved);

 private:
  class Connection;
  class Lease;

  const HttpOptions options_;
  std::mutex mutex_;
  std::condition_variable_any freed_;
  std::vector<std::unique_ptr<Connection>> idle_;
  unsigned made_ = 0;
};

}  // namespace garner::destination
