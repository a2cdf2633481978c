#include "application.h"

#include <grpcpp/resource_quota.h>
#include <grpcpp/server_builder.h>
#include <grpcpp/server_posix.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <condition_variable>
#include <csignal>
#include <cstdlib>
#include <mutex>

#include "base/error.h"
#include "keys.h"
#include "old_runs.h"
#include "version.h"

namespace garner::daemon {

namespace {

constexpr std::chrono::seconds kTick{3};
constexpr unsigned kTicksALook = 5;        // for sets that are overdue
constexpr unsigned kLooksARemoval = 1200;  // of old runs: an hour
// From the signal to the end there are five seconds: runs get most of them.
constexpr std::chrono::milliseconds kRunsStop{3800};
constexpr std::chrono::milliseconds kCallsStop{300};
constexpr std::chrono::milliseconds kAllStop{4700};
// Of all connections and their messages together.
constexpr std::size_t kMemoryForCalls = 64u << 20;

std::string host_name() {
  std::array<char, 256> name{};
  if (gethostname(name.data(), name.size() - 1) != 0) return "unknown";
  return name.data();
}

bool changes_snapshots(catalog::RunKind kind) {
  using catalog::RunKind;
  return kind == RunKind::kBackup || kind == RunKind::kCopy || kind == RunKind::kForget ||
         kind == RunKind::kRepair;
}

std::string notice_of(const catalog::Rebuilt& rebuilt) {
  std::string notice = "The catalog was " + rebuilt.reason + " (" + rebuilt.detail + ") and was made anew";
  if (!rebuilt.kept_aside.empty()) notice += "; the old one is kept as " + printable(rebuilt.kept_aside);
  return notice +
         ". Destinations are as they were; backup sets are taken from their newest snapshots: please look "
         "them over with `garner set list`, and give them their schedules and commands again, and the daemon "
         "its "
         "notifications. The history of runs begins anew.";
}

// Ends the process, unless it is told to stop before that: what is not done then is done by the next start.
std::jthread end_by(std::chrono::milliseconds time, const StateLock& lock_of_state) {
  return std::jthread([time, &lock_of_state](const std::stop_token& stop) {
    std::mutex mutex;
    std::unique_lock lock(mutex);
    if (std::condition_variable_any().wait_for(lock, stop, time, [&] { return stop.stop_requested(); }))
      return;
    spdlog::warn("garnerd ends without waiting any longer");
    spdlog::default_logger()->flush();
    lock_of_state.release();
    std::_Exit(0);
  });
}

}  // namespace

Application::Application(const std::string& state_folder, const StateLock& lock, const Settings& settings,
                         std::shared_ptr<LogRing> log)
    : lock_(lock),
      clock_(system_clock()),
      log_(std::move(log)),
      keys_(state_folder + "/keys"),
      catalog_(state_folder, keys_, clock_),
      writer_(keys_.writer()),
      destinations_({catalog_, keys_, writer_, clock_, state_folder, host_name(), settings.metadata_cache,
                     settings.destination_timeout}),
      sets_(destinations_),
      work_(destinations_, settings, &histories_),
      gate_(peers_, AuthorityRules(geteuid(), is_group_member), calls_),
      notifier_(catalog_, clock_, destinations_.context().host),
      checks_(catalog_),
      histories_(destinations_, state_folder + "/history", [this] { return runs_.is_running(); }),
      runs_(
          catalog_, work_, clock_,
          [this] {
            checks_.forget();
            if (hub_) hub_->poke();
            if (schedule_timer_) schedule_timer_->poke();
            notifier_.poke();
            tell_status();
          },
          [this](catalog::Database& database, const catalog::RunRow& row) {
            record_run(database, row, clock_.now());
            if (catalog::is_over(row.state) && changes_snapshots(row.kind)) histories_.update_soon();
          }),
      scheduler_(destinations_, runs_, settings.settling_delay,
                 [this] { return schedule::read_clocks(clock_); }),
      maintenance_scheduler_(destinations_, runs_, settings.settling_delay,
                             [this] { return schedule::read_clocks(clock_); }),
      maintenance_(destinations_, maintenance_scheduler_),
      status_(destinations_, sets_, runs_, scheduler_, maintenance_, checks_, notices_),
      metrics_(catalog_, status_),
      watch_(destinations_, runs_),
      manager_(context_),
      signals_(context_, SIGTERM, SIGINT),
      timer_(context_) {
  hub_ = std::make_unique<WatchHub>(WatchHub::Sources{
      [this](std::int64_t number) { return runs_.get(number); }, [this] { return status_.status(); },
      [this] {
        status_.look_again([this](std::function<void()> job) { gate_.post(true, std::move(job)); },
                           std::chrono::milliseconds(0));
      }});
  schedule_timer_ = std::make_unique<ScheduleTimer>(
      context_,
      [this] {
        // Sets first: maintenance begun at the same moment stands behind their backups.
        const auto pause = scheduler_.look();
        return std::min(pause, maintenance_scheduler_.look());
      },
      [this](std::function<void()> job) { gate_.post(true, std::move(job)); });
  if (catalog_.rebuilt().has_value()) {
    const std::string notice = notice_of(*catalog_.rebuilt());
    spdlog::warn("{}", notice);
    notices_.add(notice);
  }
  if (settings.metrics_listen.has_value()) {
    metrics_server_ = std::make_unique<MetricsServer>(
        context_, parse_loopback_address(*settings.metrics_listen), [this](MetricsServer::Use use) {
          gate_.post(false, [this, use = std::move(use)] { use(metrics_.text()); });
        });
  }
  // Before any call: a set's unfinished backup is known when somebody asks for another.
  runs_.load();
  service_ = std::make_unique<GarnerService>(Parts{gate_, destinations_, histories_, sets_, runs_, status_,
                                                   *hub_, scheduler_, maintenance_, *schedule_timer_,
                                                   notifier_, metrics_, log_});
  grpc::ServerBuilder builder;
  builder.RegisterService(service_.get());
  // gRPC looks at a message's length when it has all of it: without this any caller could fill the memory
  // with one message that never ends.
  builder.SetResourceQuota(grpc::ResourceQuota("calls").Resize(kMemoryForCalls));
  builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, kMostCallsOfConnection);
  std::vector<std::unique_ptr<grpc::experimental::ServerInterceptorFactoryInterface>> interceptors;
  interceptors.push_back(make_call_counter(calls_, peers_));
  builder.experimental().SetInterceptorCreators(std::move(interceptors));
  server_ = builder.BuildAndStart();
  if (!server_) throw Error(ErrorKind::kUnavailable, "the server for calls cannot be started");
}

