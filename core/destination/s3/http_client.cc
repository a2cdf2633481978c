#include "destination/s3/http_client.h"

#include <curl/curl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "base/error.h"
#include "base/number.h"
#include "base/stop_scope.h"

namespace garner::destination {

namespace {

constexpr std::uint64_t kAskFirst = 1u << 20;
// A limit is paid for in pieces of this size, so that what is sent flows evenly.
constexpr std::size_t kPaidPiece = 16u << 10;
constexpr std::size_t kMostHeaders = 100;
constexpr int kOpenWindow = 1 << 30;
constexpr std::uint64_t kLeastWindow = 32u << 10;

void start_curl() {
  static std::once_flag once;
  std::call_once(once, [] { curl_global_init(CURL_GLOBAL_DEFAULT); });
}

struct ListDeleter {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
using List = std::unique_ptr<curl_slist, ListDeleter>;

void append_header(List& list, const std::string& text) {
  curl_slist* longer = curl_slist_append(list.get(), text.c_str());
  if (longer == nullptr) throw Error(ErrorKind::kUnavailable, "no memory for a request's header");
  (void)list.release();
  list.reset(longer);
}

// What somebody has to do, where another try does not help; empty where it may.
std::string advice(CURLcode code, bool has_certificates) {
  switch (code) {
    case CURLE_PEER_FAILED_VERIFICATION:
      return has_certificates ? "the server's certificate does not verify by the given --ca-file"
                              : "the server's certificate does not verify: look at the server, at this "
                                "machine's clock, and give --ca-file if an authority of your own signed it";
    case CURLE_SSL_CACERT_BADFILE:
      return "the given --ca-file holds no certificates that can be read";
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_URL_MALFORMAT:
      return "this is no address that can be asked";
    default:
      return {};
  }
}

}  // namespace

std::string HttpAnswer::header(const std::string& name) const {
  const auto found = headers.find(name);
  return found != headers.end() ? found->second : std::string();
}

class HttpClient::Connection {
 public:
  explicit Connection(const HttpOptions& options) : options_(options) {
    start_curl();
    handle_.reset(curl_easy_init());
    if (!handle_) throw Error(ErrorKind::kUnavailable, "libcurl cannot be started");
  }

  HttpAnswer perform(const HttpRequest& request, HttpMoved& moved) {
    answer_ = {};
    trouble_ = Trouble::kNone;
    position_ = sent_ = received_ = repeated_ = 0;
    request_ = &request;
    stop_ = StopScope::current();
    stopped_at_.reset();
    error_.fill('\0');
    window_ = window_now();
    curl_socket_t socket = CURL_SOCKET_BAD;
    curl_easy_getinfo(handle_.get(), CURLINFO_ACTIVESOCKET, &socket);
    if (socket != CURL_SOCKET_BAD) clamp(socket, window_);
    // Connections stay open over this.
    curl_easy_reset(handle_.get());
    prepare(request);
    List headers;
    if (length() < kAskFirst || !request.asks_first) append_header(headers, "Expect:");
    append_header(headers, "User-Agent: garner");
    for (const auto& [name, value] : request.headers) append_header(headers, name + ": " + value);
    set(CURLOPT_HTTPHEADER, headers.get());
    const CURLcode code = curl_easy_perform(handle_.get());
    long request_bytes = 0;
    curl_easy_getinfo(handle_.get(), CURLINFO_REQUEST_SIZE, &request_bytes);
    moved = {request_bytes > 0 ? 1 + repeated_ : 0, sent_, received_};
    if (code != CURLE_OK) fail(code);
    curl_easy_getinfo(handle_.get(), CURLINFO_RESPONSE_CODE, &answer_.status);
    return std::move(answer_);
  }

 private:
  struct HandleDeleter {
    void operator()(CURL* handle) const { curl_easy_cleanup(handle); }
  };
  // Why a callback has ended the transfer: libcurl does not tell one from the other.
  enum class Trouble { kNone, kStopped, kUnreadable, kTooLong };

  template <typename Value>
  void set(CURLoption option, Value value) {
    const CURLcode code = curl_easy_setopt(handle_.get(), option, value);
    if (code != CURLE_OK) throw Error(ErrorKind::kInternal, curl_easy_strerror(code));
  }

