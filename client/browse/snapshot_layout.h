// Where the content of a snapshot lies: its paths as the daemon lays them out for reading, beside those of
// the machine, which are the same in every snapshot, whatever sources it has. A value.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "garner/v1/service.pb.h"

namespace garner::client::browse {

// Of paths of the machine, absolute and normal.
std::string below(const std::string& folder, std::string_view name);
std::string parent_of(const std::string& path);  // "/" of "/"
std::string name_of(const std::string& path);    // empty of "/"
bool is_same_or_inside(std::string_view path, std::string_view folder);
// The part of `path` behind the folder that it is in; empty for the folder itself.
std::string_view relative_to(std::string_view path, std::string_view folder);

class SnapshotLayout {
 public:
  // `only_source_is_folder`: counts where there is one source; then its content is what is laid out, and
  // otherwise it.
  SnapshotLayout(const v1::SnapshotInfo& snapshot, bool only_source_is_folder);

  // What the layout's root stands for on the machine.
  const std::string& root() const { return root_; }
  // Nothing where it is not below the root.
  std::optional<std::string> laid_out(const std::string& machine_path) const;
  // Whether it is a source, or in one: what is not, leads to sources at most, and is in no snapshot itself.
  bool is_in_source(const std::string& machine_path) const;
  bool leads_to_source(const std::string& machine_path) const;

 private:
  std::vector<std::string> sources_;
  std::string root_ = "/";
};

}  // namespace garner::client::browse
