// A web server on loopback that answers as a test says, and fails as it says: it hangs up, hangs, or breaks
// off in the middle of an answer.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace garner::testing {

struct HttpSeen {
  std::string method;
  std::string path;                            // as it was sent, without the query
  std::string query;                           // the same; empty: none
  std::map<std::string, std::string> headers;  // names in lower case
  std::string body;

  bool has(const std::string& parameter) const { return query.find(parameter) != std::string::npos; }
};

struct HttpGiven {
  int status = 200;
  std::vector<std::pair<std::string, std::string>> headers = {};
  std::string body = {};
  enum class Fault {
    kNone,
    kHangUp,     // no answer at all
    kHang,       // the same, and the connection stays
    kCut,        // half of the body that was announced
    kUnmeasured  // a body of which nothing tells the length
  };
  Fault fault = Fault::kNone;
};

class ScriptedHttp {
 public:
  // `script` is called for each request, from any thread, one at a time.
  using Script = std::function<HttpGiven(const HttpSeen&)>;
  explicit ScriptedHttp(Script script);
  ~ScriptedHttp();
  ScriptedHttp(const ScriptedHttp&) = delete;

  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }
  std::vector<HttpSeen> seen() const;
  std::size_t count(const std::string& method) const;

 private:
  void accept_all();
  void serve(int connection);
  bool answer(int connection, const HttpSeen& request);

  const Script script_;
  int listener_ = -1;
  unsigned port_ = 0;
  std::atomic<bool> ending_ = false;
  mutable std::mutex mutex_;  // of what follows, and of calls of the script
  std::condition_variable ends_;
  std::vector<HttpSeen> seen_;
  std::vector<int> connections_;
  std::vector<std::thread> threads_;
  std::thread acceptor_;
};

}  // namespace garner::testing
