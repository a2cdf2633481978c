#include "notification_text.h"

#include <google/protobuf/util/json_util.h>
#include <catch2/catch.hpp>

namespace garner::daemon {
namespace {

using catalog::NotificationEvent;
using catalog::QueuedEvent;

QueuedEvent event(NotificationEvent kind, const std::string& set, const std::string& text) {
  return {1, kind, set, std::int64_t{12}, text, {1'700'000'000, 0}};
}

std::optional<v1::Run> sample_run(std::int64_t number) {
  v1::Run run;
  run.set_run_id(std::to_string(number));
  run.set_kind(v1::RUN_KIND_BACKUP);
  run.set_error_count(30);
  for (int i = 0; i < 25; ++i) {
    auto* error = run.add_errors();
    error->set_path("/file" + std::to_string(i));
    error->set_message("permission denied");
  }
  return run;
}

TEST_CASE("one event is told with its run") {
  const auto message =
      compose("ops", {event(NotificationEvent::kErrors, "home", "Backup of home finished with 30 errors")},
              "host", sample_run);
  CHECK(message.event() == "errors");
  CHECK(message.set() == "home");
  CHECK(message.run().run_id() == "12");
  CHECK(message.host() == "host");
  CHECK(message.time().seconds() == 1'700'000'000);
  CHECK(subject_of(message) == "[garner@host] Backup of home finished with 30 errors");
  const std::string body = body_of(message);
  CHECK(body.find("  /file19: permission denied\n  and 10 more: garner run show 12\n") != std::string::npos);
  CHECK(body.find("/file20") == std::string::npos);

  const std::string json = to_json(message);
  CHECK(json.find('\n') == std::string::npos);
  CHECK(json.find("\"error_count\":\"30\"") != std::string::npos);
  v1::NotificationMessage read;
  REQUIRE(google::protobuf::util::JsonStringToMessage(json, &read).ok());
  CHECK(read.SerializeAsString() == message.SerializeAsString());
}

TEST_CASE("a run that is not known is left out") {
  const auto message = compose("ops", {event(NotificationEvent::kFailure, "home", "x")}, "host",
                               [](std::int64_t) -> std::optional<v1::Run> { return std::nullopt; });
  CHECK_FALSE(message.has_run());
}

TEST_CASE("several events become a summary that says how many it left out") {
  std::vector<QueuedEvent> events;
  for (int i = 0; i < 103; ++i)
    events.push_back(event(NotificationEvent::kFailure, "home", "failure " + std::to_string(i)));
  const auto message = compose("ops", events, "host", sample_run);
  CHECK(message.event() == "summary");
  CHECK(message.events_size() == 100);
  CHECK(message.left_out() == 3);
  CHECK_FALSE(message.has_run());
  CHECK(message.text().starts_with("103 events:\n2023-11-14T22:13:20Z failure 0\n"));
  CHECK(message.text().ends_with("failure 99\nand 3 more"));
  CHECK(subject_of(message) == "[garner@host] 103 events");
}

TEST_CASE("a subject is one line, cut between characters") {
  std::string text;
  for (int i = 0; i < 100; ++i) text += "€";
  const auto message =
      compose("ops", {event(NotificationEvent::kFailure, "home", text + "\nmore")}, "host", sample_run);
  const std::string subject = subject_of(message);
  CHECK(subject.find('\n') == std::string::npos);
  CHECK(subject.size() < 230);
  CHECK(subject.ends_with("€…"));
}

TEST_CASE("what is pinged") {
  const auto suffix = [](std::vector<QueuedEvent> events) {
    return ping_suffix(compose("ops", events, "host", sample_run));
  };
  const auto start = event(NotificationEvent::kStart, "home", "");
  const auto success = event(NotificationEvent::kSuccess, "home", "");
  const auto failure = event(NotificationEvent::kFailure, "home", "");
  CHECK(suffix({start}) == "/start");
  CHECK(suffix({success}).empty());
  CHECK(suffix({event(NotificationEvent::kRecovery, "home", "")}).empty());
  for (const auto bad :
       {NotificationEvent::kFailure, NotificationEvent::kErrors, NotificationEvent::kOverdue})
    CHECK(suffix({event(bad, "home", "")}) == "/fail");
  CHECK(suffix({start, failure, start, success}).empty());
  CHECK(suffix({start, success, start, failure}) == "/fail");
  // Another set's success makes up for nothing.
  CHECK(suffix({failure, event(NotificationEvent::kSuccess, "docs", "")}) == "/fail");
  CHECK(ping_suffix(compose_test("ops", "host", {})).empty());

  CHECK(ping_url("https://hc.example/abc", "/fail") == "https://hc.example/abc/fail");
  CHECK(ping_url("https://hc.example/abc/", "/start") == "https://hc.example/abc/start");
  CHECK(ping_url("https://hc.example/abc?create=1", "/fail") == "https://hc.example/abc/fail?create=1");
  CHECK(ping_url("https://hc.example/abc/", "") == "https://hc.example/abc/");
}

}  // namespace
}  // namespace garner::daemon
