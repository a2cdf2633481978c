#include "catalog/schema.h"

#include <array>
#include <string>

#include "base/error.h"

namespace garner::catalog {

namespace {

// Times are nanoseconds since 1970, in tables of schedules and maintenance microseconds. Paths and names are
// blobs: bytes, compared as unsigned bytes. The steps are never edited once released; a change is a further
// step.
//
// A checkpoint's folders have rows of their own, so that a long path is stored once and everything below a
// finished folder goes with one range delete.
constexpr std::array kSteps = {
    R"sql(
CREATE TABLE facts (name TEXT PRIMARY KEY, value) WITHOUT ROWID;

CREATE TABLE destinations (
  name TEXT PRIMARY KEY,
  url TEXT NOT NULL,
  repository BLOB NOT NULL UNIQUE,
  encrypted INTEGER NOT NULL,
  keyring BLOB NOT NULL,
  recover_sets INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE sets (
  name TEXT PRIMARY KEY,
  uuid BLOB NOT NULL UNIQUE,
  definition BLOB NOT NULL
) WITHOUT ROWID;

CREATE TABLE set_destinations (
  set_name TEXT NOT NULL REFERENCES sets (name) ON DELETE CASCADE,
  position INTEGER NOT NULL,
  destination TEXT NOT NULL REFERENCES destinations (name),
  PRIMARY KEY (set_name, position)
) WITHOUT ROWID;
CREATE INDEX set_destinations_by_destination ON set_destinations (destination);

CREATE TABLE runs (
  number INTEGER PRIMARY KEY,
  uuid BLOB NOT NULL UNIQUE,
  kind INTEGER NOT NULL,
  set_name TEXT NOT NULL,
  request BLOB NOT NULL,
  state INTEGER NOT NULL,
  pause_reason INTEGER NOT NULL,
  message TEXT NOT NULL,
  queued INTEGER NOT NULL,
  started INTEGER,
  finished INTEGER,
  attempts INTEGER NOT NULL,
  error_count INTEGER NOT NULL,
  failure TEXT NOT NULL,
  report BLOB NOT NULL
);
CREATE INDEX runs_by_set ON runs (set_name, number);
CREATE INDEX runs_by_state ON runs (state, number);

CREATE TABLE run_changes (
  id INTEGER PRIMARY KEY,
  run INTEGER NOT NULL REFERENCES runs (number) ON DELETE CASCADE,
  time INTEGER NOT NULL,
  state INTEGER NOT NULL,
  pause_reason INTEGER NOT NULL,
  message TEXT NOT NULL
);
CREATE INDEX run_changes_by_run ON run_changes (run, id);

CREATE TABLE run_errors (
  run INTEGER NOT NULL REFERENCES runs (number) ON DELETE CASCADE,
  position INTEGER NOT NULL,
  path BLOB NOT NULL,
  message TEXT NOT NULL,
  PRIMARY KEY (run, position)
) WITHOUT ROWID;

CREATE TABLE checkpoints (
  run INTEGER PRIMARY KEY REFERENCES runs (number) ON DELETE CASCADE,
  scan_start_seconds INTEGER NOT NULL,
  scan_start_nanos INTEGER NOT NULL,
  base_snapshots BLOB NOT NULL,
  read_bytes INTEGER NOT NULL,
  new_bytes INTEGER NOT NULL,
  stored_bytes INTEGER NOT NULL
);

CREATE TABLE checkpoint_packs (
  id INTEGER PRIMARY KEY,
  run INTEGER NOT NULL REFERENCES checkpoints (run) ON DELETE CASCADE,
  uuid BLOB NOT NULL,
  kind INTEGER NOT NULL,
  path BLOB NOT NULL,
  finished_name BLOB,
  finished_size INTEGER,
  UNIQUE (run, uuid)
);

CREATE TABLE checkpoint_frames (
  pack INTEGER NOT NULL REFERENCES checkpoint_packs (id) ON DELETE CASCADE,
  offset INTEGER NOT NULL,
  stored_length INTEGER NOT NULL,
  raw_length INTEGER NOT NULL,
  blobs BLOB NOT NULL,
  PRIMARY KEY (pack, offset)
) WITHOUT ROWID;

CREATE TABLE checkpoint_names (
  run INTEGER NOT NULL REFERENCES checkpoints (run) ON DELETE CASCADE,
  name BLOB NOT NULL,
  PRIMARY KEY (run, name)
) WITHOUT ROWID;

CREATE TABLE checkpoint_places (
  id INTEGER PRIMARY KEY,
  run INTEGER NOT NULL REFERENCES checkpoints (run) ON DELETE CASCADE,
  source INTEGER NOT NULL,
  folder BLOB NOT NULL,
  UNIQUE (run, source, folder)
);

CREATE TABLE checkpoint_files (
  place INTEGER NOT NULL REFERENCES checkpoint_places (id) ON DELETE CASCADE,
  name BLOB NOT NULL,
  node BLOB NOT NULL,
  seen_seconds INTEGER NOT NULL,
  seen_nanos INTEGER NOT NULL,
  PRIMARY KEY (place, name)
) WITHOUT ROWID;

CREATE TABLE checkpoint_folders (
  place INTEGER NOT NULL REFERENCES checkpoint_places (id) ON DELETE CASCADE,
  name BLOB NOT NULL,
  tree BLOB NOT NULL,
  totals BLOB NOT NULL,
  seen_seconds INTEGER NOT NULL,
  seen_nanos INTEGER NOT NULL,
  PRIMARY KEY (place, name)
) WITHOUT ROWID;

CREATE TABLE checkpoint_in_progress (
  place INTEGER NOT NULL REFERENCES checkpoint_places (id) ON DELETE CASCADE,
  name BLOB NOT NULL,
  node BLOB NOT NULL,
  offset INTEGER NOT NULL,
  content_list BLOB NOT NULL,
  seen_seconds INTEGER NOT NULL,
  seen_nanos INTEGER NOT NULL,
  PRIMARY KEY (place, name)
) WITHOUT ROWID;
)sql",
    // Schedules. An entry's mark goes with it, and both with their set.
    R"sql(
CREATE TABLE set_schedules (
  set_name TEXT PRIMARY KEY REFERENCES sets (name) ON DELETE CASCADE,
  zone TEXT NOT NULL,
  random_delay INTEGER NOT NULL,
  overdue_after INTEGER NOT NULL,
  overdue_since INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE set_schedule_entries (
  set_name TEXT NOT NULL REFERENCES sets (name) ON DELETE CASCADE,
  destination TEXT NOT NULL,
  expression TEXT NOT NULL,
  anchor INTEGER NOT NULL,
  PRIMARY KEY (set_name, destination)
) WITHOUT ROWID;

CREATE TABLE set_schedule_rules (
  set_name TEXT NOT NULL REFERENCES sets (name) ON DELETE CASCADE,
  kind INTEGER NOT NULL,
  position INTEGER NOT NULL,
  text TEXT NOT NULL,
  user INTEGER NOT NULL,
  PRIMARY KEY (set_name, kind, position)
) WITHOUT ROWID;

CREATE TABLE set_schedule_marks (
  set_name TEXT NOT NULL,
  destination TEXT NOT NULL,
  served INTEGER NOT NULL,
  wall INTEGER NOT NULL,
  boot INTEGER NOT NULL,
  boot_id TEXT NOT NULL,
  guessed INTEGER NOT NULL,
  served_before INTEGER,
  PRIMARY KEY (set_name, destination),
  FOREIGN KEY (set_name, destination) REFERENCES set_schedule_entries (set_name, destination) ON DELETE CASCADE
) WITHOUT ROWID;

CREATE TABLE destination_disks (
  destination TEXT PRIMARY KEY REFERENCES destinations (name) ON DELETE CASCADE,
  file_system TEXT NOT NULL
) WITHOUT ROWID;
)sql",
    R"sql(
CREATE TABLE set_retention (
  set_name TEXT PRIMARY KEY REFERENCES sets (name) ON DELETE CASCADE,
  policy BLOB NOT NULL
) WITHOUT ROWID;
)sql",
    // Commands of sets, and what runs made of them. A run's log has its lines numbered from 1, without gaps
    // but for those that were dropped.
    R"sql(
CREATE TABLE set_commands (
  set_name TEXT NOT NULL REFERENCES sets (name) ON DELETE CASCADE,
  kind INTEGER NOT NULL,
  position INTEGER NOT NULL,
  name TEXT NOT NULL,
  command TEXT NOT NULL,
  user INTEGER NOT NULL,
  PRIMARY KEY (set_name, kind, position)
) WITHOUT ROWID;

CREATE TABLE set_command_limits (
  set_name TEXT PRIMARY KEY REFERENCES sets (name) ON DELETE CASCADE,
  hook_seconds INTEGER NOT NULL,
  source_seconds INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE run_hooks (
  run INTEGER PRIMARY KEY REFERENCES runs (number) ON DELETE CASCADE,
  stage INTEGER NOT NULL,
  boot_id TEXT NOT NULL
);

CREATE TABLE run_log (
  run INTEGER NOT NULL REFERENCES runs (number) ON DELETE CASCADE,
  number INTEGER NOT NULL,
  time INTEGER NOT NULL,
  origin TEXT NOT NULL,
  text TEXT NOT NULL,
  PRIMARY KEY (run, number)
) WITHOUT ROWID;
)sql",
    // What a set keeps at single destinations, and how a destination is used.
    R"sql(
CREATE TABLE set_destination_retention (
  set_name TEXT NOT NULL REFERENCES sets (name) ON DELETE CASCADE,
  destination TEXT NOT NULL,
  policy BLOB NOT NULL,
  PRIMARY KEY (set_name, destination)
) WITHOUT ROWID;

CREATE TABLE destination_settings (
  destination TEXT PRIMARY KEY REFERENCES destinations (name) ON DELETE CASCADE,
  max_unused REAL,
  max_rewrite INTEGER
) WITHOUT ROWID;

CREATE TABLE destination_limits (
  destination TEXT NOT NULL REFERENCES destinations (name) ON DELETE CASCADE,
  direction INTEGER NOT NULL,
  position INTEGER NOT NULL,
  text TEXT NOT NULL,
  PRIMARY KEY (destination, direction, position)
) WITHOUT ROWID;
)sql",
    // Notifications, what they have still to tell, and what is in trouble: told of as overdue, or owed a
    // recovery.
    R"sql(
CREATE TABLE notifications (
  name TEXT PRIMARY KEY,
  kind INTEGER NOT NULL,
  target TEXT NOT NULL,
  headers TEXT NOT NULL,
  smtp TEXT NOT NULL,
  sender TEXT NOT NULL,
  smtp_user TEXT NOT NULL,
  password BLOB NOT NULL,
  ca_certificates TEXT NOT NULL,
  plain_smtp INTEGER NOT NULL,
  user INTEGER NOT NULL,
  events INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE notification_sets (
  notification TEXT NOT NULL REFERENCES notifications (name) ON DELETE CASCADE,
  set_name TEXT NOT NULL,
  PRIMARY KEY (notification, set_name)
) WITHOUT ROWID;

CREATE TABLE notification_queue (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  notification TEXT NOT NULL REFERENCES notifications (name) ON DELETE CASCADE,
  event INTEGER NOT NULL,
  set_name TEXT NOT NULL,
  run INTEGER,
  text TEXT NOT NULL,
  time INTEGER NOT NULL
);
CREATE INDEX notification_queue_by_notification ON notification_queue (notification, id);

CREATE TABLE notification_deliveries (
  notification TEXT PRIMARY KEY REFERENCES notifications (name) ON DELETE CASCADE,
  delivered INTEGER NOT NULL,
  last_delivered INTEGER,
  given_up INTEGER NOT NULL,
  attempts INTEGER NOT NULL,
  next_attempt INTEGER,
  last_error TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE notification_troubles (
  subject TEXT PRIMARY KEY,
  overdue_told INTEGER NOT NULL
) WITHOUT ROWID;
)sql",
    // Maintenance of destinations. What was verified when is a cache: without it everything is read again.
    R"sql(
CREATE TABLE destination_maintenance (
  destination TEXT PRIMARY KEY REFERENCES destinations (name) ON DELETE CASCADE,
  prune_schedule TEXT NOT NULL,
  check_schedule TEXT NOT NULL,
  check_period INTEGER NOT NULL,
  anchor INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE destination_maintenance_marks (
  destination TEXT NOT NULL REFERENCES destinations (name) ON DELETE CASCADE,
  kind INTEGER NOT NULL,
  served INTEGER NOT NULL,
  wall INTEGER NOT NULL,
  boot INTEGER NOT NULL,
  boot_id TEXT NOT NULL,
  guessed INTEGER NOT NULL,
  served_before INTEGER,
  PRIMARY KEY (destination, kind)
) WITHOUT ROWID;

CREATE TABLE destination_last_runs (
  destination TEXT NOT NULL REFERENCES destinations (name) ON DELETE CASCADE,
  kind INTEGER NOT NULL,
  run INTEGER NOT NULL,
  PRIMARY KEY (destination, kind)
) WITHOUT ROWID;

CREATE TABLE verified_packs (
  destination TEXT NOT NULL REFERENCES destinations (name) ON DELETE CASCADE,
  name BLOB NOT NULL,
  size INTEGER NOT NULL,
  first_seen INTEGER NOT NULL,
  verified INTEGER,
  damaged INTEGER NOT NULL,
  PRIMARY KEY (destination, name)
) WITHOUT ROWID;
)sql",
    // Where secrets of destinations were read from, for the configuration as a file.
    R"sql(
CREATE TABLE destination_secrets (
  destination TEXT PRIMARY KEY REFERENCES destinations (name) ON DELETE CASCADE,
  option TEXT NOT NULL,
  reference TEXT NOT NULL,
  share_keyring INTEGER NOT NULL
) WITHOUT ROWID;
)sql",
    // The same of notifications.
    R"sql(
ALTER TABLE notifications ADD COLUMN target_file TEXT NOT NULL DEFAULT '';
ALTER TABLE notifications ADD COLUMN header_file TEXT NOT NULL DEFAULT '';
ALTER TABLE notifications ADD COLUMN password_file TEXT NOT NULL DEFAULT '';
ALTER TABLE notifications ADD COLUMN ca_file TEXT NOT NULL DEFAULT '';
)sql",
    // Whether the run's snapshot has the last known version of what could not be read.
    R"sql(
