#include "notification_request.h"

#include "installation.h"
#include "web_transfer.h"

namespace garner::daemon {
namespace {

bool is_set(const std::string& name) { return name == "home" || name == "docs"; }

catalog::Notification accepted(const v1::AddNotificationRequest& request, uid_t user = 0) {
  return to_notification(request, user, is_set);
}

v1::AddNotificationRequest request_for(v1::NotificationKind kind, const std::string& target) {
  v1::AddNotificationRequest request;
  request.set_name("ops");
  request.set_kind(kind);
  request.set_target(target);
  return request;
}

v1::AddNotificationRequest hook() {
  return request_for(v1::NOTIFICATION_KIND_WEBHOOK, "https://u:p@host:8443/secret?token=1");
}
v1::AddNotificationRequest mail() {
  auto request = request_for(v1::NOTIFICATION_KIND_MAIL, "ops@example.org");
  request.set_smtp("smtp://mail.example.org:587");
  return request;
}

TEST_CASE("a webhook is kept whole and shown without its secrets") {
  auto request = hook();
  request.set_headers("Authorization: Bearer secret\r\n\nX-Other: 1\n");
  request.add_sets("home");
  request.add_sets("docs");
  request.add_sets("home");
  const catalog::Notification kept = accepted(request);
  CHECK(kept.target == "https://u:p@host:8443/secret?token=1");
  CHECK(kept.headers == "Authorization: Bearer secret\nX-Other: 1\n");
  CHECK(kept.sets == std::vector<std::string>{"docs", "home"});
  const v1::Notification shown = to_message(kept, {});
  CHECK(shown.target() == "https://host:8443/…");
  CHECK(shown.has_headers());
  for (const char* secret : {"secret", "token", "u:p"})
    CHECK(shown.ShortDebugString().find(secret) == std::string::npos);
  CHECK(std::vector<std::string>(shown.events().begin(), shown.events().end()) ==
        std::vector<std::string>{"errors", "failure", "overdue", "recovery"});
}

TEST_CASE("a ping hears of beginnings and ends") {
  const v1::Notification shown =
      to_message(accepted(request_for(v1::NOTIFICATION_KIND_PING, "http://localhost:8000")), {});
  CHECK(shown.target() == "http://localhost:8000");
  CHECK(std::vector<std::string>(shown.events().begin(), shown.events().end()) ==
        std::vector<std::string>{"start", "success", "errors", "failure"});
}

TEST_CASE("mail") {
  auto request = mail();
  request.set_user("garner");
  request.set_password("p4ss");
  request.set_from("garner@example.org");
  const catalog::Notification kept = accepted(request);
  CHECK(as_text(kept.password) == "p4ss");
  const v1::Notification shown = to_message(kept, {});
  CHECK(shown.target() == "ops@example.org");
  CHECK(shown.has_password());
  CHECK(shown.ShortDebugString().find("p4ss") == std::string::npos);
}

TEST_CASE("what cannot work is refused") {
  const auto refused = [](v1::AddNotificationRequest request,
                          const std::function<void(v1::AddNotificationRequest&)>& change) {
    change(request);
    return kind_of([&] { accepted(request); });
  };
  using R = v1::AddNotificationRequest;
  constexpr auto kInvalid = ErrorKind::kInvalidInput;
  CHECK(refused(hook(), [](R& r) { r.set_name("a b"); }) == kInvalid);
  CHECK(refused(hook(), [](R& r) { r.set_kind(v1::NOTIFICATION_KIND_UNSPECIFIED); }) == kInvalid);
  for (const char* url : {"", "host", "ftp://host", "file:///etc/passwd", "https://", "https://ho st/",
                          "smtp://host", "javascript:alert(1)", "https://host/\n"})
    CHECK(refused(hook(), [&](R& r) { r.set_target(url); }) == kInvalid);
  CHECK(refused(hook(), [](R& r) { r.set_target("http://host/" + std::string(5000, 'x')); }) == kInvalid);
  for (const char* header : {"none", ": x", "A B: x", "X:", "X: a\x01", "Host: x", "content-length: 5", "\n"})
    CHECK(refused(hook(), [&](R& r) { r.set_headers(header); }) == kInvalid);
  CHECK(refused(hook(), [](R& r) {
          r.set_target("http://example.org");
          r.set_headers("X: 1");
        }) == kInvalid);
  CHECK(refused(hook(), [](R& r) { r.set_ca_certificates("no certificate"); }) == kInvalid);
  CHECK(refused(hook(), [](R& r) { r.set_smtp("smtp://host"); }) == kInvalid);
  CHECK(refused(hook(), [](R& r) { r.add_events("moonrise"); }) == kInvalid);
  CHECK(refused(hook(), [](R& r) { r.add_sets("other"); }) == ErrorKind::kNotFound);
  CHECK(refused(mail(), [](R& r) { r.clear_smtp(); }) == kInvalid);
  CHECK(refused(mail(), [](R& r) { r.set_smtp("https://host"); }) == kInvalid);
  CHECK(refused(mail(), [](R& r) { r.set_smtp("smtp://u:p@host"); }) == kInvalid);
  CHECK(refused(mail(), [](R& r) { r.set_target("nobody"); }) == kInvalid);
  CHECK(refused(mail(), [](R& r) { r.set_from("a@b\r\nBcc: c@d"); }) == kInvalid);
  CHECK(refused(mail(), [](R& r) { r.set_user("u"); }) == kInvalid);
  CHECK(refused(mail(), [](R& r) { r.set_password("p"); }) == kInvalid);
  CHECK(refused(mail(), [](R& r) {
          r.set_user("u");
          r.set_password("p");
          r.set_plain_smtp(true);
        }) == kInvalid);
  CHECK(refused(request_for(v1::NOTIFICATION_KIND_PING, "https://host"),
                [](R& r) { r.set_headers("X: 1"); }) == kInvalid);
  CHECK(refused(request_for(v1::NOTIFICATION_KIND_COMMAND, "true"),
                [](R& r) { r.set_smtp("smtp://host"); }) == kInvalid);
}

TEST_CASE("a command is its user's") {
  const catalog::Notification kept = accepted(request_for(v1::NOTIFICATION_KIND_COMMAND, "logger"), 1000);
  CHECK(kept.user == 1000);
  CHECK(to_message(kept, {}).uid() == 1000);
  CHECK(to_message(kept, {}).target() == "logger");
}

TEST_CASE("to which servers mail goes with TLS") {
  CHECK(smtp_tls("smtp://mail.example.org", false, false) == SmtpTls::kRequired);
  CHECK(smtp_tls("smtp://mail.example.org", true, false) == SmtpTls::kIfOffered);
  CHECK(smtp_tls("smtp://mail.localhost", false, false) == SmtpTls::kRequired);
  for (const char* own : {"smtp://localhost:25", "smtp://127.0.0.1", "smtp://[::1]:25"}) {
    CHECK(smtp_tls(own, false, false) == SmtpTls::kNone);
    CHECK(smtp_tls(own, false, true) == SmtpTls::kRequired);
  }
  CHECK(smtp_tls("smtps://localhost", false, false) == SmtpTls::kRequired);
  CHECK(smtp_tls("smtp://127.0.0.1.example.org", false, false) == SmtpTls::kRequired);
}

}  // namespace
}  // namespace garner::daemon
