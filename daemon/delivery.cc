#include "delivery.h"

#include "base/bytes.h"
#include "base/error.h"
#include "base/uuid.h"
#include "command/command.h"
#include "mail_message.h"
#include "notification_text.h"
#include "timestamp.h"

namespace garner::daemon {

namespace {

using catalog::Notification;
using catalog::NotificationKind;

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    if (end > at) lines.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return lines;
}

Outcome to_webhook(const Notification& notification, const v1::NotificationMessage& message,
                   const DeliveryLimits& limits, const std::stop_token& stop) {
  return post({notification.target, "application/json", to_json(message), lines_of(notification.headers),
               notification.ca_certificates},
              limits.web, stop);
}

Outcome ping(const Notification& notification, const v1::NotificationMessage& message,
             const DeliveryLimits& limits, const std::stop_token& stop) {
  return post({ping_url(notification.target, ping_suffix(message)),
               "text/plain; charset=utf-8",
               message.text() + "\n",
               {},
               notification.ca_certificates},
              limits.web, stop);
}

Outcome mail(const Notification& notification, const v1::NotificationMessage& message,
             const DeliveryLimits& limits, const std::stop_token& stop) {
  Mail mail;
  mail.from = notification.sender.empty() ? "garner@" + message.host() : notification.sender;
  mail.to = notification.target;
  mail.subject = subject_of(message);
  mail.body = body_of(message);
  mail.date = {message.time().seconds(), 0};
  mail.id = "<" + Uuid::random().text() + "@" + message.host() + ">";
  return send_mail(
      {notification.smtp, mail.from, mail.to, to_rfc5322(mail), notification.smtp_user,
       std::string(as_text(notification.password)), notification.ca_certificates, notification.plain_smtp},
      limits.mail, stop);
}

Outcome run(const Notification& notification, const v1::NotificationMessage& message,
            const DeliveryLimits& limits, const std::stop_token& stop) {
  const command::Request request{notification.target,
                                 notification.user,
                                 {"GARNER_EVENT=" + message.event(), "GARNER_SET=" + message.set(),
                                  "GARNER_RUN=" + message.run().run_id(), "GARNER_TEXT=" + message.text()},
                                 limits.command,
                                 to_json(message) + "\n"};
  command::LastLines said;
  command::Command running(
      request, command::Command::Output::kLines, [&](std::string_view line) { said.add(line); },
      [&] { return stop.stop_requested(); });
  const command::Ending ending = running.wait();
  if (ending.well()) return {};
  const std::string text = said.text();
  return {"it " + command::describe(ending, limits.command) + (text.empty() ? "" : ": " + text)};
}

}  // namespace

Outcome deliver(const Notification& notification, const v1::NotificationMessage& message,
                const DeliveryLimits& limits, const std::stop_token& stop) {
  try {
    switch (notification.kind) {
      case NotificationKind::kWebhook:
        return to_webhook(notification, message, limits, stop);
      case NotificationKind::kPing:
        return ping(notification, message, limits, stop);
      case NotificationKind::kMail:
        return mail(notification, message, limits, stop);
      case NotificationKind::kCommand:
        return run(notification, message, limits, stop);
    }
    return {"it is of an unknown kind"};
  } catch (const std::exception& error) {
    return {error.what()};
  }
}

}  // namespace garner::daemon
