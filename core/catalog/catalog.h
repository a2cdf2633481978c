// What the daemon knows on this machine: configuration, runs, checkpoints, in one SQLite file. A cache in the
// end: all but the runs' history can be made again from the folder of keys and the destinations.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "catalog/catalog_file.h"
#include "catalog/checkpoint_table.h"
#include "catalog/command_table.h"
#include "catalog/configuration.h"
#include "catalog/delivery_table.h"
#include "catalog/destination_settings_table.h"
#include "catalog/maintenance_table.h"
#include "catalog/notification_table.h"
#include "catalog/retention_table.h"
#include "catalog/run_hook_table.h"
#include "catalog/run_log_table.h"
#include "catalog/run_table.h"
#include "catalog/schedule_table.h"
#include "catalog/secret_table.h"
#include "catalog/set_destination_table.h"
#include "catalog/verified_pack_table.h"

namespace garner::catalog {

// Any thread. The folder of keys and the clock outlive it.
class Catalog {
 public:
  // `folder`: the state folder, which exists. See CatalogFile for what happens to a file that cannot be used.
  Catalog(const std::string& folder, KeyFolder& keys, const Clock& clock)
      : file_(folder + "/catalog.sqlite", keys, clock),
        configuration_(file_, keys),
        deliveries_(file_),
        notifications_(file_),
        destination_settings_(file_),
        retention_(file_),
        runs_(file_, clock),
        schedules_(file_),
        commands_(file_),
        run_hooks_(file_),
        run_log_(file_),
        maintenance_(file_),
        secrets_(file_),
        set_destinations_(file_),
        verified_packs_(file_) {}

  Configuration& configuration() { return configuration_; }
  DeliveryTable& deliveries() { return deliveries_; }
  NotificationTable& notifications() { return notifications_; }
  DestinationSettingsTable& destination_settings() { return destination_settings_; }
  RetentionTable& retention() { return retention_; }
  RunTable& runs() { return runs_; }
  ScheduleTable& schedules() { return schedules_; }
  CommandTable& commands() { return commands_; }
  RunHookTable& run_hooks() { return run_hooks_; }
  RunLogTable& run_log() { return run_log_; }
  MaintenanceTable& maintenance() { return maintenance_; }
  SecretTable& secrets() { return secrets_; }
  SetDestinationTable& set_destinations() { return set_destinations_; }
  VerifiedPackTable& verified_packs() { return verified_packs_; }
  // Outlived by the catalog.
  std::unique_ptr<CheckpointTable> checkpoint(std::int64_t run) {
    return std::make_unique<CheckpointTable>(file_.database(), run);
  }
  const std::optional<Rebuilt>& rebuilt() const { return file_.rebuilt(); }

 private:
  CatalogFile file_;
  Configuration configuration_;
  DeliveryTable deliveries_;
  NotificationTable notifications_;
  DestinationSettingsTable destination_settings_;
  RetentionTable retention_;
  RunTable runs_;
  ScheduleTable schedules_;
  CommandTable commands_;
  RunHookTable run_hooks_;
  RunLogTable run_log_;
  MaintenanceTable maintenance_;
  SecretTable secrets_;
  SetDestinationTable set_destinations_;
  VerifiedPackTable verified_packs_;
};

}  // namespace garner::catalog