ALTER TABLE run_errors ADD COLUMN kept INTEGER NOT NULL DEFAULT 0;
)sql",
    // How destinations are reached, beside their URL.
    R"sql(
CREATE TABLE destination_options (
  destination TEXT NOT NULL REFERENCES destinations (name) ON DELETE CASCADE,
  name TEXT NOT NULL,
  value TEXT NOT NULL,
  PRIMARY KEY (destination, name)
) WITHOUT ROWID;
)sql",
    // Sets that were found again at the destinations that they have.
    R"sql(
CREATE TABLE recovered_sets (
  set_name TEXT PRIMARY KEY REFERENCES sets (name) ON DELETE CASCADE
) WITHOUT ROWID;
)sql",
    // Checkpoints of runs with several destinations, by their number in the run's request, and the snapshot
    // that was decided on. What was begun before had one destination.
    R"sql(
ALTER TABLE checkpoints ADD COLUMN snapshot BLOB;

CREATE TABLE checkpoint_targets (
  run INTEGER NOT NULL REFERENCES checkpoints (run) ON DELETE CASCADE,
  target INTEGER NOT NULL,
  left_feed INTEGER NOT NULL,
  message TEXT NOT NULL,
  base_snapshots BLOB NOT NULL,
  new_bytes INTEGER NOT NULL,
  stored_bytes INTEGER NOT NULL,
  supplied_bytes INTEGER NOT NULL,
  PRIMARY KEY (run, target)
) WITHOUT ROWID;

