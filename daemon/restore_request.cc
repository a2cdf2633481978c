#include "restore_request.h"

#include <dirent.h>

#include <cerrno>
#include <cstring>
#include <memory>

#include "base/error.h"
#include "base/file.h"
#include "path_relation.h"
#include "snapshot/snapshot.h"
#include "snapshots.h"

namespace garner::daemon {

namespace {

// How far back an unfinished restore is looked for.
constexpr std::uint64_t kRestoresLookedAt = 200;

// Whether there is something in the target. What cannot be looked at is the restore's to report.
bool has_content(const std::string& target) {
  const std::unique_ptr<DIR, int (*)(DIR*)> folder(opendir(target.c_str()), closedir);
  if (!folder) return errno == ENOTDIR;
  while (const dirent* entry = readdir(folder.get())) {
    if (std::strcmp(entry->d_name, ".") != 0 && std::strcmp(entry->d_name, "..") != 0) return true;
  }
  return false;
}

// Whether the last restore to the target was of the same, did not get everything done, and found the target
// empty: where it was told what may be replaced somebody's own files are there. One that was refused for what
// it found there wrote nothing, and does not count.
bool is_unfinished_restore(catalog::Catalog& catalog, const v1::StartRestoreRequest& wanted) {
  for (const catalog::RunRow& row : catalog.runs().list_kind(catalog::RunKind::kRestore, kRestoresLookedAt)) {
    const StoredRequest before = decode_request(row.request);
    if (before.restore.target() != wanted.target() || before.restore.dry_run()) continue;
    if (row.failure == to_string(ErrorKind::kAlreadyExists)) continue;
    v1::Run report;
    report.ParseFromArray(row.report.data(), static_cast<int>(row.report.size()));
    const bool done = row.state == catalog::RunState::kFinished && !report.incomplete();
    return !done && row.attempts > 0 && before.restore.overwrite() == v1::OVERWRITE_UNSPECIFIED &&
           before.restore.snapshot() == wanted.snapshot() && before.restore.path() == wanted.path();
  }
  return false;
}

void check_target(Destinations& destinations, const std::string& target) {
  if (is_same_or_inside(target, destinations.context().state_folder)) {
    throw Error(ErrorKind::kInvalidInput, printable(target) + " is in the daemon's state folder");
  }
  for (const std::string& repository : destinations.local_folders()) {
    if (!is_same_or_inside(target, repository)) continue;
    throw Error(ErrorKind::kInvalidInput,
                printable(target) + " is in the repository " + printable(repository));
  }
}

}  // namespace

PreparedRestore prepare_restore(Destinations& destinations, const v1::StartRestoreRequest& request,
                                const std::string& zone) {
  PreparedRestore prepared;
  v1::StartRestoreRequest& wanted = prepared.stored.restore;
  wanted = request;
  wanted.set_target(normal_path(request.target()));
  check_target(destinations, wanted.target());
  const ChosenSnapshot chosen = choose_snapshot(destinations, request.snapshot(), zone);
  wanted.set_snapshot(chosen.id);
  if (!request.path().empty()) snapshot::find_node(chosen.snapshot, request.path(), *chosen.repository);
  prepared.stored.resuming = is_unfinished_restore(destinations.context().catalog, wanted);
  if (request.overwrite() == v1::OVERWRITE_UNSPECIFIED && !prepared.stored.resuming &&
      has_content(wanted.target())) {
    throw Error(ErrorKind::kAlreadyExists,
                "the target " + printable(wanted.target()) +
                    " is not empty: name another one, or say with --overwrite what may be "
                    "replaced");
  }
  return prepared;
}

}  // namespace garner::daemon
