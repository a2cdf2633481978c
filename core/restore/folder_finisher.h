// The second pass of a restore, after all content: gives folders their metadata, each after everything in it,
// and sets the flags that protect files and folders, after which nothing in them can change.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "restore/report.h"
#include "restore/target_folder.h"
#include "restore/tree_walk.h"
#include "restore/tree_writer.h"

namespace garner::restore {

// One thread. What the first pass could not restore, such as what is in `left_out`, is passed over in
// silence; what it could read and this one cannot is told. Folders that the policy keeps as they are stay so.
class FolderFinisher final : public TreeVisitor {
 public:
  // `target_is_new`: the target was empty when the restore began.
  FolderFinisher(const RestoreOptions& options, bool target_is_new, Report& report, const LeftOut& left_out)
      : options_(options), target_is_new_(target_is_new), report_(report), left_out_(left_out) {}

  // As TreeWriter::begin.
  void begin(std::shared_ptr<TargetFolder> folder, bool is_target);

  bool enter(const v1::Node& folder) override;
  void leave(const v1::Node& folder) override;
  void visit(const v1::Node& node) override;
  void unreadable(const Error& error) override;

 private:
  bool is_kept(int folder_fd, bool is_target) const;

  const RestoreOptions& options_;
  const bool target_is_new_;
  Report& report_;
  const LeftOut& left_out_;
  std::shared_ptr<TargetFolder> base_;
  bool is_target_ = false;
  std::vector<std::shared_ptr<TargetFolder>> folders_;
};

}  // namespace garner::restore