  void prepare(const HttpRequest& request) {
    set(CURLOPT_ERRORBUFFER, error_.data());
    set(CURLOPT_NOSIGNAL, 1L);
    set(CURLOPT_QUICK_EXIT, 1L);
    set(CURLOPT_URL, request.url.c_str());
    // What was signed is what is sent.
    set(CURLOPT_PATH_AS_IS, 1L);
    set(CURLOPT_PROTOCOLS_STR, "http,https");
    set(CURLOPT_FOLLOWLOCATION, 0L);
    set(CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
    set(CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
    set(CURLOPT_TCP_KEEPALIVE, 1L);
    set(CURLOPT_SOCKOPTFUNCTION, &Connection::take_socket);
    set(CURLOPT_SOCKOPTDATA, this);
    set(CURLOPT_BUFFERSIZE, 256L << 10);
    set(CURLOPT_UPLOAD_BUFFERSIZE, 256L << 10);
    set(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(options_.connect_timeout.count()));
    set(CURLOPT_LOW_SPEED_LIMIT, 1L);
    set(CURLOPT_LOW_SPEED_TIME, static_cast<long>(options_.stall_timeout.count()));
    set(CURLOPT_NOPROGRESS, 0L);
    set(CURLOPT_XFERINFOFUNCTION, &Connection::glance);
    set(CURLOPT_XFERINFODATA, this);
    set(CURLOPT_HEADERFUNCTION, &Connection::take_header);
    set(CURLOPT_HEADERDATA, this);
    set(CURLOPT_WRITEFUNCTION, &Connection::take);
    set(CURLOPT_WRITEDATA, this);
    if (!options_.ca_certificates.empty()) {
      curl_blob blob{const_cast<char*>(options_.ca_certificates.data()), options_.ca_certificates.size(),
                     CURL_BLOB_COPY};
      set(CURLOPT_CAINFO_BLOB, &blob);
      set(CURLOPT_CAPATH, static_cast<char*>(nullptr));
    }
    if (request.method == "HEAD") {
      set(CURLOPT_NOBODY, 1L);
    } else if (request.method == "PUT" || request.method == "POST") {
      set(CURLOPT_UPLOAD, 1L);
      set(CURLOPT_READFUNCTION, &Connection::give);
      set(CURLOPT_READDATA, this);
      set(CURLOPT_SEEKFUNCTION, &Connection::seek);
      set(CURLOPT_SEEKDATA, this);
      set(CURLOPT_INFILESIZE_LARGE, static_cast<curl_off_t>(length()));
      set(CURLOPT_CUSTOMREQUEST, request.method.c_str());
    } else if (request.method != "GET") {
      set(CURLOPT_CUSTOMREQUEST, request.method.c_str());
    }
  }

  // How much the server may send before it is read.
  int window_now() const {
    const auto limit = options_.receive_limit ? options_.receive_limit() : std::nullopt;
    if (!limit) return kOpenWindow;
    return static_cast<int>(std::clamp<std::uint64_t>(*limit / 4, kLeastWindow, kOpenWindow));
  }
  // It holds what comes in from now on; whether it can be set or not, the limit holds on average.
  static void clamp(curl_socket_t socket, int window) {
    setsockopt(socket, IPPROTO_TCP, TCP_WINDOW_CLAMP, &window, sizeof window);
  }
  static int take_socket(void* pointer, curl_socket_t socket, curlsocktype) {
    const int window = static_cast<Connection*>(pointer)->window_;
    if (window != kOpenWindow) clamp(socket, window);
    return CURL_SOCKOPT_OK;
  }

  [[noreturn]] void fail(CURLcode code) const {
    switch (trouble_) {
      case Trouble::kStopped:
        throw Error(ErrorKind::kCancelled, "the run was stopped");
      case Trouble::kUnreadable:
        throw Error(ErrorKind::kReadFailed, "the file that is sent cannot be read, or became shorter");
      case Trouble::kTooLong:
        throw HttpFailure("the answer is longer than it can be", false);
      case Trouble::kNone:
        break;
    }
    const std::string reason = error_[0] != '\0' ? error_.data() : curl_easy_strerror(code);
    const std::string to_do = advice(code, !options_.ca_certificates.empty());
    if (!to_do.empty()) throw HttpFailure(to_do + " (" + reason + ")", false);
    if (code == CURLE_OPERATION_TIMEDOUT) throw HttpFailure("the server does not answer: " + reason, true);
    throw HttpFailure(reason, true);
  }

  std::uint64_t length() const { return request_->file ? request_->file->length : request_->body.size(); }

  // Callbacks are called by C: nothing may be thrown out of them.

  static int glance(void* pointer, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
    Connection& self = *static_cast<Connection*>(pointer);
    if (!self.stop_.stop_requested()) return 0;
    const auto now = std::chrono::steady_clock::now();
    if (!self.stopped_at_) self.stopped_at_ = now;
    if (now - *self.stopped_at_ <= kStopGrace) return 0;
    self.trouble_ = Trouble::kStopped;
    return 1;
  }

  static std::size_t take_header(char* data, std::size_t, std::size_t size, void* pointer) {
    Connection& self = *static_cast<Connection*>(pointer);
    const std::string_view line(data, size);
    // An interim answer has headers of its own.
    if (line.starts_with("HTTP/")) self.answer_.headers.clear();
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos || self.answer_.headers.size() >= kMostHeaders) return size;
    std::string name(line.substr(0, colon));
    std::transform(name.begin(), name.end(), name.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
    std::string_view value = line.substr(colon + 1);
    const auto blank = [](char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; };
    while (!value.empty() && blank(value.front())) value.remove_prefix(1);
    while (!value.empty() && blank(value.back())) value.remove_suffix(1);
    self.answer_.headers[name] = value;
    return size;
  }

  // How long the answer says it is: memory for it is taken once.
  std::uint64_t announced() const {
    return std::min(parse_number<std::uint64_t>(answer_.header("content-length")).value_or(0),
                    request_->answer_limit);
  }

  static std::size_t take(char* data, std::size_t, std::size_t size, void* pointer) {
    Connection& self = *static_cast<Connection*>(pointer);
    Bytes& body = self.answer_.body;
    self.received_ += size;
    if (size > self.request_->answer_limit - body.size()) {
      self.trouble_ = Trouble::kTooLong;
      return 0;
    }
    try {
      if (body.empty()) body.reserve(self.announced());
      body.insert(body.end(), data, data + size);
      if (self.options_.after_receiving) self.options_.after_receiving(size);
    } catch (...) {
      self.trouble_ = Trouble::kTooLong;
      return 0;
    }
    return size;
  }

  static std::size_t give(char* data, std::size_t size, std::size_t count, void* pointer) {
    Connection& self = *static_cast<Connection*>(pointer);
    std::size_t wanted = std::min<std::uint64_t>(size * count, self.length() - self.position_);
    if (wanted == 0) return 0;
    try {
      if (self.options_.before_sending) {
        wanted = std::min(wanted, kPaidPiece);
        self.options_.before_sending(wanted);
      }
    } catch (...) {
      self.trouble_ = Trouble::kStopped;
      return CURL_READFUNC_ABORT;
    }
    if (!self.request_->file) {
      std::memcpy(data, self.request_->body.data() + self.position_, wanted);
    } else {
      const FilePart& file = *self.request_->file;
      ssize_t got = -1;
      do got = pread(file.fd, data, wanted, static_cast<off_t>(file.offset + self.position_));
      while (got < 0 && errno == EINTR);
      if (got <= 0) {
        self.trouble_ = Trouble::kUnreadable;
        return CURL_READFUNC_ABORT;
      }
      wanted = static_cast<std::size_t>(got);
    }
    self.position_ += wanted;
    self.sent_ += wanted;
    return wanted;
  }

  // A connection that was closed while it was idle makes libcurl begin again, and so may an answer that never
  // came: the server may have done what it was asked for.
  static int seek(void* pointer, curl_off_t offset, int origin) {
    Connection& self = *static_cast<Connection*>(pointer);
    if (origin != SEEK_SET || offset < 0 || static_cast<std::uint64_t>(offset) > self.length())
      return CURL_SEEKFUNC_FAIL;
    self.position_ = static_cast<std::uint64_t>(offset);
    self.answer_.resent = true;
    ++self.repeated_;
    return CURL_SEEKFUNC_OK;
  }

  const HttpOptions& options_;
  std::array<char, CURL_ERROR_SIZE> error_{};
  const HttpRequest* request_ = nullptr;
  HttpAnswer answer_;
  Trouble trouble_ = Trouble::kNone;
  std::uint64_t position_ = 0;  // in what is sent
  std::uint64_t sent_ = 0;
  std::uint64_t received_ = 0;
  std::uint64_t repeated_ = 0;  // how often libcurl began again
  int window_ = kOpenWindow;
  std::stop_token stop_;
  std::optional<std::chrono::steady_clock::time_point> stopped_at_;
  // Last: it goes first, while what it points to is there.
  std::unique_ptr<CURL, HandleDeleter> handle_;
};

// A connection for as long as it is needed.
class HttpClient::Lease {
 public:
  explicit Lease(HttpClient& client) : client_(client) {
    const std::stop_token stop = StopScope::current();
    std::unique_lock lock(client_.mutex_);
    const bool free = client_.freed_.wait(lock, stop, [&] {
      return !client_.idle_.empty() || client_.made_ < client_.options_.connections || !stop.stop_possible();
    });
    if (!free) throw Error(ErrorKind::kCancelled, "the run was stopped");
    if (!client_.idle_.empty()) {
      connection_ = std::move(client_.idle_.back());
      client_.idle_.pop_back();
      return;
    }
    connection_ = std::make_unique<Connection>(client_.options_);
    ++client_.made_;
  }
  Lease(const Lease&) = delete;
  ~Lease() {
    {
      const std::lock_guard lock(client_.mutex_);
      client_.idle_.push_back(std::move(connection_));
    }
    client_.freed_.notify_one();
  }
  Connection& operator*() { return *connection_; }

 private:
  HttpClient& client_;
  std::unique_ptr<Connection> connection_;
};

HttpClient::HttpClient(HttpOptions options) : options_(std::move(options)) {}
HttpClient::~HttpClient() = default;

HttpAnswer HttpClient::perform(const HttpRequest& request, HttpMoved& moved) {
  Lease lease(*this);
  return (*lease).perform(request, moved);
}

}  // namespace garner::destination
