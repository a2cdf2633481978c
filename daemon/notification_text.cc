#include "notification_text.h"

#include <google/protobuf/util/json_util.h>
#include <google/protobuf/util/time_util.h>

#include <algorithm>
#include <map>

#include "base/bytes.h"
#include "base/error.h"
#include "run_events.h"
#include "timestamp.h"

namespace garner::daemon {

namespace {

constexpr std::size_t kEventsTold = 100;
constexpr std::size_t kLongestSubject = 200;  // bytes
constexpr int kErrorsTold = 20;
constexpr const char* kTest = "test";
constexpr const char* kSummary = "summary";

v1::NotificationMessage of_event(const std::string& notification, const catalog::QueuedEvent& event,
                                 const std::string& host) {
  v1::NotificationMessage message;
  message.set_event(name_of(event.event));
  message.set_set(event.set);
  message.set_text(event.text);
  message.set_host(host);
  *message.mutable_time() = to_timestamp(event.time);
  message.set_notification(notification);
  return message;
}

std::string event_line(const v1::NotificationMessage& event) {
  return google::protobuf::util::TimeUtil::ToString(event.time()) + " " + event.text();
}

// A text as one line that fits, cut between characters.
std::string one_line(const std::string& text, std::size_t most) {
  std::string line = text.substr(0, text.find('\n'));
  if (line.size() <= most) return line;
  std::size_t end = most;
  while (end > 0 && (static_cast<unsigned char>(line[end]) & 0xc0) == 0x80) --end;
  return line.substr(0, end) + "…";
}

void add_fact(std::string& text, const std::string& label, const std::string& value) {
  if (!value.empty()) text += label + ": " + value + "\n";
}

void add_run(std::string& text, const v1::Run& run) {
  using google::protobuf::util::TimeUtil;
  text += "\n";
  add_fact(text, "Run", run.run_id() + (run.scheduled() ? ", by its schedule" : ""));
  add_fact(text, "Snapshot", run.snapshot_id().substr(0, 12));
  if (run.has_started()) add_fact(text, "Started", TimeUtil::ToString(run.started()));
  if (run.has_finished()) add_fact(text, "Ended", TimeUtil::ToString(run.finished()));
  if (run.kind() == v1::RUN_KIND_BACKUP) {
    add_fact(text, "Files", std::to_string(run.files()) + ", " + human_bytes(run.source_bytes()));
    add_fact(text, "Read", human_bytes(run.read_bytes()));
    add_fact(text, "New", human_bytes(run.new_bytes()) + ", stored as " + human_bytes(run.stored_bytes()));
  }
  for (const v1::DestinationRun& one : run.destinations())
    if (!one.error().empty()) add_fact(text, "Destination " + one.destination(), one.error());
  if (run.errors_size() > 0) text += "\nErrors:\n";
  for (int i = 0; i < std::min(run.errors_size(), kErrorsTold); ++i)
    text += "  " + run.errors(i).path() + ": " + run.errors(i).message() + "\n";
  const auto told = static_cast<std::uint64_t>(std::min(run.errors_size(), kErrorsTold));
  if (run.error_count() > told && told > 0)
    text +=
        "  and " + std::to_string(run.error_count() - told) + " more: garner run show " + run.run_id() + "\n";
  const auto& problems = run.has_check() ? run.check().problems() : run.prune().problems();
  if (!problems.empty()) text += "\nProblems:\n";
  for (int i = 0; i < std::min(problems.size(), kErrorsTold); ++i) text += "  " + problems.Get(i) + "\n";
}

}  // namespace

v1::NotificationMessage compose(const std::string& notification,
                                const std::vector<catalog::QueuedEvent>& events, const std::string& host,
                                const RunOf& run_of) {
  if (events.empty()) throw Error(ErrorKind::kInternal, "a message about nothing");
  if (events.size() == 1) {
    v1::NotificationMessage message = of_event(notification, events.front(), host);
    if (events.front().run.has_value()) {
      if (const auto run = run_of(*events.front().run)) *message.mutable_run() = *run;
    }
    return message;
  }
  v1::NotificationMessage message;
  message.set_event(kSummary);
  message.set_host(host);
  message.set_notification(notification);
  *message.mutable_time() = to_timestamp(events.back().time);
  std::string text = std::to_string(events.size()) + " events:";
  for (std::size_t i = 0; i < std::min(events.size(), kEventsTold); ++i) {
    v1::NotificationMessage part = of_event(notification, events[i], host);
    text += "\n" + event_line(part);
    *message.add_events() = std::move(part);
  }
  if (events.size() > kEventsTold) {
    message.set_left_out(events.size() - kEventsTold);
    text += "\nand " + std::to_string(message.left_out()) + " more";
  }
  message.set_text(text);
  return message;
}

v1::NotificationMessage compose_test(const std::string& notification, const std::string& host,
                                     TimePoint now) {
  v1::NotificationMessage message;
  message.set_event(kTest);
  message.set_host(host);
  message.set_notification(notification);
  *message.mutable_time() = to_timestamp(now);
  message.set_text("This is a test of garner's notification " + notification + ": it works");
  return message;
}

std::string to_json(const v1::NotificationMessage& message) {
  google::protobuf::util::JsonPrintOptions options;
  options.preserve_proto_field_names = true;
  options.always_print_primitive_fields = true;
  std::string text;
  const auto status = google::protobuf::util::MessageToJsonString(message, &text, options);
  if (!status.ok()) throw Error(ErrorKind::kInternal, "a notification as JSON: " + status.ToString());
  return text;
}

std::string subject_of(const v1::NotificationMessage& message) {
  const std::string text =
      message.event() == kSummary
          ? std::to_string(static_cast<std::uint64_t>(message.events_size()) + message.left_out()) + " events"
          : one_line(message.text(), kLongestSubject);
  return "[garner@" + message.host() + "] " + text;
}

std::string body_of(const v1::NotificationMessage& message) {
  std::string text = message.text() + "\n";
  if (message.has_run()) add_run(text, message.run());
  return text + "\n-- \ngarner on " + message.host() + ", notification " + message.notification() + "\n";
}

std::string ping_suffix(const v1::NotificationMessage& message) {
  std::map<std::string, std::string> last;
  for (const v1::NotificationMessage& event : message.events()) last[event.set()] = event.event();
  if (message.events().empty()) last[message.set()] = message.event();
  const auto has = [&](std::initializer_list<const char*> names) {
    return std::any_of(last.begin(), last.end(), [&](const auto& one) {
      return std::any_of(names.begin(), names.end(), [&](const char* name) { return one.second == name; });
    });
  };
  if (has({"failure", "errors", "overdue"})) return "/fail";
  return has({"start"}) ? "/start" : "";
}

std::string ping_url(const std::string& url, const std::string& suffix) {
  if (suffix.empty()) return url;
  const std::size_t end = std::min(url.find_first_of("?#"), url.size());
  std::string path = url.substr(0, end);
  while (path.ends_with('/')) path.pop_back();
  return path + suffix + url.substr(end);
}

}  // namespace garner::daemon
