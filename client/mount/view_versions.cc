// versions/ of a mount.
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <map>
#include <utility>

#include "mount/version_names.h"
#include "mount/view.h"
#include "source_path.h"

namespace garner::client::mount {
namespace {

std::string path_below(const std::string& folder, const std::string& name) {
  return folder == "/" ? folder + name : folder + "/" + name;
}

}  // namespace

View::Versions View::versions(Operation& operation, const std::string& path,
                              const std::vector<std::string>& snapshots) {
  v1::ListVersionsRequest request;
  request.set_path(path);
  request.mutable_names()->Add(snapshots.begin(), snapshots.end());
  if (snapshots.empty() && !only_.empty()) {
    // One that was forgotten meanwhile cannot be asked for.
    const auto known = names(operation);
    for (const auto& [set, scope] : known->scopes)
      request.mutable_names()->Add(scope.names.begin(), scope.names.end());
    if (request.names().empty()) return std::make_shared<const v1::ListVersionsResponse>();
  }
  std::string asked = request.SerializeAsString();
  {
    const std::lock_guard lock(mutex_);
    if (versions_ && versions_asked_ == asked &&
        std::chrono::steady_clock::now() - versioned_ < kNamesAreGoodFor)
      return versions_;
  }
  v1::ListVersionsResponse response;
  const grpc::Status status = link_.call(operation, &Stub::ListVersions, request, response);
  if (status.error_code() != grpc::StatusCode::NOT_FOUND) heed(status);
  for (const v1::VersionError& error : response.errors())
    tell("snapshot " + error.snapshot().substr(0, 12) + " could not be looked into: " + error.error());
  if (response.versions().empty() && !response.errors().empty()) throw FileError(EIO);
  auto found = std::make_shared<const v1::ListVersionsResponse>(std::move(response));
  const std::lock_guard lock(mutex_);
  versions_asked_ = std::move(asked);
  versions_ = found;
  versioned_ = std::chrono::steady_clock::now();
  return found;
}

std::optional<Entry> View::version_entry(Operation& operation, const Location& location, const Entry& folder,
                                         const std::string& name) {
  const auto found = node_at(operation, location.snapshot, location.path);
  if (!found.has_node()) return std::nullopt;
  Entry entry = entry_inside(found.node(), location.root, folder, name);
  entry.role = Role::kVersion;
  entry.location = std::make_shared<const Location>(location);
  // Its other names are not here.
  entry.status.st_nlink = 1;
  entry.status.st_ino = numbers_.of_name(folder.status.st_ino, name);
  return entry;
}

std::optional<Entry> View::look_up_path(Operation& operation, const std::shared_ptr<const Node>& folder,
                                        const std::string& name) {
  const std::string path = source_path(*folder);
  if (may_be_version(name)) {
    const auto known = version_names(*versions(operation, path));
    const auto found = known.find(name);
    if (found != known.end()) return version_entry(operation, found->second, folder->entry, name);
  }
  const std::string below = path_below(path, name);
  const auto known = names(operation);
  const bool leads_to_source =
      std::any_of(known->scopes.begin(), known->scopes.end(), [&](const auto& scope) {
        return std::any_of(scope.second.sources.begin(), scope.second.sources.end(),
                           [&](const std::string& source) { return is_same_or_below(source, below); });
      });
  if (!leads_to_source && versions(operation, below)->versions().empty()) return std::nullopt;
  return folder_entry(Role::kPath, folder->entry, name);
}

Listing::Page View::list_path(Operation& operation, const std::shared_ptr<const Node>& folder,
                              const std::string& after) {
  const Entry& above = folder->entry;
  const std::string path = source_path(*folder);
  const auto known = names(operation);
  const Versions all = versions(operation, path);

  std::map<std::string, Listing::Item> items;
  const auto add_path = [&](const std::string& name) {
    if (name > after) items.try_emplace(name, Listing::Item{name, folder_entry(Role::kPath, above, name)});
  };
  for (const auto& [name, location] : version_names(*all)) {
    if (name <= after) continue;
    // Of which type it is somebody asks who wants to know.
    Entry entry = folder_entry(Role::kVersion, above, name);
    entry.status.st_mode = 0;
    items.try_emplace(name, Listing::Item{name, std::move(entry), false});
  }

  std::vector<const SnapshotNames::Scope*> sets;  // that have the path in their sources
  for (const auto& [set, scope] : known->scopes) {
    bool has_path = false;
    for (const std::string& source : scope.sources) {
      add_path(std::string(name_towards(path, source)));
      has_path = has_path || is_same_or_below(path, source);
    }
    if (has_path) sets.push_back(&scope);
  }

  std::optional<std::string> end;  // behind it some set has more
  for (const SnapshotNames::Scope* set : sets) {
    const Versions of_set = sets.size() == 1 ? all : versions(operation, path, set->names);
    const v1::FileVersion* const newest = newest_folder(*of_set);
    if (newest == nullptr) continue;
    v1::ReadFolderRequest request;
    request.set_snapshot(newest->last_snapshot());
    request.set_path(newest->layout_path());
    request.set_after(after);
    const auto response = ask(operation, &Stub::ReadFolder, request);
    for (const v1::FileNode& node : response.nodes()) add_path(node.name());
    if (!response.more() || response.nodes().empty()) continue;
    const std::string& last = response.nodes().rbegin()->name();
    if (!end || last < *end) end = last;
  }
  if (end) items.erase(items.upper_bound(*end), items.end());

  Listing::Page page;
  page.more = end.has_value();
  for (auto& item : items) page.items.push_back(std::move(item.second));
  return page;
}

}  // namespace garner::client::mount
