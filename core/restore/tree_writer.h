// The first pass of a restore: makes folders, files, links and special files in the order of the tree, and
// hands the content of files to a ContentWriter. Folders are kept to their owner (0700) until the second
// pass.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <unordered_set>
#include <vector>

#include "restore/content_writer.h"
#include "restore/existing.h"
#include "restore/hard_links.h"
#include "restore/metadata.h"
#include "restore/report.h"
#include "restore/tree_walk.h"

namespace garner::restore {

// Paths, by a hash of them, of folders whose content was left out, so that the second pass says nothing about
// them.
using LeftOut = std::unordered_set<std::size_t>;
// What stands in it for a folder of which not everything could be read: what is left was left out.
inline std::size_t rest_of(const std::string& folder) { return std::hash<std::string>()(folder + "/"); }

// One thread.
class TreeWriter final : public TreeVisitor {
 public:
  TreeWriter(const RestoreOptions& options, ContentWriter& content, HardLinks& links, Report& report,
             LeftOut& left_out)
      : options_(options), content_(content), links_(links), report_(report), left_out_(left_out) {}

  // What is walked next lands in `folder`: the root under its name, or, if it is a folder and `is_target`,
  // its content.
  void begin(std::uint32_t source, std::shared_ptr<TargetFolder> folder, bool is_target);

  bool enter(const v1::Node& folder) override;
  void leave(const v1::Node& folder) override;
  void visit(const v1::Node& node) override;
  void unreadable(const Error& error) override;

 private:
  // A folder of the target, held open.
  struct Place {
    const std::shared_ptr<TargetFolder>& folder;
    int fd;
    bool is_new;
  };
  struct Entered {
    std::shared_ptr<TargetFolder> folder;
    bool is_new;  // made by this restore just now: there is nothing in it
  };
  Entered make_folder(const std::shared_ptr<TargetFolder>& parent, const v1::Node& node);
  void restore(const Place& place, const v1::Node& node);
  // True if nothing more is to be done: the node is one more name of a file that was restored already.
  bool restore_link(const Place& place, const v1::Node& node, const std::optional<struct stat>& existing);
  // What is right already: looks at its metadata, unless what is there is to stay as it is.
  void adopt(const Place& place, const v1::Node& node, const struct stat& existing);
  // Makes way for the node. Whether what is there is replaced when the node is complete: a folder is not, and
  // goes at once, if it is empty.
  bool make_room(const Place& place, const v1::Node& node, const std::optional<struct stat>& existing);
  void create_file(const Place& place, const v1::Node& node, bool is_temporary);
  void create_special(const Place& place, const v1::Node& node, bool is_temporary);
  void report_skipped(const v1::Node& node);
  Complain complain(const Place& place, const v1::Node& node);

  const RestoreOptions& options_;
  ContentWriter& content_;
  HardLinks& links_;
  Report& report_;
  LeftOut& left_out_;
  std::uint32_t source_ = 0;
  std::shared_ptr<TargetFolder> base_;
  bool is_target_ = false;
  std::vector<Entered> folders_;
};

}  // namespace garner::restore
