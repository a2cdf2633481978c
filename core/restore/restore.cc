#include "restore/restore.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <optional>
#include <thread>

#include "base/error.h"
#include "base/file.h"
#include "base/stop_scope.h"
#include "restore/beneath.h"
#include "restore/content_writer.h"
#include "restore/dry_run.h"
#include "restore/folder_finisher.h"
#include "restore/plan.h"
#include "restore/report.h"
#include "restore/target_error.h"
#include "restore/tree_writer.h"

namespace garner::restore {
namespace {

// Each thread holds a frame, sealed and raw: at most 8 MiB.
constexpr unsigned kMostThreads = 8;
constexpr mode_t kWayMode = 0755;  // of folders above the sources

struct CloseFolder {
  void operator()(DIR* folder) const { closedir(folder); }
};

// Names in the folder, other than "." and ".."; at most two, which is enough to judge it.
std::vector<std::string> first_names(int folder_fd, const std::string& name, const std::string& path) {
  Fd fd(openat(folder_fd, name.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW));
  const std::unique_ptr<DIR, CloseFolder> folder(fd.valid() ? fdopendir(fd.get()) : nullptr);
  if (!folder) throw target_error(errno, "reading " + printable(path));
  (void)fd.release();
  std::vector<std::string> names;
  while (names.size() < 2) {
    const dirent* entry = readdir(folder.get());
    if (entry == nullptr) break;
    const std::string found = entry->d_name;
    if (found != "." && found != "..") names.push_back(found);
  }
  return names;
}

// A file system that was just made holds an empty lost+found.
bool is_empty(int target_fd, const std::string& target) {
  const std::vector<std::string> names = first_names(target_fd, ".", target);
  if (names.empty()) return true;
  if (names.size() > 1 || names[0] != "lost+found") return false;
  const auto status = look_at(target_fd, names[0]);
  return status && S_ISDIR(status->st_mode) &&
         first_names(target_fd, names[0], target + "/lost+found").empty();
}

// Whether the target was empty when the restore began, as it must have been if nothing may be replaced.
bool is_new(int target_fd, const std::string& target, const RestoreOptions& options) {
  const bool is_refusing = options.overwrite == Overwrite::kRefuse;
  if ((options.resuming && is_refusing) || is_empty(target_fd, target)) return true;
  if (!is_refusing) return false;
  throw Error(ErrorKind::kAlreadyExists,
              "the target " + printable(target) +
                  " is not empty: choose another folder, or say with --overwrite what may be replaced");
}

std::shared_ptr<TargetFolder> open_target(const std::string& target) {
  try {
    make_folders_durably(target);
  } catch (const Error& error) {
    const int error_number = error.error_number();
    if (error_number == ENOTDIR || error_number == EEXIST) {
      throw Error(ErrorKind::kInvalidInput, "the target " + printable(target) + " is not a folder",
                  error_number);
    }
    if (error_number == 0) throw;
    throw target_error(error_number, "making the target " + printable(target));
  }
  auto root = TargetFolder::open_root(target);
  const TargetFolder::Use use(*root);
  if (faccessat(use.fd(), ".", W_OK | X_OK, AT_EACCESS) != 0) {
    throw target_error(errno, "the target " + printable(target) + " cannot be written to");
  }
  return root;
}

// The folder in which a source lands that keeps its path. Folders on the way are no part of the snapshot: all
// may look through them.
std::shared_ptr<TargetFolder> make_way(std::shared_ptr<TargetFolder> folder,
                                       const std::vector<std::string>& names) {
  for (const std::string& name : names) {
    bool is_made;
    {
      const TargetFolder::Use use(*folder);
      is_made = mkdirat(use.fd(), name.c_str(), kWayMode) == 0;
      if (!is_made && errno != EEXIST) {
        throw target_error(errno, "making " + printable(folder->path_of(name)));
      }
    }
    const std::string path = folder->path_of(name);
    try {
      folder = TargetFolder::open_child(std::move(folder), name);
      // Whatever the process's mask takes from new folders.
      const TargetFolder::Use use(*folder);
      if (is_made && fchmod(use.fd(), kWayMode) != 0) throw target_error(errno, "setting its mode");
    } catch (const Error& error) {
      throw error.in(printable(path));
    }
  }
  return folder;
}

unsigned thread_count(const RestoreOptions& options) {
  const unsigned wanted = options.threads > 0 ? options.threads : std::thread::hardware_concurrency();
  return std::clamp(wanted, 1u, kMostThreads);
}

Error with_what_is_missing(const Error& error, const RestoreProgress& progress, int target_fd,
                           const std::string& target) {
  std::string message =
      std::string(error.what()) + "; " +
      human_bytes(progress.total_bytes - std::min(progress.done_bytes, progress.total_bytes)) + " of " +
      human_bytes(progress.total_bytes) + " are still to be written to " + printable(target);
  struct statvfs space {};
  if (fstatvfs(target_fd, &space) == 0) {
    message += ", where " + human_bytes(std::uint64_t{space.f_bavail} * space.f_frsize) + " and " +
               std::to_string(space.f_favail) + " inodes are free";
  }
  return Error(error.kind(), message + "; make room and restore again: what is there already is kept",
               error.error_number());
}

void write_plan(store::Repository& repository, const Plan& plan, const RestoreOptions& options,
                const std::shared_ptr<TargetFolder>& target, bool target_is_new, Report& report,
                const std::stop_token& stop) {
  HardLinks links;
  LeftOut left_out;
  std::vector<std::shared_ptr<TargetFolder>> bases;
  {
    ContentWriter content(repository, links, report, thread_count(options), options.memory_budget, stop);
    TreeWriter writer(options, content, links, report, left_out);
    for (const PlannedRoot& root : plan.roots) {
      bases.push_back(make_way(target, root.folders));
      writer.begin(root.source, bases.back(), root.is_target);
      walk_tree(root.node, repository, writer, stop);
      // A source may lie in another: what it meets there then is finished, and right.
      content.flush();
    }
  }
  FolderFinisher finisher(options, target_is_new, report, left_out);
  for (std::size_t number = 0; number < plan.roots.size(); ++number) {
    finisher.begin(bases[number], plan.roots[number].is_target);
    walk_tree(plan.roots[number].node, repository, finisher, stop);
  }
  target->sync_file_systems();
}

}  // namespace

RestoreProgress run_restore(store::Repository& repository, const v1::Snapshot& snapshot,
                            const RestoreOptions& options, RestoreMonitor& monitor, std::stop_token stop) {
  const StopScope scope(stop);
  const std::string target = normal_path(options.target);
  std::shared_ptr<TargetFolder> root;
  bool target_is_new = true;
  if (access(target.c_str(), F_OK) == 0) {
    root = options.dry_run ? TargetFolder::open_root(target) : open_target(target);
    const TargetFolder::Use use(*root);
    target_is_new = is_new(use.fd(), target, options);
  }
  // One that is not there is made when it is clear that there is something to restore.
  Report report(monitor);
  const Plan plan = plan_restore(repository, snapshot, options.path);
  report.set_totals(plan.files, plan.bytes);
  report.tell();
  if (options.dry_run) {
    run_dry(repository, plan, options, root, report, stop);
  } else {
    const bool made = !root;
    if (made) root = open_target(target);
    const TargetFolder::Use use(*root);
    if (made) target_is_new = is_new(use.fd(), target, options);  // somebody may have been there first
    try {
      write_plan(repository, plan, options, root, target_is_new, report, stop);
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::kTargetFull) throw;
      throw with_what_is_missing(error, report.progress(), use.fd(), target);
    }
  }
  report.tell();
  return report.progress();
}

}  // namespace garner::restore
