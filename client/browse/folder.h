// What is in a folder of a snapshot, as rows in name order, with marks of what changed since the snapshot
// before; among them what was removed since. It may be of a million names: no key that is pressed copies or
// sorts them. One thread.
#pragma once

#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "browse/folder_changes.h"
#include "garner/v1/service.pb.h"

namespace garner::client::browse {

class Folder {
 public:
  // Valid until the folder is given other nodes or changes, or is filtered.
  struct Row {
    const v1::FileNode* node;  // of what was removed: name, type and size only
    Mark mark = Mark::kNone;

    bool is_folder() const;
    bool is_file() const;
    bool is_removed() const { return mark == Mark::kRemoved; }
  };

  Folder() = default;
  Folder(Folder&&) = default;
  Folder& operator=(Folder&&) = default;

  // `nodes`: in name order.
  void set_nodes(std::vector<v1::FileNode> nodes);
  void set_changes(FolderChanges changes);
  // Words that are all to be found in a name, capitals or not.
  void filter(const std::string& words);
  const std::string& filter() const { return filter_; }

  const std::vector<Row>& rows() const { return rows_; }
  std::optional<std::size_t> find(const std::string& name) const;
  std::size_t size() const { return nodes_.size(); }  // without what was removed

 private:
  void lay_out();

  std::vector<v1::FileNode> nodes_;
  FolderChanges changes_;
  std::deque<v1::FileNode> removed_;  // those that have a row
  std::string filter_;
  std::vector<Row> rows_;
};

// "-rw-r--r--"
std::string mode_text(std::uint32_t mode);

}  // namespace garner::client::browse
