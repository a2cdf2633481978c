#include "notification_request.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>

#include <algorithm>
#include <climits>
#include <memory>

#include "base/bytes.h"
#include "base/error.h"
#include "base/file.h"
#include "header_fields.h"
#include "mail_message.h"
#include "refuse.h"
#include "run_events.h"
#include "timestamp.h"
#include "web_transfer.h"

namespace garner::daemon {

namespace {

using catalog::NotificationEvent;
using catalog::NotificationKind;

constexpr std::size_t kLongestTarget = 4000;
constexpr std::size_t kLongestCertificates = 1u << 20;
constexpr std::size_t kLongestPassword = 4096;
constexpr std::size_t kLongestUser = 256;

std::string checked_certificates(const std::string& pem) {
  if (pem.size() > kLongestCertificates) refuse("the certificates are too long: at most 1 MiB");
  const std::unique_ptr<BIO, int (*)(BIO*)> bytes(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())),
                                                  BIO_free);
  const std::unique_ptr<X509, void (*)(X509*)> first(
      PEM_read_bio_X509(bytes.get(), nullptr, nullptr, nullptr), X509_free);
  ERR_clear_error();
  if (!first || !is_utf8(pem)) refuse("there is no certificate in PEM form in it");
  return pem;
}

// For a kind that has no use for it.
void refuse_if(bool given, const std::string& what, const std::string& kind) {
  if (given) refuse(what + " is only for " + kind);
}

void check_web(catalog::Notification& one, const v1::AddNotificationRequest& request) {
  const WebAddress address = parse_web_address(one.target, {"http", "https"}, "a web server");
  if (request.headers().empty()) return;
  one.headers = checked_headers(request.headers());
  if (address.scheme != "https" && !address.loopback)
    refuse("header fields are secrets, which are not sent in clear: use https");
}

void check_mail(catalog::Notification& one, const v1::AddNotificationRequest& request) {
  if (!is_mail_address(one.target)) refuse("'" + printable(one.target) + "' is no mail address");
  one.smtp = request.smtp();
  if (one.smtp.empty()) refuse("mail needs an SMTP server");
  const WebAddress server = parse_web_address(one.smtp, {"smtp", "smtps"}, "an SMTP server");
  if (one.smtp.find('@') != std::string::npos)
    refuse("an SMTP server's address holds no user: give it by itself");
  one.sender = request.from();
  if (!one.sender.empty() && !is_mail_address(one.sender))
    refuse("'" + printable(one.sender) + "' is no mail address");
  one.smtp_user = request.user();
  one.password.assign(request.password().begin(), request.password().end());
  one.plain_smtp = request.plain_smtp();
  if (one.smtp_user.empty() != one.password.empty())
    refuse("a user at the SMTP server needs a password, and a password a user");
  if (one.smtp_user.size() > kLongestUser || one.password.size() > kLongestPassword)
    refuse("the user or password for the SMTP server is too long");
  if (one.plain_smtp && server.scheme == "smtps") refuse("smtps always has TLS");
  if (one.plain_smtp && !one.password.empty() && !server.loopback)
    refuse("a password is not sent in clear: the SMTP server has to offer TLS");
}

std::string checked_file_path(const std::string& path) {
  if (path.empty()) return {};
  if (!path.starts_with('/') || path.size() >= PATH_MAX)
    refuse("a file that a notification was read from is named by an absolute path");
  return normal_path(path);
}

}  // namespace

catalog::NotificationEvents usual_events(NotificationKind kind) {
  if (kind == NotificationKind::kPing) {
    return bit(NotificationEvent::kStart) | bit(NotificationEvent::kSuccess) |
           bit(NotificationEvent::kErrors) | bit(NotificationEvent::kFailure);
  }
  return bit(NotificationEvent::kFailure) | bit(NotificationEvent::kErrors) |
         bit(NotificationEvent::kOverdue) | bit(NotificationEvent::kRecovery);
}

bool holds_secret(const std::string& url) {
  const WebAddress address = parse_web_address(url, {"http", "https"}, "a web server");
  return url != address.shown && url != address.shown + "/";
}

