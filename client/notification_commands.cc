// notification add, list, show, test, remove.
#include <memory>

#include "argument.h"
#include "commands.h"
#include "fact_list.h"
#include "notification_file.h"
#include "secret_file.h"
#include "session.h"
#include "table.h"
#include "text.h"

namespace garner::client {
namespace {

struct NotificationArguments {
  std::string name;
  std::optional<std::string> webhook;
  std::optional<std::string> ping;
  std::optional<std::string> mail;
  std::optional<std::string> command;
  std::optional<std::string> header_file;
  std::optional<std::string> smtp;
  std::optional<std::string> from;
  std::optional<std::string> user;
  std::optional<std::string> password_file;
  bool plain_smtp = false;
  std::optional<std::string> ca_file;
  std::vector<std::string> events;
  std::vector<std::string> sets;
};

std::string notification_kind_text(v1::NotificationKind kind) {
  switch (kind) {
    case v1::NOTIFICATION_KIND_WEBHOOK:
      return "webhook";
    case v1::NOTIFICATION_KIND_PING:
      return "ping";
    case v1::NOTIFICATION_KIND_MAIL:
      return "mail";
    case v1::NOTIFICATION_KIND_COMMAND:
      return "command";
    default:
      return "unknown";
  }
}

// What the file holds; its path is remembered in `reference`.
std::string read_file(const char* option, const std::string& path, std::string& reference) {
  reference = remembered_path(std::string("--") + option, path).value_or("");
  return read_notification_file(option, path);
}

// A URL, or the one in the file that is named as @FILE.
void take_url(const char* option, const std::string& given, v1::AddNotificationRequest& request) {
  if (given.starts_with('@')) {
    request.set_target(read_file(option, given.substr(1), *request.mutable_files()->mutable_target()));
    return;
  }
  check_utf8(std::string("--") + option, given);
  request.set_target(given);
}

// What only one kind has use for.
void check_use(const NotificationArguments& given) {
  const std::vector<std::pair<std::string, bool>> kinds{{"--webhook", given.webhook.has_value()},
                                                        {"--ping", given.ping.has_value()},
                                                        {"--mail", given.mail.has_value()},
                                                        {"--command", given.command.has_value()}};
  check_at_most_one(kinds);
  if (!given.webhook && !given.ping && !given.mail && !given.command) {
    throw usage_failure("notification add: give --webhook, --ping, --mail or --command",
                        "See garner notification add --help.");
  }
  const auto only_with = [](bool given_now, bool kind, const char* option, const char* other) {
    if (given_now && !kind) throw usage_failure(std::string(option) + " is only for " + other);
  };
  only_with(given.header_file.has_value(), given.webhook.has_value(), "--header-file", "--webhook");
  const bool mail = given.mail.has_value();
  only_with(given.smtp.has_value(), mail, "--smtp", "--mail");
  only_with(given.from.has_value(), mail, "--from", "--mail");
  only_with(given.user.has_value(), mail, "--user", "--mail");
  only_with(given.password_file.has_value(), mail, "--password-file", "--mail");
  only_with(given.plain_smtp, mail, "--plain-smtp", "--mail");
  only_with(given.ca_file.has_value(), !given.command, "--ca-file", "--webhook, --ping and --mail");
  if (mail && !given.smtp) throw usage_failure("--mail needs --smtp: the server that takes the mail");
  if (given.user.has_value() != given.password_file.has_value())
    throw usage_failure("--user and --password-file belong together: give both");
}

v1::AddNotificationRequest request_of(const NotificationArguments& given) {
  check_name("notification", given.name);
  check_use(given);
  v1::AddNotificationRequest request;
  request.set_name(given.name);
  if (given.webhook) {
    request.set_kind(v1::NOTIFICATION_KIND_WEBHOOK);
    take_url("webhook", *given.webhook, request);
  } else if (given.ping) {
    request.set_kind(v1::NOTIFICATION_KIND_PING);
    take_url("ping", *given.ping, request);
  } else if (given.mail) {
    request.set_kind(v1::NOTIFICATION_KIND_MAIL);
    check_utf8("--mail", *given.mail);
    request.set_target(*given.mail);
  } else {
    request.set_kind(v1::NOTIFICATION_KIND_COMMAND);
    check_utf8("--command", *given.command);
    request.set_target(*given.command);
  }
  for (const std::string& list : given.events) {
    for (std::size_t at = 0; at <= list.size();) {
      const std::size_t end = std::min(list.find(',', at), list.size());
      const std::string event = list.substr(at, end - at);
      if (event.empty())
        throw usage_failure("--on: an event is missing", "As in --on failure,errors,overdue.");
      check_utf8("--on", event);
      request.add_events(event);
      at = end + 1;
    }
  }
  for (const std::string& set : given.sets) {
    check_name("set", set);
    request.add_sets(set);
  }
  v1::NotificationFiles& files = *request.mutable_files();
  if (given.header_file)
    request.set_headers(read_file("header-file", *given.header_file, *files.mutable_headers()));
  if (given.smtp) {
    check_utf8("--smtp", *given.smtp);
    request.set_smtp(*given.smtp);
  }
  if (given.from) {
    check_utf8("--from", *given.from);
    request.set_from(*given.from);
  }
  if (given.user) {
    check_utf8("--user", *given.user);
    request.set_user(*given.user);
  }
  if (given.password_file)
    request.set_password(read_file("password-file", *given.password_file, *files.mutable_password()));
  request.set_plain_smtp(given.plain_smtp);
  if (given.ca_file)
    request.set_ca_certificates(read_file("ca-file", *given.ca_file, *files.mutable_ca_certificates()));
  return request;
}

std::string kept_text(const std::string& file) {
  return "kept, not shown" + (file.empty() ? "" : "; read from " + file);
}

void show_notification(Session& session, const v1::Notification& one) {
  if (session.json()) {
    session.print_json(one);
    return;
  }
  FactList facts;
  facts.add("name", one.name());
  facts.add("kind", notification_kind_text(one.kind()));
  facts.add(one.kind() == v1::NOTIFICATION_KIND_COMMAND ? "command" : "to", one.target());
  if (one.kind() == v1::NOTIFICATION_KIND_COMMAND) facts.add("runs as", "user " + std::to_string(one.uid()));
  facts.add("read from", one.files().target());
  if (one.has_headers()) facts.add("header fields", kept_text(one.files().headers()));
  facts.add("server", one.smtp());
  facts.add("from", one.from());
  facts.add("user", one.user());
  if (one.has_password()) facts.add("password", kept_text(one.files().password()));
  if (one.plain_smtp()) facts.add("TLS", "if the server offers it");
  if (one.has_ca_certificates()) {
    const std::string& file = one.files().ca_certificates();
    facts.add("trusts", "certificates of its own" + (file.empty() ? "" : ", read from " + file));
  }
  facts.add("tells of", joined(one.events()));
  facts.add("sets", one.sets().empty() ? "all" : joined(one.sets()));
  facts.add("delivered", human_count(one.delivered()) +
                             (one.has_last_delivered() ? ", last " + local_time(one.last_delivered()) : ""));
  if (one.waiting() > 0) facts.add("waiting", plural(one.waiting(), "event", "events"), Style::kWarning);
  if (one.given_up() > 0) facts.add("given up", plural(one.given_up(), "event", "events"), Style::kBad);
  if (!one.last_error().empty()) {
    facts.add("last error", one.last_error(), Style::kBad);
    if (one.has_next_attempt()) facts.add("next attempt", local_time(one.next_attempt()));
  }
  session.print(facts.render(session.output()));
}

void add_notification_add(std::vector<Command>& all) {
  const auto given = std::make_shared<NotificationArguments>();
  all.push_back({
      .path = "notification add",
      .usage =
          "NAME {--webhook URL [--header-file F] | --ping URL | --mail ADDRESS --smtp URL [--from A] [--user "
          "U "
          "--password-file F] [--plain-smtp] | --command CMD} [--ca-file F] [--on EVENT,...] [--set SET]...",
      .sentence = "Has somebody told of what happens to backups.",
      .options =
          {{"NAME", "", "What it shall be called.", &given->name, true, {}},
           {"--webhook",
            "URL",
            "POST a JSON object there. @FILE: the URL is in a file.",
            &given->webhook,
            false,
            {}},
           {"--header-file",
            "F",
            "A file with further header fields, one a line, such as Authorization: Bearer ...",
            &given->header_file,
            false,
            {}},
           {"--ping",
            "URL",
            "As healthchecks.io has it: POST to URL after a success, to URL/start and URL/fail. @FILE: the "
            "URL is in "
            "a file.",
            &given->ping,
            false,
            {}},
           {"--mail", "ADDRESS", "Send a mail to it.", &given->mail, false, {}},
           {"--smtp", "URL", "Over this server: smtp://HOST:587 or smtps://HOST.", &given->smtp, false, {}},
           {"--from",
            "A",
            "The sender's address. Default: garner@ the host's name.",
            &given->from,
            false,
            {}},
           {"--user", "U", "Who logs in at the server.", &given->user, false, {}},
           {"--password-file",
            "F",
            "A file with the password for it, or - for standard input.",
            &given->password_file,
            false,
            {}},
           {"--plain-smtp",
            "",
            "Send mail in clear where the server offers no TLS.",
            &given->plain_smtp,
            false,
            {}},
           {"--command", "CMD", "Have /bin/sh run this.", &given->command, false, {}},
           {"--ca-file",
            "F",
            "A file with certificates in PEM form, which the server has to prove itself by. Default: the "
            "system's.",
            &given->ca_file,
            false,
            {}},
           {"--on",
            "EVENT",
            "Of what: start, success, errors, failure, overdue, recovery. Default: "
            "failure,errors,overdue,recovery; "
            "of a ping start,success,errors,failure.",
            &given->events,
            false,
            {}},
           {"--set",
            "SET",
            "Only of these sets. Default: of all, and of checks, repairs and prunes.",
            &given->sets,
            false,
            {}}},
      .examples =
          {{"garner notification add ops --mail ops@example.org --smtp smtp://mail.example.org:587 --user "
            "garner --password-file mail-password",
            ""},
           {"garner notification add check --ping @ping-url --set home", ""},
           {"garner notification add chat --webhook https://chat.example.org/hook --header-file token --on "
            "failure,overdue",
            ""},
           {"garner notification add log --command 'logger -t backup \"$GARNER_TEXT\"'", ""}},
      .details =
          {"Files with URLs, header fields and passwords must be readable by their owner only. They are kept "
           "with the daemon's configuration, and never shown.",
           "A command runs as the user who configured it, for a minute at most, with GARNER_EVENT, "
           "GARNER_SET, "
           "GARNER_RUN and GARNER_TEXT in an otherwise cleared environment and the JSON object on its "
           "standard "
           "input.",
           "What cannot be delivered is tried again for half a day. More than five messages in a row are "
           "gathered into summaries, one a minute."},
      .run =
          [given](Session& session) {
            show_notification(session, session.call(&Stub::AddNotification, request_of(*given)));
            if (!session.json()) session.note("Try it: garner notification test " + given->name);
            return kExitDone;
          },
  });
}

void add_notification_list(std::vector<Command>& all) {
  all.push_back({
      .path = "notification list",
      .usage = "",
      .sentence = "Lists the notifications, and how their deliveries go.",
      .options = {},
      .examples = {{"garner notification list", ""}},
      .details = {},
      .run =
          [](Session& session) {
            const auto answer = session.call(&Stub::ListNotifications, v1::ListNotificationsRequest());
            if (session.json()) {
              session.print_json(answer);
              return kExitDone;
            }
            if (answer.notifications().empty()) {
              session.note("There is no notification yet: see garner notification add --help");
              return kExitDone;
            }
            Table table({{"NAME", false, Column::Cut::kEnd},
                         {"KIND"},
                         {"STATE"},
                         {"WAITING", true},
                         {"LAST", false, Column::Cut::kNever, true},
                         {"TELLS OF", false, Column::Cut::kEnd, true},
                         {"TO", false, Column::Cut::kEnd}});
            for (const v1::Notification& one : answer.notifications()) {
              table.add({one.name(), notification_kind_text(one.kind()),
                         one.last_error().empty() ? Cell(one.delivered() > 0 ? "well" : "-", Style::kGood)
                                                  : Cell("failing", Style::kBad),
                         human_count(one.waiting()),
                         one.has_last_delivered() ? local_minute(one.last_delivered()) : "never",
                         joined(one.events()), one.target()});
            }
            session.print(table.render(session.output()));
            return kExitDone;
          },
  });
}

// A command that takes the name of a notification.
void add_named(std::vector<Command>& all, const std::string& verb, const std::string& sentence,
               const std::vector<std::string>& details,
               const std::function<int(Session&, const v1::GetNotificationRequest&)>& run) {
  const auto name = std::make_shared<std::string>();
  all.push_back({
      .path = "notification " + verb,
      .usage = "NAME",
      .sentence = sentence,
      .options = {{"NAME", "", "The notification.", name.get(), true, {}}},
      .examples = {{"garner notification " + verb + " ops", ""}},
      .details = details,
      .run =
          [name, run](Session& session) {
            check_name("notification", *name);
            v1::GetNotificationRequest request;
            request.set_name(*name);
            return run(session, request);
          },
  });
}

int test(Session& session, const v1::GetNotificationRequest& request) {
  const auto answer = session.call(&Stub::TestNotification, request);
  if (session.json()) {
    session.print_json(answer);
  } else if (answer.delivered()) {
    session.say("Notification " + request.name() + " works: a test was delivered in " +
                std::to_string(answer.milliseconds()) + " ms.");
  }
  if (answer.delivered()) return kExitDone;
  if (session.json()) return kExitFailed;
  throw Failure(kExitFailed,
                "the test of notification " + request.name() + " was not delivered: " + answer.error());
}

}  // namespace

void add_notification_commands(std::vector<Command>& all) {
  add_notification_add(all);
  add_notification_list(all);
  add_named(all, "show", "Shows one notification, without its secrets.", {},
            [](Session& session, const v1::GetNotificationRequest& request) {
              show_notification(session, session.call(&Stub::GetNotification, request));
              return kExitDone;
            });
  add_named(
      all, "test", "Sends a message at once, and says what came of it.",
      {"A ping is sent as of a success. A test passes by the queue, and is not tried again; when it was "
       "delivered, what waits is told without waiting any longer."},
      test);
  add_named(all, "remove", "Removes a notification; what it has still to tell is not told.", {},
            [](Session& session, const v1::GetNotificationRequest& request) {
              const auto answer = session.call(&Stub::RemoveNotification, request);
              if (session.json()) {
                session.print_json(answer);
              } else {
                session.say("Notification " + request.name() + " is removed.");
              }
              return kExitDone;
            });
}

}  // namespace garner::client
