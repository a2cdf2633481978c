#include "catalog/run_hook_table.h"

namespace garner::catalog {

std::optional<HookProgress> RunHookTable::find(std::int64_t run) {
  Database& database = file_.database();
  const auto lock = database.lock();
  Statement row = database.prepare("SELECT stage, boot_id FROM run_hooks WHERE run = ?", run);
  if (!row.step()) return std::nullopt;
  return HookProgress{static_cast<HookProgress::Stage>(row.integer(0)), row.text(1)};
}

void RunHookTable::save(std::int64_t run, const HookProgress& progress) {
  file_.change([&](Database& database) {
    database
        .prepare("INSERT OR REPLACE INTO run_hooks (run, stage, boot_id) VALUES (?, ?, ?)", run,
                 static_cast<int>(progress.stage), progress.boot_id)
        .run();
  });
}

void RunHookTable::remove(std::int64_t run) {
  file_.change(
      [&](Database& database) { database.prepare("DELETE FROM run_hooks WHERE run = ?", run).run(); });
}

}  // namespace garner::catalog
