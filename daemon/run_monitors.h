// What the engine tells of a run while it goes on, put into the run.
#pragma once

#include "active_run.h"
#include "backup/backup_run.h"
#include "check_rotation.h"
#include "lost_folders.h"
#include "maintenance/check.h"
#include "maintenance/repair.h"
#include "maintenance/rescue.h"
#include "restore/restore.h"
#include "run_log.h"

namespace garner::daemon {

class BackupRunMonitor final : public backup::BackupMonitor {
 public:
  BackupRunMonitor(ActiveRun& run, catalog::RunTable& runs, RunLog& log)
      : run_(run), runs_(runs), log_(log) {}
  void progressed(const backup::BackupProgress& progress) override;
  // In the catalog before the folder it lies in is finished in a checkpoint: an error is never forgotten.
  void error(const backup::SourceError& error) override;
  void command_said(const std::string& name, std::string_view line) override { log_.add(name, line); }

 private:
  ActiveRun& run_;
  catalog::RunTable& runs_;
  RunLog& log_;
};

// Of one destination that is given a snapshot from others.
class FillRunMonitor final : public backup::BackupMonitor {
 public:
  FillRunMonitor(ActiveRun& run, std::string destination) : run_(run), destination_(std::move(destination)) {}
  void progressed(const backup::BackupProgress& progress) override;
  void error(const backup::SourceError&) override {}  // the source is not read

 private:
  ActiveRun& run_;
  const std::string destination_;
};

class RestoreRunMonitor final : public restore::RestoreMonitor {
 public:
  RestoreRunMonitor(ActiveRun& run, catalog::RunTable& runs) : run_(run), runs_(runs) {}
  void progressed(const restore::RestoreProgress& progress) override;
  void error(const std::string& path, const std::string& message) override;

 private:
  ActiveRun& run_;
  catalog::RunTable& runs_;
};

// Of check and repair, over several destinations.
class CheckRunMonitor final : public maintenance::CheckMonitor {
 public:
  // Both outlive it.
  CheckRunMonitor(ActiveRun& run, LostFolders& folders) : run_(run), folders_(folders) {}
  void progressed(const maintenance::CheckProgress& progress) override;
  void problem(const std::string& line) override;
  void read_whole(const maintenance::PackSize& pack, bool sound) override {
    if (rotation_ != nullptr) rotation_->read_whole(pack, sound);
  }
  std::string known_of_folder(const std::string& path, const crypto::BlobId& snapshot) override {
    return folders_.noted(path, snapshot.hex());
  }
  // Where to note packs that were read: while it is checked, of the destination.
  void set_rotation(CheckRotation* rotation) { rotation_ = rotation; }
  // Counters of a destination that is done are added to.
  void finish_part(const maintenance::CheckProgress& progress);
  void finish_repair(const maintenance::RepairResult& result);
  void finish_rescue(const maintenance::RescueResult& result);

 private:
  void show(const maintenance::CheckProgress& progress, v1::Run& report) const;

  ActiveRun& run_;
  LostFolders& folders_;
  CheckRotation* rotation_ = nullptr;
  std::mutex mutex_;
  maintenance::CheckProgress done_;  // of destinations before
};

// While it lives, the monitor notes in `rotation`; what was not written by then is written.
class RotationScope {
 public:
  RotationScope(CheckRunMonitor& monitor, CheckRotation& rotation) : monitor_(monitor), rotation_(rotation) {
    monitor_.set_rotation(&rotation_);
  }
  ~RotationScope() {
    monitor_.set_rotation(nullptr);
    rotation_.write();
  }
  RotationScope(const RotationScope&) = delete;
  RotationScope& operator=(const RotationScope&) = delete;

 private:
  CheckRunMonitor& monitor_;
  CheckRotation& rotation_;
};

}  // namespace garner::daemon
