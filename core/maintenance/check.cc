#include "maintenance/check.h"

#include "base/error.h"
#include "base/stop_scope.h"
#include "maintenance/check_report.h"
#include "maintenance/closure_check.h"
#include "maintenance/log_check.h"
#include "maintenance/pack_check.h"
#include "maintenance/pack_facts.h"

namespace garner::maintenance {
namespace {

// A prune that goes on meanwhile replaces segments in a record or two.
constexpr int kMostReadings = 100;

PackTable read_all_segments(store::Repository& repository, CheckReport& report) {
  for (int tries = 1;; ++tries) {
    report.begin_stage("reading the index");
    try {
      return read_segments(repository, *repository.state(), report);
    } catch (const SegmentsReplaced&) {
      if (tries == kMostReadings)
        throw Error(ErrorKind::kConflict, "the index changes all the time: try again");
    }
  }
}

}  // namespace

CheckProgress run_check(store::Repository& repository, const CheckOptions& options, CheckMonitor& monitor,
                        std::stop_token stop) {
  const StopScope scope(stop);
  CheckReport report(monitor, std::move(stop));
  repository.refresh();
  report.begin_stage("reading this machine's copy of the index");
  repository.verify_index([&] { report.throw_if_stopped(); });
  check_log(repository, *repository.state(), report);
  const PackTable packs = read_all_segments(repository, report);
  const PackDamage damage = check_packs(repository, packs, options, report);
  check_snapshots(repository, damage, report);
  report.tell();
  return report.progress();
}

}  // namespace garner::maintenance
