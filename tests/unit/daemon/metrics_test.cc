#include "metrics.h"

#include <catch2/catch.hpp>

#include "metrics_text.h"

namespace garner::daemon {
namespace {

TEST_CASE("families are written as the format has them") {
  MetricsText text;
  text.family("a_total", MetricsText::Type::kCounter, "Back\\slash, \"quotes\"\nand lines.");
  text.sample({}, std::uint64_t{18446744073709551615u});
  text.family("none", MetricsText::Type::kGauge, "Nothing.");
  text.family("b", MetricsText::Type::kGauge, "B.");
  text.sample({{"set", "a\"b\\c\nd"}, {"x", ""}}, 0.5);
  text.sample({{"set", "e"}}, 1e300);
  CHECK(text.text() ==
        "# HELP a_total Back\\\\slash, \"quotes\"\\nand lines.\n# TYPE a_total counter\na_total "
        "18446744073709551615\n"
        "# HELP b B.\n# TYPE b gauge\nb{set=\"a\\\"b\\\\c\\nd\",x=\"\"} 0.5\nb{set=\"e\"} 1e+300\n");
}

bool has_line(const std::string& text, const std::string& line) {
  return ("\n" + text).find("\n" + line + "\n") != std::string::npos;
}

TEST_CASE("sets, destinations, runs and notifications have their numbers") {
  v1::Status status;
  status.set_version("1.2.3");
  status.mutable_started()->set_seconds(1000);
  auto* run = status.add_active_runs();
  run->set_run_id("7");
  run->set_kind(v1::RUN_KIND_BACKUP);
  run->set_state(v1::RUN_STATE_PAUSED);
  run->set_set("home");
  run->mutable_progress()->set_done_bytes(5);
  auto* set = status.add_sets();
  set->set_name("home");
  set->set_overdue(true);
  auto* last = set->mutable_last_ended();
  last->set_state(v1::RUN_STATE_FAILED);
  last->mutable_started()->set_seconds(100);
  last->mutable_finished()->set_seconds(160);
  last->mutable_finished()->set_nanos(500'000'000);
  last->set_error_count(2);
  set->add_next_runs()->set_seconds(2000);
  status.add_sets()->set_name("new");
  auto* disk = status.add_destinations();
  disk->set_name("disk");
  disk->set_state(v1::DESTINATION_STATE_NEEDS_REPAIR);
  disk->set_total_bytes(10);
  disk->set_free_bytes(4);
  disk->set_damage_run("3");
  MetricsFacts facts;
  facts.ended = {{catalog::RunKind::kBackup, catalog::RunState::kFailed, 2}};
  facts.notifications.emplace_back();
  facts.notifications.back().set_name("ops");
  facts.notifications.back().set_waiting(3);
  const std::string text = metrics_text(status, facts);
  for (const char* line :
       {"garner_runs_total{kind=\"backup\",state=\"failed\"} 2",
        "garner_run_active{run=\"7\",kind=\"backup\",set=\"home\",state=\"paused\"} 1",
        "garner_run_done_bytes{run=\"7\",kind=\"backup\",set=\"home\"} 5",
        "garner_set_last_end_timestamp_seconds{set=\"home\"} 160.5",
        "garner_set_last_duration_seconds{set=\"home\"} 60.5", "garner_set_last_failed{set=\"home\"} 1",
        "garner_set_last_errors{set=\"home\"} 2", "garner_set_overdue{set=\"home\"} 1",
        "garner_set_overdue{set=\"new\"} 0", "garner_set_next_run_timestamp_seconds{set=\"home\"} 2000",
        "garner_destination_state{destination=\"disk\",state=\"needs_repair\"} 1",
        "garner_destination_state{destination=\"disk\",state=\"ready\"} 0",
        "garner_destination_free_bytes{destination=\"disk\"} 4",
        "garner_destination_damaged{destination=\"disk\"} 1",
        "garner_notification_waiting{notification=\"ops\"} 3", "garner_build_info{version=\"1.2.3\"} 1",
        "process_start_time_seconds 1000"}) {
    INFO(line);
    CHECK(has_line(text, line));
  }
  CHECK(text.find("garner_set_last_errors{set=\"new\"}") == std::string::npos);
  CHECK(text == metrics_text(status, facts));
}

TEST_CASE("the process's own numbers are plausible") {
  const ProcessFacts facts = read_process_facts();
  CHECK(facts.resident_bytes > 1 << 20);
  CHECK(facts.virtual_bytes >= facts.resident_bytes);
  CHECK(facts.open_files >= 3);
  CHECK(facts.threads >= 1);
  CHECK(facts.cpu_seconds >= 0);
}

}  // namespace
}  // namespace garner::daemon
