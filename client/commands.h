// The commands, a function a file: each adds its commands to `all`.
#pragma once

#include <vector>

#include "command.h"

namespace garner::client {

void add_status_commands(std::vector<Command>& all);
void add_destination_commands(std::vector<Command>& all);
void add_destination_test_command(std::vector<Command>& all);
void add_set_commands(std::vector<Command>& all);
void add_rule_commands(std::vector<Command>& all);
void add_complete_command(std::vector<Command>& all);
void add_config_commands(std::vector<Command>& all);
void add_backup_commands(std::vector<Command>& all);
void add_run_commands(std::vector<Command>& all);
void add_error_commands(std::vector<Command>& all);
void add_snapshot_commands(std::vector<Command>& all);
void add_diff_commands(std::vector<Command>& all);
void add_find_command(std::vector<Command>& all);
void add_versions_command(std::vector<Command>& all);
void add_restore_commands(std::vector<Command>& all);
void add_browse_command(std::vector<Command>& all);
void add_mount_command(std::vector<Command>& all);
void add_copy_commands(std::vector<Command>& all);
void add_tag_command(std::vector<Command>& all);
void add_retention_commands(std::vector<Command>& all);
void add_check_commands(std::vector<Command>& all);
void add_key_commands(std::vector<Command>& all);
void add_log_commands(std::vector<Command>& all);
void add_notification_commands(std::vector<Command>& all);
void add_metrics_commands(std::vector<Command>& all);

}  // namespace garner::client
