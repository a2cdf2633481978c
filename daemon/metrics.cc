#include "metrics.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <sstream>

#include "base/error.h"
#include "base/file.h"
#include "metrics_text.h"
#include "notification_request.h"
#include "run_message.h"

namespace garner::daemon {

namespace {

using Type = MetricsText::Type;
using google::protobuf::Timestamp;

// The numbers of a run's message are the catalog's.
std::string kind_text(const v1::Run& run) { return describe(static_cast<catalog::RunKind>(run.kind())); }
std::string state_of(const v1::Run& run) { return describe(static_cast<catalog::RunState>(run.state())); }

double unix_seconds(const Timestamp& time) {
  return static_cast<double>(time.seconds()) + static_cast<double>(time.nanos()) * 1e-9;
}

// A family with a sample for each of `items` that has one.
template <typename Items, typename Sample>
void family(MetricsText& text, const char* name, Type type, const char* help, const Items& items,
            const Sample& sample) {
  text.family(name, type, help);
  for (const auto& item : items) sample(item);
}

void add_runs(MetricsText& text, const v1::Status& status, const MetricsFacts& facts) {
  family(text, "garner_runs_total", Type::kCounter, "Runs that ended, by kind and how they ended.",
         facts.ended, [&](const auto& one) {
           text.sample({{"kind", describe(one.kind)}, {"state", describe(one.state)}}, one.count);
         });
  const auto& active = status.active_runs();
  const auto labels = [](const v1::Run& run) {
    return MetricsText::Labels{{"run", run.run_id()}, {"kind", kind_text(run)}, {"set", run.set()}};
  };
  family(text, "garner_run_active", Type::kGauge, "Runs that are not over, with their state.", active,
         [&](const v1::Run& run) {
           MetricsText::Labels all = labels(run);
           all.emplace_back("state", state_of(run));
           text.sample(all, std::uint64_t{1});
         });
  family(text, "garner_run_queued_timestamp_seconds", Type::kGauge, "When an active run was asked for.",
         active, [&](const v1::Run& run) { text.sample(labels(run), unix_seconds(run.queued())); });
  family(text, "garner_run_done_bytes", Type::kGauge, "Bytes of the source that an active run is done with.",
         active,
         [&](const v1::Run& run) { text.sample(labels(run), std::uint64_t{run.progress().done_bytes()}); });
  family(text, "garner_run_expected_bytes", Type::kGauge,
         "Bytes that an active run expects to have, once that is known.", active, [&](const v1::Run& run) {
           if (run.progress().total_bytes() > 0)
             text.sample(labels(run), std::uint64_t{run.progress().total_bytes()});
         });
  family(text, "garner_run_done_files", Type::kGauge,
         "Files (of a check: packs) that an active run is done with.", active,
         [&](const v1::Run& run) { text.sample(labels(run), std::uint64_t{run.progress().done_files()}); });
}

void add_last_backups(MetricsText& text, const v1::Status& status) {
  const auto of_last = [&](const char* name, const char* help, const auto& value) {
    family(text, name, Type::kGauge, help, status.sets(), [&](const v1::SetStatus& set) {
      if (set.has_last_ended()) text.sample({{"set", set.name()}}, value(set.last_ended()));
    });
  };
  of_last("garner_set_last_end_timestamp_seconds", "When the set's last backup finished or failed.",
          [](const v1::Run& run) { return unix_seconds(run.finished()); });
  of_last("garner_set_last_duration_seconds", "From the start of the set's last backup to its end.",
          [](const v1::Run& run) {
            return std::max(0.0, unix_seconds(run.finished()) -
                                     unix_seconds(run.has_started() ? run.started() : run.queued()));
          });
  of_last("garner_set_last_failed", "1 if the set's last backup failed.",
          [](const v1::Run& run) { return std::uint64_t{run.state() == v1::RUN_STATE_FAILED}; });
  of_last("garner_set_last_errors", "Errors of the set's last backup.",
          [](const v1::Run& run) { return std::uint64_t{run.error_count()}; });
  of_last("garner_set_last_files", "Regular files in the set's last backup.",
          [](const v1::Run& run) { return std::uint64_t{run.files()}; });
  of_last("garner_set_last_source_bytes", "Size of the files in the set's last backup.",
          [](const v1::Run& run) { return std::uint64_t{run.source_bytes()}; });
  of_last("garner_set_last_read_bytes", "Bytes that the set's last backup read from its source.",
          [](const v1::Run& run) { return std::uint64_t{run.read_bytes()}; });
  of_last("garner_set_last_new_bytes", "Bytes of content that were new in the set's last backup.",
          [](const v1::Run& run) { return std::uint64_t{run.new_bytes()}; });
  of_last("garner_set_last_stored_bytes", "Bytes that the set's last backup wrote to destinations.",
          [](const v1::Run& run) { return std::uint64_t{run.stored_bytes()}; });
}

void add_sets(MetricsText& text, const v1::Status& status) {
  add_last_backups(text, status);
  const auto& sets = status.sets();
  family(text, "garner_set_last_clean_timestamp_seconds", Type::kGauge,
         "When the set's last backup without errors ended.", sets, [&](const v1::SetStatus& set) {
           if (set.has_last_clean()) text.sample({{"set", set.name()}}, unix_seconds(set.last_clean()));
         });
  family(text, "garner_set_overdue", Type::kGauge,
         "1 if the set has no clean backup, or a destination that is behind, for longer than it may.", sets,
         [&](const v1::SetStatus& set) {
           text.sample({{"set", set.name()}}, std::uint64_t{set.overdue()});
         });
  family(text, "garner_set_next_run_timestamp_seconds", Type::kGauge, "When the set's schedule comes next.",
         sets, [&](const v1::SetStatus& set) {
           if (!set.next_runs().empty()) text.sample({{"set", set.name()}}, unix_seconds(set.next_runs(0)));
         });
  family(text, "garner_set_destination_behind", Type::kGauge,
         "1 if the destination lacks a snapshot that another one of the set has.", sets,
         [&](const v1::SetStatus& set) {
           for (const v1::SetDestination& one : set.destinations())
             text.sample({{"set", set.name()}, {"destination", one.name()}}, std::uint64_t{one.behind()});
         });
  family(text, "garner_set_destination_last_snapshot_timestamp_seconds", Type::kGauge,
         "When the newest snapshot was made that the destination has of the set.", sets,
         [&](const v1::SetStatus& set) {
           for (const v1::SetDestination& one : set.destinations()) {
             if (one.has_last_time())
               text.sample({{"set", set.name()}, {"destination", one.name()}}, unix_seconds(one.last_time()));
           }
         });
  family(text, "garner_set_snapshots", Type::kGauge, "Snapshots of the set.", sets,
         [&](const v1::SetStatus& set) {
           text.sample({{"set", set.name()}}, std::uint64_t{set.snapshots()});
         });
}

void add_destinations(MetricsText& text, const v1::Status& status) {
  struct State {
    v1::DestinationState state;
    const char* name;
  };
  static constexpr std::array kStates{State{v1::DESTINATION_STATE_READY, "ready"},
                                      State{v1::DESTINATION_STATE_AWAY, "away"},
                                      State{v1::DESTINATION_STATE_NEEDS_REPAIR, "needs_repair"},
                                      State{v1::DESTINATION_STATE_REFUSED, "refused"}};
  const auto& all = status.destinations();
  family(text, "garner_destination_state", Type::kGauge, "1 for the state that the destination is in.", all,
         [&](const v1::Destination& one) {
           for (const State& state : kStates)
             text.sample({{"destination", one.name()}, {"state", state.name}},
                         std::uint64_t{one.state() == state.state});
         });
  const auto number = [&](const char* name, const char* help, const auto& value) {
    family(text, name, Type::kGauge, help, all, [&](const v1::Destination& one) {
      text.sample({{"destination", one.name()}}, std::uint64_t{value(one)});
    });
  };
  family(text, "garner_destination_free_bytes", Type::kGauge, "Room at the destination, as last seen.", all,
         [&](const v1::Destination& one) {
           if (one.total_bytes() > 0)
             text.sample({{"destination", one.name()}}, std::uint64_t{one.free_bytes()});
         });
  family(text, "garner_destination_size_bytes", Type::kGauge, "Size of the destination's file system.", all,
         [&](const v1::Destination& one) {
           if (one.total_bytes() > 0)
             text.sample({{"destination", one.name()}}, std::uint64_t{one.total_bytes()});
         });
  number("garner_destination_snapshots", "Snapshots in the destination's repository.",
         [](const v1::Destination& one) { return one.snapshots(); });
  number("garner_destination_blobs", "Blobs in the destination's index.",
         [](const v1::Destination& one) { return one.blobs(); });
  number("garner_destination_generation", "The newest record of the repository's log.",
         [](const v1::Destination& one) { return one.generation(); });
  family(text, "garner_destination_requests_total", Type::kCounter,
         "Requests to the destination since the daemon started, by kind.", all,
         [&](const v1::Destination& one) {
           if (!one.has_requests()) return;
           const v1::RequestCounts& counts = one.requests();
           const auto sample = [&](const char* kind, std::uint64_t value) {
             text.sample({{"destination", one.name()}, {"kind", kind}}, value);
           };
           sample("put", counts.puts());
           sample("part", counts.parts());
           sample("get", counts.gets());
           sample("head", counts.heads());
           sample("list", counts.lists());
           sample("delete", counts.deletes());
         });
  family(text, "garner_destination_transferred_bytes_total", Type::kCounter,
         "Bytes of bodies that went to the destination and came from it since the daemon started.", all,
         [&](const v1::Destination& one) {
           if (!one.has_requests()) return;
           text.sample({{"destination", one.name()}, {"direction", "sent"}},
                       std::uint64_t{one.requests().sent_bytes()});
           text.sample({{"destination", one.name()}, {"direction", "received"}},
                       std::uint64_t{one.requests().received_bytes()});
         });
  number("garner_destination_damaged", "1 if what looked at the destination last found damage.",
         [](const v1::Destination& one) { return !one.damage_run().empty(); });
  family(text, "garner_destination_last_check_timestamp_seconds", Type::kGauge,
         "When the last check of the destination ended.", all, [&](const v1::Destination& one) {
           if (one.has_last_check())
             text.sample({{"destination", one.name()}}, unix_seconds(one.last_check()));
         });
}

void add_notifications(MetricsText& text, const MetricsFacts& facts) {
  const auto number = [&](const char* name, Type type, const char* help, const auto& value) {
    family(text, name, type, help, facts.notifications, [&](const v1::Notification& one) {
      text.sample({{"notification", one.name()}}, std::uint64_t{value(one)});
    });
  };
  number("garner_notification_waiting", Type::kGauge, "Events that the notification has still to tell.",
         [](const v1::Notification& one) { return one.waiting(); });
  number("garner_notification_failing", Type::kGauge, "1 if the last attempt to deliver failed.",
         [](const v1::Notification& one) { return !one.last_error().empty(); });
  number("garner_notification_delivered_total", Type::kCounter, "Messages that were delivered.",
         [](const v1::Notification& one) { return one.delivered(); });
  number("garner_notification_given_up_total", Type::kCounter, "Events that were never told.",
         [](const v1::Notification& one) { return one.given_up(); });
}

void add_process(MetricsText& text, const v1::Status& status, const ProcessFacts& process) {
  text.family("garner_build_info", Type::kGauge, "The daemon's version.");
  text.sample({{"version", status.version()}}, std::uint64_t{1});
  text.family("process_start_time_seconds", Type::kGauge, "When the daemon started.");
  text.sample({}, unix_seconds(status.started()));
  text.family("process_cpu_seconds_total", Type::kCounter, "Processor time of the daemon, user and system.");
  text.sample({}, process.cpu_seconds);
  text.family("process_resident_memory_bytes", Type::kGauge, "Memory of the daemon that is resident.");
  text.sample({}, process.resident_bytes);
  text.family("process_virtual_memory_bytes", Type::kGauge, "Address space of the daemon.");
  text.sample({}, process.virtual_bytes);
  text.family("process_open_fds", Type::kGauge, "Files that the daemon has open.");
  text.sample({}, process.open_files);
  text.family("process_threads", Type::kGauge, "Threads of the daemon.");
  text.sample({}, process.threads);
}

}  // namespace

ProcessFacts read_process_facts() {
  ProcessFacts facts;
  const Bytes content = read_file("/proc/self/stat", 1u << 16);
  // Behind the program's name, which may hold anything.
  const std::string_view whole = as_text(content);
  std::istringstream fields{std::string(whole.substr(whole.rfind(')') + 1))};
  std::vector<std::string> values{std::istream_iterator<std::string>(fields), {}};
  // proc(5) counts from 1; the first here is field 3.
  const auto field = [&](std::size_t number) {
    return number - 3 < values.size() ? std::stoull(values[number - 3]) : 0;
  };
  facts.cpu_seconds = static_cast<double>(field(14) + field(15)) / static_cast<double>(sysconf(_SC_CLK_TCK));
  facts.threads = field(20);
  facts.virtual_bytes = field(23);
  facts.resident_bytes = field(24) * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
  facts.open_files = list_names("/proc/self/fd").size();
  return facts;
}

std::string metrics_text(const v1::Status& status, const MetricsFacts& facts) {
  MetricsText text;
  add_runs(text, status, facts);
  add_sets(text, status);
  add_destinations(text, status);
  add_notifications(text, facts);
  add_process(text, status, facts.process);
  return text.text();
}

std::string Metrics::text() {
  MetricsFacts facts;
  facts.ended = catalog_.runs().count_ended();
  for (const catalog::Notification& one : catalog_.notifications().all())
    facts.notifications.push_back(to_message(one, catalog_.deliveries().state(one.name)));
  facts.process = read_process_facts();
  return metrics_text(status_.status(), facts);
}

}  // namespace garner::daemon
