#include <algorithm>

#include "base/bytes.h"
#include "base/file.h"
#include "config_key_rows.h"
#include "notification_request.h"
#include "run_events.h"

namespace garner::daemon {

namespace {

using NotificationRequest = v1::AddNotificationRequest;
using Files = v1::NotificationFiles;
using Value = std::optional<ConfigValue>;

std::string checked_file(const std::string& text) {
  if (text == kKept) return text;
  if (!text.starts_with('/')) refuse("an absolute path is expected, or '" + std::string(kKept) + "'");
  return normal_path(text);
}

void set_kind(NotificationRequest& request, v1::NotificationKind kind) {
  if (request.kind() != v1::NOTIFICATION_KIND_UNSPECIFIED)
    refuse("a notification is a webhook, a ping, mail or a command: one of them");
  request.set_kind(kind);
}

// An address that may hold a secret, and so stands in a file.
ConfigKey<NotificationRequest> web(const char* name, v1::NotificationKind kind) {
  return {
      name, ConfigKind::kText,
      [kind](const NotificationRequest& request) -> Value {
        if (request.kind() != kind) return std::nullopt;
        const std::string& file = request.files().target();
        if (file.empty()) return request.target();
        return file == kKept ? file : '@' + file;
      },
      [kind](NotificationRequest& request, const ConfigValue& value) {
        set_kind(request, kind);
        const std::string& text = text_of(value);
        if (text == kKept || text.starts_with('@')) {
          request.mutable_files()->set_target(checked_file(text == kKept ? text : text.substr(1)));
          return;
        }
        if (holds_secret(text)) {
          refuse(
              "what follows the host may be a secret: write the address into a file, and its path here, as "
              "in \"@/root/address\"");
        }
        request.set_target(text);
      }};
}

ConfigKey<NotificationRequest> plain(const char* name, v1::NotificationKind kind) {
  return {name, ConfigKind::kText,
          [kind](const NotificationRequest& request) -> Value {
            if (request.kind() != kind) return std::nullopt;
            return request.target();
          },
          [kind](NotificationRequest& request, const ConfigValue& value) {
            set_kind(request, kind);
            request.set_target(text_of(value));
          }};
}

ConfigKey<NotificationRequest> file(const char* name, const std::string& (Files::*get)() const,
                                    std::string* (Files::*mutable_text)()) {
  return {name, ConfigKind::kText,
          [get](const NotificationRequest& request) { return unless_empty((request.files().*get)()); },
          [mutable_text](NotificationRequest& request, const ConfigValue& value) {
            *(request.mutable_files()->*mutable_text)() = checked_file(text_of(value));
          }};
}

ConfigKey<NotificationRequest> text(const char* name, const std::string& (NotificationRequest::*get)() const,
                                    std::string* (NotificationRequest::*mutable_text)()) {
  return {name, ConfigKind::kText,
          [get](const NotificationRequest& request) { return unless_empty((request.*get)()); },
          [mutable_text](NotificationRequest& request, const ConfigValue& value) {
            *(request.*mutable_text)() = text_of(value);
          }};
}

}  // namespace

const std::vector<ConfigKey<NotificationRequest>>& notification_keys() {
  static const std::vector<ConfigKey<NotificationRequest>> keys = {
      web("webhook", v1::NOTIFICATION_KIND_WEBHOOK),
      file("header-file", &Files::headers, &Files::mutable_headers),
      web("ping", v1::NOTIFICATION_KIND_PING),
      plain("mail", v1::NOTIFICATION_KIND_MAIL),
      text("smtp", &NotificationRequest::smtp, &NotificationRequest::mutable_smtp),
      text("from", &NotificationRequest::from, &NotificationRequest::mutable_from),
      text("user", &NotificationRequest::user, &NotificationRequest::mutable_user),
      file("password-file", &Files::password, &Files::mutable_password),
      flag("plain-smtp", &NotificationRequest::plain_smtp, &NotificationRequest::set_plain_smtp),
      plain("command", v1::NOTIFICATION_KIND_COMMAND),
      file("ca-file", &Files::ca_certificates, &Files::mutable_ca_certificates),
      {"on", ConfigKind::kTexts,
       [](const NotificationRequest& request) {
         catalog::NotificationEvents events = 0;
         for (const std::string& name : request.events()) events |= bit(event_named(name));
         Texts texts;
         if (events != usual_events(static_cast<catalog::NotificationKind>(request.kind()))) {
           for (const catalog::NotificationEvent event : events_in(events)) texts.push_back(name_of(event));
         }
         return unless_empty(std::move(texts));
       },
       [](NotificationRequest& request, const ConfigValue& value) {
         for (const std::string& name : texts_of(value)) request.add_events(name);
       },
       [](const std::string& name) { event_named(name); }},
      {"set", ConfigKind::kTexts,
       [](const NotificationRequest& request) {
         Texts texts = list_of(request.sets());
         std::sort(texts.begin(), texts.end());
         texts.erase(std::unique(texts.begin(), texts.end()), texts.end());
         return unless_empty(std::move(texts));
       },
       [](NotificationRequest& request, const ConfigValue& value) {
         for (const std::string& name : texts_of(value)) request.add_sets(name);
       }},
  };
  return keys;
}

}  // namespace garner::daemon
