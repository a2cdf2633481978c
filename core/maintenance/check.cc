#include "maintenance/check.h"

#include <memory>

#include "maintenance/check_report.h"
#include "maintenance/closure_check.h"
#include "maintenance/log_check.h"
#include "maintenance/pack_check.h"
#include "maintenance/pack_facts.h"

namespace garner::maintenance {

CheckProgress run_check(store::Repository& repository, const CheckOptions& options, CheckMonitor& monitor,
                        std::stop_token stop) {
  CheckReport report(monitor, std::move(stop));
  repository.refresh();
  const std::shared_ptr<const store::v1::RepositoryState> state = repository.state();
  check_log(repository, *state, report);
  report.begin_stage("reading the index");
  const PackTable packs = read_segments(repository, *state, report);
  const PackDamage damage = check_packs(repository, packs, options, report);
  check_snapshots(repository, *state, damage, report);
  report.tell();
  return report.progress();
}

}  // namespace garner::maintenance
