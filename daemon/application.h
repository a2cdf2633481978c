// The daemon put together: what it is made of, in the order in which the parts need each other, and how it
// starts and stops.
#pragma once

#include <grpcpp/server.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <memory>
#include <thread>

#include "catalog/catalog.h"
#include "destination_watch.h"
#include "histories.h"
#include "listener.h"
#include "maintenance_facts.h"
#include "maintenance_scheduler.h"
#include "metrics.h"
#include "metrics_server.h"
#include "notifier.h"
#include "schedule_timer.h"
#include "scheduler.h"
#include "service.h"
#include "service_manager.h"
#include "settings.h"
#include "state_lock.h"

namespace garner::daemon {

class Application {
 public:
  // The state folder exists; `lock` is on it. Errors are those of keys and catalog.
  Application(const std::string& state_folder, const StateLock& lock, const Settings& settings,
              std::shared_ptr<LogRing> log);
  ~Application();

  // Serves on the socket until SIGTERM or SIGINT. `ready` is called when connections are taken. Returns
  // within five seconds of the signal, or ends the process; a run that does not stop in time is left to its
  // last checkpoint.
  void serve(ListeningSocket socket, const std::function<void()>& ready);

 private:
  // In the background: what needs destinations before runs may begin.
  void begin();
  void finish_rotations_if_any();
  void recover_sets();
  void look_for_overdue();
  void tick();
  void tell_status();
  void stop();

  const StateLock& lock_;
  std::jthread stop_limit_;  // goes after all that may keep the end waiting
  const Clock& clock_;
  std::shared_ptr<LogRing> log_;
  catalog::KeyFolder keys_;
  catalog::Catalog catalog_;
  const crypto::WriterKey writer_;
  Destinations destinations_;
  Sets sets_;
  RunWork work_;
  PeerTable peers_;
  boost::asio::io_context context_;
  StreamGuard guard_;
  OpenCalls calls_;
  CallGate gate_;  // its work may hold connections of the context
  Notices notices_;
  std::unique_ptr<WatchHub> hub_;
  std::unique_ptr<ScheduleTimer> schedule_timer_;  // runs that end poke it
  Notifier notifier_;                              // the same
  CheckHistory checks_;
  Histories histories_;  // runs that end wake it
  RunQueue runs_;
  Scheduler scheduler_;
  MaintenanceScheduler maintenance_scheduler_;
  MaintenanceFacts maintenance_;
  StatusSource status_;
  Metrics metrics_;
  std::unique_ptr<MetricsServer> metrics_server_;
  DestinationWatch watch_;
  std::unique_ptr<GarnerService> service_;
  std::unique_ptr<grpc::Server> server_;
  ServiceManager manager_;
  boost::asio::signal_set signals_;
  boost::asio::steady_timer timer_;
  std::unique_ptr<Listener> listener_;
  std::atomic<bool> ticking_ = false;
  unsigned ticks_ = 0;  // on the thread that ticks
  unsigned looks_ = 0;  // while ticking_
};

}  // namespace garner::daemon