catalog::Notification to_notification(const v1::AddNotificationRequest& request, uid_t user,
                                      const std::function<bool(const std::string&)>& is_set) {
  catalog::check_name(request.name(), "notification");
  catalog::Notification one;
  one.name = request.name();
  one.target = request.target();
  one.user = user;
  if (one.target.empty() || one.target.size() > kLongestTarget)
    refuse("whom to notify is missing, or longer than 4000 bytes");
  if (one.target.find('\0') != std::string::npos) refuse("whom to notify holds a NUL byte");
  if (!request.ca_certificates().empty())
    one.ca_certificates = checked_certificates(request.ca_certificates());
  switch (request.kind()) {
    case v1::NOTIFICATION_KIND_WEBHOOK:
      one.kind = NotificationKind::kWebhook;
      check_web(one, request);
      break;
    case v1::NOTIFICATION_KIND_PING:
      one.kind = NotificationKind::kPing;
      refuse_if(!request.headers().empty(), "a file of header fields", "webhooks");
      check_web(one, request);
      break;
    case v1::NOTIFICATION_KIND_MAIL:
      one.kind = NotificationKind::kMail;
      refuse_if(!request.headers().empty(), "a file of header fields", "webhooks");
      check_mail(one, request);
      break;
    case v1::NOTIFICATION_KIND_COMMAND:
      one.kind = NotificationKind::kCommand;
      refuse_if(!request.headers().empty(), "a file of header fields", "webhooks");
      refuse_if(!request.ca_certificates().empty(), "a file of certificates", "webhooks, pings and mail");
      break;
    default:
      refuse("a notification is a webhook, a ping, mail or a command");
  }
  if (one.kind != NotificationKind::kMail) {
    refuse_if(!request.smtp().empty() || !request.from().empty() || !request.user().empty() ||
                  !request.password().empty() || request.plain_smtp(),
              "what concerns an SMTP server", "mail");
  }
  one.files = {checked_file_path(request.files().target()), checked_file_path(request.files().headers()),
               checked_file_path(request.files().password()),
               checked_file_path(request.files().ca_certificates())};
  for (const std::string& name : request.events()) one.events |= bit(event_named(name));
  if (one.events == 0) one.events = usual_events(one.kind);
  for (const std::string& set : request.sets()) {
    if (!is_set(set)) throw Error(ErrorKind::kNotFound, "there is no set '" + printable(set) + "'");
    one.sets.push_back(set);
  }
  std::sort(one.sets.begin(), one.sets.end());
  one.sets.erase(std::unique(one.sets.begin(), one.sets.end()), one.sets.end());
  return one;
}

v1::Notification to_message(const catalog::Notification& notification, const catalog::DeliveryState& state) {
  v1::Notification message;
  message.set_name(notification.name);
  message.set_kind(static_cast<v1::NotificationKind>(notification.kind));
  const bool web =
      notification.kind == NotificationKind::kWebhook || notification.kind == NotificationKind::kPing;
  message.set_target(web ? parse_web_address(notification.target, {"http", "https"}, "a web server").shown
                         : printable(notification.target));
  for (const NotificationEvent event : events_in(notification.events)) message.add_events(name_of(event));
  for (const std::string& set : notification.sets) message.add_sets(set);
  message.set_has_headers(!notification.headers.empty());
  message.set_smtp(notification.smtp);
  message.set_from(notification.sender);
  message.set_user(notification.smtp_user);
  message.set_has_password(!notification.password.empty());
  message.set_has_ca_certificates(!notification.ca_certificates.empty());
  message.set_plain_smtp(notification.plain_smtp);
  message.set_uid(notification.user);
  message.mutable_files()->set_target(notification.files.target);
  message.mutable_files()->set_headers(notification.files.headers);
  message.mutable_files()->set_password(notification.files.password);
  message.mutable_files()->set_ca_certificates(notification.files.ca_certificates);
  message.set_waiting(state.waiting);
  message.set_delivered(state.delivered);
  message.set_given_up(state.given_up);
  message.set_attempts(state.attempts);
  if (state.last_delivered) *message.mutable_last_delivered() = to_timestamp(*state.last_delivered);
  if (state.next_attempt) *message.mutable_next_attempt() = to_timestamp(*state.next_attempt);
  message.set_last_error(state.last_error);
  return message;
}

}  // namespace garner::daemon
