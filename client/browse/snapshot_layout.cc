#include "browse/snapshot_layout.h"

#include <algorithm>

#include "source_path.h"

namespace garner::client::browse {
std::string below(const std::string& folder, std::string_view name) {
  if (name.empty()) return folder;
  return std::string(folder == "/" ? "" : folder).append("/").append(name);
}

std::string parent_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return slash == 0 || slash == std::string::npos ? "/" : path.substr(0, slash);
}

std::string name_of(const std::string& path) { return path.substr(path.rfind('/') + 1); }

bool is_same_or_inside(std::string_view path, std::string_view folder) {
  if (folder == "/" || path == folder) return true;
  return path.size() > folder.size() && path.starts_with(folder) && path[folder.size()] == '/';
}

std::string_view relative_to(std::string_view path, std::string_view folder) {
  if (path == folder) return {};
  return path.substr(folder == "/" ? 1 : folder.size() + 1);
}

SnapshotLayout::SnapshotLayout(const v1::SnapshotInfo& snapshot, bool only_source_is_folder) {
  for (const std::string& source : snapshot.sources()) sources_.push_back(from_printable(source));
  if (sources_.size() == 1) root_ = only_source_is_folder ? sources_[0] : parent_of(sources_[0]);
}

std::optional<std::string> SnapshotLayout::laid_out(const std::string& machine_path) const {
  if (!is_same_or_inside(machine_path, root_)) return std::nullopt;
  return std::string(relative_to(machine_path, root_));
}

bool SnapshotLayout::is_in_source(const std::string& machine_path) const {
  return std::any_of(sources_.begin(), sources_.end(),
                     [&](const std::string& source) { return is_same_or_inside(machine_path, source); });
}

bool SnapshotLayout::leads_to_source(const std::string& machine_path) const {
  return std::any_of(sources_.begin(), sources_.end(),
                     [&](const std::string& source) { return is_same_or_inside(source, machine_path); });
}

}  // namespace garner::client::browse
