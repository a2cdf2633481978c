// Checkpoints of backup runs in the catalog: backup::CheckpointStore on SQLite.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "backup/checkpoint.h"
#include "catalog/database.h"

namespace garner::catalog {

// The checkpoint of the run with that number, which is in the run table. The database outlives it. Any
// thread.
class CheckpointTable final : public backup::CheckpointStore {
 public:
  CheckpointTable(Database& database, std::int64_t run) : database_(database), run_(run) {}

  std::optional<backup::CheckpointHead> load() override;
  void begin(TimePoint scan_start, const std::vector<backup::TargetBegin>& targets) override;
  void save(const backup::CheckpointDelta& delta) override;
  void forget() override;
  std::vector<backup::FinishedFile> files_in(std::uint32_t source, const std::string& folder) override;
  std::vector<backup::FinishedFolder> folders_in(std::uint32_t source, const std::string& folder) override;
  std::optional<backup::FileInProgress> in_progress(const backup::Place& place) override;
  std::optional<backup::FinishedFolder> root(std::uint32_t source) override;

 private:
  void supersede_failed_saves();
  // Within a transaction.
  void save_pack(const store::DurablePack& pack);
  void save_target(const backup::TargetDelta& target);
  void save_in_progress(const backup::FileInProgress& file);
  void save_file(const backup::FinishedFile& file);
  void save_folder(const backup::FinishedFolder& folder);
  void forget_below(std::uint32_t source, const std::string& folder);
  std::int64_t place_id(const backup::Place& place);
  std::vector<store::DurablePack> load_packs();
  std::vector<backup::TargetHead> load_targets();

  Database& database_;
  const std::int64_t run_;
};

}  // namespace garner::catalog
