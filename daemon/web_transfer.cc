#include "web_transfer.h"

#include <curl/curl.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <mutex>

#include "base/bytes.h"
#include "base/error.h"
#include "version.h"

namespace garner::daemon {

namespace {

constexpr long kMostRedirects = 3;
constexpr std::size_t kKeptAnswer = 300;      // bytes, for a message
constexpr std::size_t kMostAnswer = 1 << 20;  // bytes; nobody needs to say more

void start_library() {
  static std::once_flag once;
  std::call_once(once, [] { curl_global_init(CURL_GLOBAL_DEFAULT); });
}

struct ListDeleter {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
using List = std::unique_ptr<curl_slist, ListDeleter>;

void append(List& list, const std::string& text) {
  curl_slist* longer = curl_slist_append(list.get(), text.c_str());
  if (longer == nullptr) throw Error(ErrorKind::kUnavailable, "no memory for a message's header");
  (void)list.release();
  list.reset(longer);
}

// What came back, as far as it is of use to people: its first line.
std::string first_line(const std::string& text) {
  const std::string line = printable(text.substr(0, text.find_first_of("\r\n")));
  return line.empty() ? "" : ": " + line;
}

class Transfer {
 public:
  Transfer(const TransferLimits& limits, const std::stop_token& stop) : stop_(stop) {
    start_library();
    handle_.reset(curl_easy_init());
    if (!handle_) throw Error(ErrorKind::kUnavailable, "libcurl cannot be started");
    set(CURLOPT_ERRORBUFFER, error_.data());
    set(CURLOPT_NOSIGNAL, 1L);
    // An end does not wait for a name that is being looked up.
    set(CURLOPT_QUICK_EXIT, 1L);
    set(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(limits.connect.count()));
    set(CURLOPT_TIMEOUT_MS, static_cast<long>(limits.total.count()));
    set(CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
    set(CURLOPT_NOPROGRESS, 0L);
    set(CURLOPT_XFERINFOFUNCTION, &Transfer::glance);
    set(CURLOPT_XFERINFODATA, this);
    set(CURLOPT_WRITEFUNCTION, &Transfer::take);
    set(CURLOPT_WRITEDATA, this);
    set(CURLOPT_USERAGENT, (std::string("garner/") + kVersion).c_str());
  }

  template <typename Value>
  void set(CURLoption option, Value value) {
    const CURLcode code = curl_easy_setopt(handle_.get(), option, value);
    if (code != CURLE_OK) throw Error(ErrorKind::kInternal, curl_easy_strerror(code));
  }

  void trust(const std::string& certificates) {
    if (certificates.empty()) return;
    curl_blob blob{const_cast<char*>(certificates.data()), certificates.size(), CURL_BLOB_COPY};
    set(CURLOPT_CAINFO_BLOB, &blob);
    set(CURLOPT_CAPATH, static_cast<char*>(nullptr));
  }

  void upload(const std::string& content) {
    content_ = content;
    set(CURLOPT_UPLOAD, 1L);
    set(CURLOPT_READFUNCTION, &Transfer::give);
    set(CURLOPT_READDATA, this);
    set(CURLOPT_INFILESIZE_LARGE, static_cast<curl_off_t>(content_.size()));
  }

  // Empty when it was done; else what went wrong.
  std::string perform() {
    const CURLcode code = curl_easy_perform(handle_.get());
    if (code == CURLE_OK) return {};
    if (code == CURLE_ABORTED_BY_CALLBACK) return "the daemon was stopped";
    if (code == CURLE_WRITE_ERROR) return "its answer is too long";
    std::string reason = curl_easy_strerror(code);
    if (error_[0] != '\0') reason += std::string(" (") + printable(error_.data()) + ")";
    return reason;
  }

  long answer_code() const {
    long code = 0;
    curl_easy_getinfo(handle_.get(), CURLINFO_RESPONSE_CODE, &code);
    return code;
  }
  std::chrono::seconds retry_after() const {
    curl_off_t seconds = 0;
    curl_easy_getinfo(handle_.get(), CURLINFO_RETRY_AFTER, &seconds);
    return std::chrono::seconds(seconds);
  }
  const std::string& answer() const { return answer_; }

 private:
  struct HandleDeleter {
    void operator()(CURL* handle) const { curl_easy_cleanup(handle); }
  };

  static int glance(void* self, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
    return static_cast<Transfer*>(self)->stop_.stop_requested() ? 1 : 0;
  }
  static std::size_t take(char* data, std::size_t, std::size_t size, void* self) {
    Transfer& transfer = *static_cast<Transfer*>(self);
    transfer.received_ += size;
    const std::size_t kept = std::min(size, kKeptAnswer - transfer.answer_.size());
    transfer.answer_.append(data, kept);
    return transfer.received_ > kMostAnswer ? 0 : size;
  }
  static std::size_t give(char* data, std::size_t size, std::size_t count, void* self) {
    Transfer& transfer = *static_cast<Transfer*>(self);
    const std::size_t part = std::min(size * count, transfer.content_.size() - transfer.given_);
    std::memcpy(data, transfer.content_.data() + transfer.given_, part);
    transfer.given_ += part;
    return part;
  }

  const std::stop_token& stop_;
  std::array<char, CURL_ERROR_SIZE> error_{};
  std::string content_;
  std::size_t given_ = 0;
  std::string answer_;
  std::size_t received_ = 0;
  // Last: it goes first, while what it points to is there.
  std::unique_ptr<CURL, HandleDeleter> handle_;
};

bool is_loopback(const std::string& host) {
  return host == "localhost" || host == "[::1]" ||
         (host.starts_with("127.") && host.find_first_not_of("0123456789.") == std::string::npos);
}

std::string part_of(CURLU* url, CURLUPart part) {
  char* text = nullptr;
  if (curl_url_get(url, part, &text, 0) != CURLUE_OK || text == nullptr) return {};
  std::string result = text;
  curl_free(text);
  return result;
}

}  // namespace

Outcome post(const WebPost& request, const TransferLimits& limits, const std::stop_token& stop) {
  const bool secure = parse_web_address(request.url, {"http", "https"}, "a web server").scheme == "https";
  Transfer transfer(limits, stop);
  List headers;
  append(headers, "Content-Type: " + request.content_type);
  append(headers, "Expect:");
  for (const std::string& header : request.headers) append(headers, header);
  transfer.set(CURLOPT_URL, request.url.c_str());
  transfer.set(CURLOPT_PROTOCOLS_STR, "http,https");
  transfer.set(CURLOPT_REDIR_PROTOCOLS_STR, secure ? "https" : "http,https");
  transfer.set(CURLOPT_FOLLOWLOCATION, request.headers.empty() ? 1L : 0L);
  transfer.set(CURLOPT_MAXREDIRS, kMostRedirects);
  transfer.set(CURLOPT_POSTREDIR, static_cast<long>(CURL_REDIR_POST_301 | CURL_REDIR_POST_302));
  transfer.set(CURLOPT_HTTPHEADER, headers.get());
  transfer.set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
  transfer.set(CURLOPT_POSTFIELDS, request.body.c_str());
  transfer.trust(request.ca_certificates);
  const std::string error = transfer.perform();
  if (!error.empty()) return {error};
  const long code = transfer.answer_code();
  if (code >= 200 && code < 300) return {};
  if (code >= 300 && code < 400) {
    return {
        "it answers with a redirect (" + std::to_string(code) +
        "), which is not followed: header fields are for the server that was named; give the address that "
        "it leads to"};
  }
  return {"it answers " + std::to_string(code) + first_line(transfer.answer()), transfer.retry_after()};
}

Outcome send_mail(const MailTransfer& mail, const TransferLimits& limits, const std::stop_token& stop) {
  Transfer transfer(limits, stop);
  List recipients;
  append(recipients, mail.to);
  transfer.set(CURLOPT_URL, mail.url.c_str());
  transfer.set(CURLOPT_PROTOCOLS_STR, "smtp,smtps");
  switch (smtp_tls(mail.url, mail.plain, !mail.ca_certificates.empty())) {
    case SmtpTls::kRequired:
      transfer.set(CURLOPT_USE_SSL, static_cast<long>(CURLUSESSL_ALL));
      break;
    case SmtpTls::kIfOffered:
      transfer.set(CURLOPT_USE_SSL, static_cast<long>(CURLUSESSL_TRY));
      break;
    case SmtpTls::kNone:
      transfer.set(CURLOPT_USE_SSL, static_cast<long>(CURLUSESSL_NONE));
      break;
  }
  transfer.set(CURLOPT_MAIL_FROM, mail.from.c_str());
  transfer.set(CURLOPT_MAIL_RCPT, recipients.get());
  if (!mail.user.empty()) {
    transfer.set(CURLOPT_USERNAME, mail.user.c_str());
    transfer.set(CURLOPT_PASSWORD, mail.password.c_str());
  }
  transfer.trust(mail.ca_certificates);
  transfer.upload(mail.message);
  const std::string error = transfer.perform();
  if (error.empty()) return {};
  const long code = transfer.answer_code();
  return {code >= 400 ? error + ", the server answers " + std::to_string(code) : error};
}

SmtpTls smtp_tls(const std::string& url, bool plain, bool has_ca) {
  const WebAddress address = parse_web_address(url, {"smtp", "smtps"}, "an SMTP server");
  if (address.scheme == "smtps" || has_ca) return SmtpTls::kRequired;
  if (address.loopback) return SmtpTls::kNone;
  return plain ? SmtpTls::kIfOffered : SmtpTls::kRequired;
}

WebAddress parse_web_address(const std::string& url, const std::vector<std::string_view>& schemes,
                             const std::string& what) {
  const std::unique_ptr<CURLU, void (*)(CURLU*)> parsed(curl_url(), curl_url_cleanup);
  const bool whole =
      url.find("://") != std::string::npos &&
      std::all_of(url.begin(), url.end(), [](char c) { return c > ' ' && c != '\x7f'; }) &&
      curl_url_set(parsed.get(), CURLUPART_URL, url.c_str(), CURLU_NON_SUPPORT_SCHEME) == CURLUE_OK;
  WebAddress address;
  if (whole) {
    address.scheme = part_of(parsed.get(), CURLUPART_SCHEME);
    address.host = part_of(parsed.get(), CURLUPART_HOST);
  }
  if (!whole || address.host.empty() ||
      std::find(schemes.begin(), schemes.end(), address.scheme) == schemes.end()) {
    std::string expected;
    for (const std::string_view scheme : schemes)
      expected += (expected.empty() ? "" : " or ") + std::string(scheme) + "://HOST";
    // Not shown whole: it may hold a secret.
    throw Error(ErrorKind::kInvalidInput, "this is no address of " + what + ": " + expected + " is expected");
  }
  const std::string port = part_of(parsed.get(), CURLUPART_PORT);
  address.loopback = is_loopback(address.host);
  address.shown = address.scheme + "://" + address.host + (port.empty() ? "" : ":" + port);
  const std::string path = part_of(parsed.get(), CURLUPART_PATH);
  const bool more = (path != "/" && !path.empty()) || !part_of(parsed.get(), CURLUPART_QUERY).empty();
  if (more) address.shown += "/…";
  return address;
}

}  // namespace garner::daemon
