// Tells what is queued, from threads of its own: a run never waits for whom is told of it, and a target that
// does not answer costs a thread its time-out.
//
// What waits is in the catalog (core/catalog/delivery_table.h), in order; of each notification one message is
// under way at a time. A target that fails is tried again, later and later; after half a day what waits is
// given up, which the log and the status tell. What comes faster than delivery_rules.h allows is gathered
// into a summary. A message that was delivered when the process was killed before it could note that is
// delivered again.
#pragma once

#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "catalog/catalog.h"
#include "delivery.h"
#include "delivery_rules.h"

namespace garner::daemon {

class Notifier {
 public:
  // How a message is sent; a test may do it otherwise.
  using Deliver = std::function<Outcome(const catalog::Notification&, const v1::NotificationMessage&,
                                        const std::stop_token&)>;
  Notifier(catalog::Catalog& catalog, const Clock& clock, std::string host, Deliver deliver = {});
  ~Notifier();

  // From now on it tells. Once.
  void start();
  // What is under way is given up within a second, and told by the next process. Does not wait. Any thread.
  void stop();
  // Something was queued. Any thread; quick.
  void poke();

  // Sends a test at once, past the queue; after one that was delivered, what waits is tried again at once.
  // Error(kNotFound). Any thread; may take a minute.
  Outcome test(const std::string& name);

 private:
  // What to do next: a notification, or when to look again.
  struct Next {
    std::string name;
    std::optional<MessageRate::Time> wake;
  };

  void work();
  // With mutex_ held.
  Next next();
  void attempt(const std::string& name, unsigned available);
  void note_delivered(const std::string& name, std::int64_t last);
  void note_failed(const std::string& name, const std::vector<catalog::QueuedEvent>& events,
                   const Outcome& outcome);
  v1::NotificationMessage message_of(const std::string& name,
                                     const std::vector<catalog::QueuedEvent>& events);

  catalog::Catalog& catalog_;
  const Clock& clock_;
  const std::string host_;
  const Deliver deliver_;
  std::stop_source stop_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::uint64_t pokes_ = 0;
  std::set<std::string> busy_;
  std::map<std::string, MessageRate> rates_;
  std::map<std::string, MessageRate::Time> held_;  // after trouble with the catalog: not before
  std::map<std::string, std::int64_t> told_;       // delivered, and perhaps not noted: up to this event
  std::vector<std::thread> threads_;
};

}  // namespace garner::daemon
