// Messages on their way over the network, by libcurl: an HTTP POST, and a mail. Only http, https, smtp and
// smtps; certificates are verified; every transfer ends within its limits, or soon after a stop. An error's
// text never holds more of a URL than its host, for the rest may be a secret.
#pragma once

#include <chrono>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

namespace garner::daemon {

struct TransferLimits {
  std::chrono::milliseconds connect{10'000};
  std::chrono::milliseconds total{30'000};
};

struct Outcome {
  std::string error;                    // empty: delivered
  std::chrono::seconds retry_after{0};  // the other side asks not to be tried before; 0: it says nothing
  bool delivered() const { return error.empty(); }
};

struct WebPost {
  std::string url;
  std::string content_type;
  std::string body;
  // Further header fields. With any, redirects are not followed: they are for this server.
  std::vector<std::string> headers;
  std::string ca_certificates;  // PEM; empty: the system's
};
// 2xx is delivered. At most three redirects are followed, and none from https to http.
Outcome post(const WebPost& request, const TransferLimits& limits, const std::stop_token& stop);

struct MailTransfer {
  std::string url;  // smtp or smtps
  std::string from;
  std::string to;
  std::string message;  // RFC 5322
  std::string user;     // empty: without logging in
  std::string password;
  std::string ca_certificates;  // PEM; empty: the system's
  bool plain = false;           // without TLS where the server offers none
};
Outcome send_mail(const MailTransfer& mail, const TransferLimits& limits, const std::stop_token& stop);

// How a mail goes to smtp://…: TLS is asked of every server but this machine's own.
enum class SmtpTls { kRequired, kIfOffered, kNone };
// `plain`: somebody said that it may go without. To this machine it goes without, unless certificates are
// given that its server has to prove itself by.
SmtpTls smtp_tls(const std::string& url, bool plain, bool has_ca);

// What a URL consists of that may be seen: "https://host:8443/…".
struct WebAddress {
  std::string scheme;
  std::string host;
  std::string shown;
  bool loopback = false;  // "localhost", 127.0.0.0/8 or [::1]
};
// Error(kInvalidInput) for what is no absolute URL of one of `schemes`; `what` names it in the message.
WebAddress parse_web_address(const std::string& url, const std::vector<std::string_view>& schemes,
                             const std::string& what);

}  // namespace garner::daemon
