#include "browse/archive.h"

#include <sys/stat.h>

#include <utility>

namespace garner::client::browse {

void Archive::check(const grpc::Status& status) const {
  if (status.error_code() == grpc::StatusCode::UNAVAILABLE)
    throw Failure(kExitUnreachable, status.error_message(), "When it is back, all goes on here.");
  session_.check(status);
}

template <typename Request, typename Response>
Response Archive::ask(grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*),
                      const Request& request) {
  Operation operation(link_);
  Response response;
  check(link_.call(operation, method, request, response));
  return response;
}

v1::ListSnapshotsResponse Archive::list(const v1::ListSnapshotsRequest& request) {
  Operation operation(link_);
  v1::ListSnapshotsResponse list;
  check(link_.call(operation, &Stub::ListSnapshots, request, list));
  return list;
}

std::optional<v1::FileNode> Archive::look_up(const std::string& snapshot, const std::string& laid_out) {
  v1::LookUpNodeRequest request;
  request.set_snapshot(snapshot);
  request.set_path(laid_out);
  v1::LookUpNodeResponse response = ask(&Stub::LookUpNode, request);
  if (!response.has_node()) return std::nullopt;
  return std::move(*response.mutable_node());
}

const SnapshotLayout& Archive::layout(const v1::SnapshotInfo& snapshot) {
  const auto known = layouts_.find(snapshot.id());
  if (known != layouts_.end()) return known->second;
  // The root is the only source, or a folder that is made up to hold it.
  bool is_folder = false;
  if (snapshot.sources_size() == 1) {
    const auto root = look_up(snapshot.id(), "");
    is_folder = root && !root->on_the_way();
  }
  return layouts_.emplace(snapshot.id(), SnapshotLayout(snapshot, is_folder)).first->second;
}

bool Archive::has_folder(const v1::SnapshotInfo& snapshot, const std::string& path) {
  const auto laid_out = layout(snapshot).laid_out(path);
  if (!laid_out) return false;
  const auto node = look_up(snapshot.id(), *laid_out);
  return node && S_ISDIR(node->mode());
}

std::optional<Archive::FolderContent> Archive::folder(const v1::SnapshotInfo& snapshot,
                                                      const std::string& path,
                                                      const std::function<void(std::size_t)>& told) {
  if (!has_folder(snapshot, path)) return std::nullopt;
  v1::ReadFolderRequest request;
  request.set_snapshot(snapshot.id());
  request.set_path(layout(snapshot).laid_out(path).value());
  FolderContent content;
  std::vector<v1::FileNode>& nodes = content.nodes;
  std::size_t bytes = 0;
  while (true) {
    v1::ReadFolderResponse page = ask(&Stub::ReadFolder, request);
    bytes += page.ByteSizeLong();
    const std::size_t before = nodes.size();
    for (v1::FileNode& node : *page.mutable_nodes()) nodes.push_back(std::move(node));
    content.is_cut = page.more() && nodes.size() > before;
    if (!content.is_cut || nodes.size() >= kMostEntries || bytes >= kMostBytes) return content;
    if (nodes.size() / kTellEvery != before / kTellEvery) told(nodes.size());
    request.set_after(nodes.back().name());
  }
}

std::string Archive::content(const v1::SnapshotInfo& snapshot, const std::string& path, std::size_t most) {
  v1::ReadContentRequest request;
  request.set_snapshot(snapshot.id());
  request.set_path(layout(snapshot).laid_out(path).value_or(""));
  request.set_length(static_cast<std::uint32_t>(most));
  return std::move(*ask(&Stub::ReadContent, request).mutable_content());
}

v1::Run Archive::start_restore(const v1::StartRestoreRequest& request) {
  // Once: nobody knows whether a daemon that has gone away meanwhile has begun it.
  const std::shared_ptr<Stub> daemon = link_.stub();
  grpc::ClientContext context;
  v1::Run run;
  const grpc::Status status = daemon->StartRestore(&context, request, &run);
  if (DaemonLink::is_broken(status)) {
    link_.drop(daemon);
    throw Failure(kExitUnreachable, "the daemon went away: " + status.error_message(),
                  "Whether it has begun the restore is not known: see garner runs.");
  }
  check(status);
  return run;
}

}  // namespace garner::client::browse
