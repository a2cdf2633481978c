#include "restore/dry_run.h"

#include <sys/stat.h>

#include <string>
#include <utility>
#include <vector>

#include "restore/beneath.h"
#include "restore/existing.h"
#include "restore/target_error.h"
#include "restore/tree_walk.h"

namespace garner::restore {
namespace {

using Folder = std::shared_ptr<TargetFolder>;  // null for one that does not exist

class DryRun final : public TreeVisitor {
 public:
  DryRun(const RestoreOptions& options, Report& report) : options_(options), report_(report) {}

  void begin(Folder folder, bool is_target) {
    base_ = std::move(folder);
    is_target_ = is_target;
  }

  bool enter(const v1::Node& node) override {
    if (folders_.empty() && is_target_) {
      folders_.push_back(base_);
      return true;
    }
    const Folder& parent = folders_.empty() ? base_ : folders_.back();
    Folder folder;
    try {
      if (parent != nullptr && is_folder(*parent, node)) {
        folder = TargetFolder::open_child(parent, node.name());
      }
    } catch (const Error& error) {
      if (ends_restore(error)) throw;
      report_.error(parent->path_of(node.name()), error.what());
      return false;
    }
    folders_.push_back(std::move(folder));
    return true;
  }

  void leave(const v1::Node&) override { folders_.pop_back(); }

  void visit(const v1::Node& node) override {
    const Folder& parent = folders_.empty() ? base_ : folders_.back();
    bool written = true;
    try {
      if (parent != nullptr) {
        const Decision decided = decision(*parent, node);
        written = decided == Decision::kCreate || decided == Decision::kReplace;
      }
    } catch (const Error& error) {
      if (ends_restore(error)) throw;
      report_.error(parent->path_of(node.name()), error.what());
      return;
    }
    if (node.type() != v1::NODE_TYPE_FILE) return;
    if (written) {
      report_.add_done_file();
      report_.add_done_bytes(node.size());
    } else {
      report_.add_skipped_file();
    }
  }

  void unreadable(const Error& error) override { report_.error(folder_path(), error.what()); }

 private:
  Decision decision(TargetFolder& parent, const v1::Node& node) const {
    const TargetFolder::Use use(parent);
    return decide(use.fd(), look_at(use.fd(), node.name()), node, options_);
  }

  // Whether the folder is there. Error(kAlreadyExists) where something else is, and stays.
  bool is_folder(TargetFolder& parent, const v1::Node& node) const {
    const TargetFolder::Use use(parent);
    const auto existing = look_at(use.fd(), node.name());
    if (!existing || S_ISDIR(existing->st_mode)) return existing.has_value();
    if (decide(use.fd(), existing, node, options_) == Decision::kKeep) {
      throw Error(ErrorKind::kAlreadyExists, "what is in its place is no folder, and is kept");
    }
    return false;
  }

  std::string folder_path() const {
    for (auto folder = folders_.rbegin(); folder != folders_.rend(); ++folder) {
      if (*folder != nullptr) return (*folder)->path();
    }
    return options_.target;
  }

  const RestoreOptions& options_;
  Report& report_;
  Folder base_;
  bool is_target_ = false;
  std::vector<Folder> folders_;
};

}  // namespace

void run_dry(store::Repository& repository, const Plan& plan, const RestoreOptions& options,
             const Folder& target, Report& report, const std::stop_token& stop) {
  DryRun dry_run(options, report);
  for (const PlannedRoot& root : plan.roots) {
    Folder folder = target;
    for (const std::string& name : root.folders) {
      if (folder == nullptr) break;
      try {
        folder = TargetFolder::open_child(folder, name);
      } catch (const Error& error) {
        if (error.kind() != ErrorKind::kNotFound) throw;
        folder = nullptr;
      }
    }
    dry_run.begin(std::move(folder), root.is_target);
    walk_tree(root.node, repository, dry_run, stop);
  }
}

}  // namespace garner::restore
