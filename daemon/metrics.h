// What the daemon tells a monitoring system, from its status: all numbers and names, no paths.
#pragma once

#include <string>
#include <vector>

#include "catalog/catalog.h"
#include "garner/v1/service.pb.h"
#include "status_source.h"

namespace garner::daemon {

// Of this process, from /proc.
struct ProcessFacts {
  double cpu_seconds = 0;
  std::uint64_t resident_bytes = 0;
  std::uint64_t virtual_bytes = 0;
  std::uint64_t open_files = 0;
  std::uint64_t threads = 0;
};
ProcessFacts read_process_facts();

// What a status does not hold.
struct MetricsFacts {
  std::vector<catalog::RunTable::EndedRuns> ended;
  std::vector<v1::Notification> notifications;
  ProcessFacts process;
};

// Pure; the same facts give the same text.
std::string metrics_text(const v1::Status& status, const MetricsFacts& facts);

// Gathers and writes them. Any thread; waits for no destination.
class Metrics {
 public:
  Metrics(catalog::Catalog& catalog, StatusSource& status) : catalog_(catalog), status_(status) {}
  std::string text();

 private:
  catalog::Catalog& catalog_;
  StatusSource& status_;
};

}  // namespace garner::daemon
