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
// silence; what it could read and this one cannot is told.
class FolderFinisher final : public TreeVisitor {
 public:
  FolderFinisher(Report& report, const LeftOut& left_out) : report_(report), left_out_(left_out) {}

  // As TreeWriter::begin.
  void begin(std::shared_ptr<TargetFolder> folder, bool is_target);

  bool enter(const v1::Node& folder) override;
  void leave(const v1::Node& folder) override;
  void visit(const v1::Node& node) override;
  void unreadable(const Error& error) override;

 private:
  Report& report_;
  const LeftOut& left_out_;
  std::shared_ptr<TargetFolder> base_;
  bool is_target_ = false;
  std::vector<std::shared_ptr<TargetFolder>> folders_;
};

}  // namespace garner::restore