CREATE TABLE checkpoint_target_names (
  run INTEGER NOT NULL REFERENCES checkpoints (run) ON DELETE CASCADE,
  target INTEGER NOT NULL,
  name BLOB NOT NULL,
  PRIMARY KEY (run, target, name)
) WITHOUT ROWID;

CREATE TABLE checkpoint_deliveries (
  pack INTEGER NOT NULL REFERENCES checkpoint_packs (id) ON DELETE CASCADE,
  target INTEGER NOT NULL,
  name BLOB NOT NULL,
  committed INTEGER NOT NULL,
  PRIMARY KEY (pack, target)
) WITHOUT ROWID;

INSERT INTO checkpoint_targets
  SELECT run, 0, 0, '', base_snapshots, new_bytes, stored_bytes, 0 FROM checkpoints;
INSERT INTO checkpoint_target_names SELECT run, 0, name FROM checkpoint_names;
INSERT INTO checkpoint_deliveries
  SELECT id, 0, finished_name, 0 FROM checkpoint_packs WHERE finished_name IS NOT NULL;

DROP TABLE checkpoint_names;
ALTER TABLE checkpoints DROP COLUMN base_snapshots;
ALTER TABLE checkpoint_packs DROP COLUMN finished_name;
ALTER TABLE checkpoint_packs ADD COLUMN lacking INTEGER NOT NULL DEFAULT 1;
)sql",
    // How the destinations of sets stand. No configuration: what is lost can be found out again.
    R"sql(
