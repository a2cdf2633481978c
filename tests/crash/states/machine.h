// A machine as a daemon is one: its keys, catalog and cache in a state folder, and runs that outlive the
// process. Two may use one repository, and one may give what it backs up to two. Paths are those of the disk
// it lives on, so a machine can be started again from whatever a crash left there.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <vector>

#include "backup/backup_run.h"
#include "catalog/catalog.h"
#include "catalog/key_folder.h"
#include "store/repository.h"

namespace garner::crash {

// Change detection does not trust what changed just before a scan: this clock says later.
const Clock& later_clock();

// A run that came to its end and did not do all that it should.
struct Incomplete : std::runtime_error {
  using std::runtime_error::runtime_error;
};

class Machine {
 public:
  // Starts the machine of that name. Its state folder and the repository are in `disk`.
  Machine(const std::string& disk, const std::string& name);

  const std::string& name() const { return name_; }
  catalog::Catalog& catalog() { return catalog_; }

  // Makes the repository; this machine is its remover.
  void make_repository(bool encrypted);
  // Makes a second one of the same keys: from now on backups are given to both.
  void make_replica();
  // Uses the repository that `other` made.
  void join(Machine& other);

  // Folders in `disk`: "repository", and "replica" where there is one.
  std::vector<std::string> destinations();
  // All but backups, and what is below, is about this one from now on; it is the first to begin with.
  void look_at(const std::string& destination) { destination_ = destination; }
  const std::string& destination() const { return destination_; }

  // Opened at the first call, and again after close_repositories().
  store::Repository& repository() { return repository(destination_); }
  // As repair opens it.
  store::Repository& repository_without_log();
  void close_repositories() { repositories_.clear(); }

  // ---- Runs, as the daemon has them ----
  // A row in the catalog that says that it runs. `request`: what it needs to go on.
  catalog::RunRow begin(catalog::RunKind kind, const std::string& request = {});
  void finish(catalog::RunRow row);
  std::vector<catalog::RunRow> unfinished() { return catalog_.runs().unfinished(); }

  struct Paths {
    std::string source;
    std::string target;  // of restores
  };
  struct BackUp {
    unsigned threads = 1;
    std::size_t commit_blobs = 100'000;  // when a run commits as it goes
    std::stop_token stop{};
  };
  // Error(kCancelled) when it was stopped, after a checkpoint. True when the checkpoint that was there was
  // given up. A destination that was not fed is filled from the other one.
  bool back_up(const catalog::RunRow& row, const Paths& paths, const BackUp& how);
  // Forgets the snapshot of the run that the row's request names, if it is listed.
  void forget(const catalog::RunRow& row);
  // Without a grace period. Throws Incomplete when something was damaged or missing.
  void prune(const catalog::RunRow& row);
  // As the daemon does: the header, then the log, or else what packs lack, from the other destination. Throws
  // Incomplete when something of those stays lost.
  void repair(const catalog::RunRow& row);
  // Restores the snapshot of the run that the row's request names. Throws Incomplete when anything could not
  // be restored.
  void restore(const catalog::RunRow& row, const Paths& paths, bool resuming, bool overwriting = false);

  // What a check that reads all data finds.
  std::vector<std::string> check();

 private:
  store::Repository& repository(const std::string& destination);
  store::RepositoryContext context(const std::string& destination);
  void add(const std::string& destination, const crypto::Keyring& keyring);
  void fill(const catalog::RunRow& row, unsigned number, const std::string& supplier,
            backup::CheckpointStore& checkpoint, const backup::BackupOptions& of_backup);

  const std::string disk_;
  const std::string name_;
  catalog::KeyFolder keys_;
  catalog::Catalog catalog_;
  const crypto::WriterKey writer_;
  std::string destination_ = "repository";
  std::map<std::string, std::unique_ptr<store::Repository>> repositories_;  // that are open
};

}  // namespace garner::crash