Application::~Application() {
  // Calls and watchers use everything else.
  hub_->stop();
  server_->Shutdown(std::chrono::system_clock::now());
  // It asks the queue, which goes before it does.
  histories_.stop();
  gate_.stop();
}

void Application::serve(ListeningSocket socket, const std::function<void()>& ready) {
  listener_ = std::make_unique<Listener>(context_, std::move(socket), peers_, guard_, [this](int descriptor) {
    grpc::AddInsecureChannelFromFd(server_.get(), descriptor);
  });
  signals_.async_wait([this](const boost::system::error_code& error, int number) {
    if (error) return;
    spdlog::info("signal {}: stopping", number);
    stop();
  });
  listener_->start();
  if (metrics_server_) metrics_server_->start();
  notifier_.start();
  gate_.post(true, [this] { begin(); });
  tick();
  spdlog::info("garnerd {} serves, process {}", kVersion, getpid());
  tell_status();
  ready();
  manager_.ready();
  context_.run();
}

void Application::begin() {
  finish_rotations_if_any();
  recover_sets();
  runs_.start();
  schedule_timer_->start();
  for (const auto& facts : catalog_.configuration().destinations()) destinations_.look(facts.name);
  histories_.update_soon();
}

void Application::finish_rotations_if_any() {
  try {
    finish_rotations(destinations_);
  } catch (const Error& error) {
    const std::string notice = std::string("A key rotation is not finished: ") + error.what() +
                               ". Run `garner key rotate` again when every destination of the keyring is "
                               "there; until then the old key is used.";
    spdlog::warn("{}", notice);
    notices_.add(notice);
  }
}

void Application::recover_sets() {
  for (const std::string& destination : catalog_.configuration().destinations_to_search()) {
    try {
      for (const std::string& set : sets_.recover(destination)) {
        spdlog::warn("set {} was found again at destination {}", set, destination);
      }
    } catch (const Error& error) {
      spdlog::debug("sets cannot be looked for at {}: {}", destination, error.what());
    }
  }
}

void Application::look_for_overdue() {
  std::vector<std::string> sets;
  for (const catalog::BackupSet& set : catalog_.configuration().sets()) sets.push_back(set.definition.name());
  if (record_overdue(catalog_, scheduler_.overdue(), sets, clock_.now())) notifier_.poke();
}

void Application::tell_status() {
  gate_.post(false, [this] { manager_.status([this] { return status_line(runs_.active()); }); });
}

void Application::tick() {
  timer_.expires_after(kTick);
  timer_.async_wait([this](const boost::system::error_code& error) {
    if (error) return;
    // By itself: a destination that hangs is just what makes sets overdue.
    if (ticks_++ % kTicksALook == 0) gate_.post(false, [this] { look_for_overdue(); });
    // Not a second time while a destination keeps the first waiting.
    if (!ticking_.exchange(true)) {
      gate_.post(true, [this] {
        const std::unique_ptr<std::atomic<bool>, void (*)(std::atomic<bool>*)> done(
            &ticking_, [](std::atomic<bool>* ticking) { *ticking = false; });
        runs_.write_again();
        recover_sets();
        watch_.look();
        if (looks_++ % kLooksARemoval == 0) {
          if (const std::size_t count = remove_old_runs(destinations_); count > 0)
            spdlog::info("{} old runs were removed from the history", count);
        }
      });
    }
    tell_status();
    tick();
  });
}

void Application::stop() {
  manager_.stopping();
  stop_limit_ = end_by(kAllStop, lock_);
  gate_.close();
  boost::system::error_code ignored;
  timer_.cancel(ignored);
  schedule_timer_->stop();
  listener_->stop();
  if (metrics_server_) metrics_server_->stop();
  hub_->stop();
  notifier_.stop();
  const auto now = std::chrono::steady_clock::now();
  const bool all_stopped = runs_.stop(now + kRunsStop);
  if (!all_stopped) spdlog::warn("a run does not stop in time; it goes on from its last checkpoint");
  server_->Shutdown(std::chrono::system_clock::now() + kCallsStop);
  spdlog::info("garnerd stops");
  context_.stop();
}

}  // namespace garner::daemon