CREATE TABLE set_destination_states (
  set_name TEXT NOT NULL REFERENCES sets (name) ON DELETE CASCADE,
  destination TEXT NOT NULL,
  behind_since INTEGER,
  reason TEXT NOT NULL,
  last_done INTEGER,
  last_snapshot BLOB,
  PRIMARY KEY (set_name, destination)
) WITHOUT ROWID;
)sql",
    // Who supplies the destinations of a set: one of them, any.
    R"sql(
ALTER TABLE sets ADD COLUMN supply_from TEXT NOT NULL DEFAULT '';
ALTER TABLE sets ADD COLUMN supply_both_ways INTEGER NOT NULL DEFAULT 0;
)sql",
    // The generation of each destination's log when a run began; 0: not known.
    R"sql(
ALTER TABLE checkpoint_targets ADD COLUMN generation INTEGER NOT NULL DEFAULT 0;
)sql",
    // Whether it could not be read; otherwise the snapshot has it, with a warning. Of what was told before
    // that was noted it is known where a last known version was kept.
    R"sql(
ALTER TABLE run_errors ADD COLUMN unreadable INTEGER NOT NULL DEFAULT 0;
UPDATE run_errors SET unreadable = kept;
)sql",
    // How many runs of each kind and end were removed: what is counted never falls.
    R"sql(
CREATE TABLE removed_runs (
  kind INTEGER NOT NULL,
  state INTEGER NOT NULL,
  ended INTEGER NOT NULL,
  PRIMARY KEY (kind, state)
) WITHOUT ROWID;
)sql",
};

}  // namespace

std::int64_t schema_version() { return static_cast<std::int64_t>(kSteps.size()); }

void migrate(Database& database, std::int64_t version_wanted) {
  const std::int64_t found = database.user_version();
  if (found > schema_version()) {
    throw Error(ErrorKind::kNewerFormat, "the catalog " + printable(database.path()) + " has version " +
                                             std::to_string(found) + "; this program knows up to " +
                                             std::to_string(schema_version()));
  }
  if (found < 0)
    throw Error(ErrorKind::kDamaged, "the catalog " + printable(database.path()) + ": its version");
  if (found >= version_wanted) return;
  Transaction transaction(database);
  for (std::int64_t version = found; version < version_wanted; ++version)
    database.execute(kSteps[static_cast<std::size_t>(version)]);
  database.set_user_version(version_wanted);
  transaction.commit();
}

}  // namespace garner::catalog
