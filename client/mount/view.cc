#include "mount/view.h"

#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <utility>

#include "text.h"

namespace garner::client::mount {
namespace {

constexpr std::size_t kMostContent = 1u << 20;  // that the daemon gives at once
constexpr std::size_t kMostTold = 1000;
constexpr unsigned kBlock = 512;  // what st_blocks counts

// As nobody's file is: of who has mounted.
void own(struct stat& status, std::time_t time) {
  status.st_uid = geteuid();
  status.st_gid = getegid();
  status.st_nlink = 1;
  status.st_mtim.tv_sec = time;
  status.st_ctim = status.st_atim = status.st_mtim;
}

Listing::Item named(const std::string& name, Entry entry) { return {name, std::move(entry), true}; }

// What comes behind `after`, all of it.
template <typename Map, typename Make>
Listing::Page page_of(const Map& map, const std::string& after, const Make& make) {
  Listing::Page page;
  for (auto one = map.upper_bound(after); one != map.end(); ++one)
    page.items.push_back(make(one->first, one->second));
  return page;
}

int error_number(grpc::StatusCode code) {
  switch (code) {
    case grpc::StatusCode::NOT_FOUND:
      return ENOENT;
    case grpc::StatusCode::PERMISSION_DENIED:
    case grpc::StatusCode::UNAUTHENTICATED:
      return EACCES;
    default:
      return EIO;
  }
}

}  // namespace

View::View(DaemonLink& link, std::set<std::string> only) : link_(link), only_(std::move(only)) {}

void View::tell(const std::string& trouble) {
  const std::lock_guard lock(mutex_);
  if (told_.size() == kMostTold) told_.clear();
  if (told_.insert(trouble).second) std::fprintf(stderr, "garner: %s\n", printable(trouble).c_str());
}

void View::heed(const grpc::Status& status) {
  if (status.error_code() == grpc::StatusCode::CANCELLED) throw FileError(EINTR);
  const bool is_away = status.error_code() == grpc::StatusCode::UNAVAILABLE;
  bool was_away = false;
  {
    const std::lock_guard lock(mutex_);
    was_away = std::exchange(is_away_, is_away);
  }
  if (is_away != was_away) {
    std::fprintf(stderr, "garner: %s\n",
                 is_away
                     ? printable(status.error_message() + "; it is asked again when somebody reads").c_str()
                     : "the daemon answers again");
  }
  if (status.ok()) return;
  if (!is_away) tell(status.error_message());
  throw FileError(error_number(status.error_code()));
}

std::shared_ptr<const SnapshotNames> View::names(Operation& operation) {
  {
    const std::lock_guard lock(mutex_);
    if (names_ && std::chrono::steady_clock::now() - named_ < kNamesAreGoodFor) return names_;
  }
  v1::ListSnapshotsResponse list;
  heed(link_.call(operation, &Stub::ListSnapshots, v1::ListSnapshotsRequest(), list));
  auto found = std::make_shared<const SnapshotNames>(list, only_);
  const std::lock_guard lock(mutex_);
  names_ = found;
  named_ = std::chrono::steady_clock::now();
  return found;
}

v1::LookUpNodeResponse View::node_at(Operation& operation, const std::string& snapshot, std::string path) {
  v1::LookUpNodeRequest request;
  request.set_snapshot(snapshot);
  request.set_path(std::move(path));
  return ask(operation, &Stub::LookUpNode, request);
}

Entry View::top() const { return folder_entry(Role::kTop, {}, ""); }

Entry View::folder_entry(Role role, const Entry& above, const std::string& name) const {
  Entry entry;
  entry.role = role;
  own(entry.status, begun_);
  // Below versions/ nothing is guarded by the modes that folders had: it is for the one who has mounted.
  entry.status.st_mode = S_IFDIR | (role == Role::kVersions ? 0500 : 0555);
  entry.status.st_ino = numbers_.of_name(above.status.st_ino, name);
  return entry;
}

Entry View::link_entry(const Entry& set, const std::string& name, const SnapshotNames::Link& link) const {
  Entry entry;
  entry.role = Role::kLink;
  own(entry.status, link.time.seconds());
  entry.status.st_mode = S_IFLNK | 0777;
  entry.status.st_ino = numbers_.of_name(set.status.st_ino, name);
  entry.status.st_size = static_cast<off_t>(link.target.size());
  entry.reference = link.target;
  return entry;
}

Entry View::snapshot_entry(const v1::FileNode& node, const Entry& above, const std::string& name,
                           const std::string& id) const {
  Entry entry = entry_inside(node, 0, above, name);
  entry.role = Role::kSnapshot;
  entry.reference = id;
  return entry;
}

Entry View::entry_inside(const v1::FileNode& node, std::uint64_t root, const Entry& folder,
                         const std::string& name) const {
  Entry entry;
  struct stat& status = entry.status;
  own(status, node.mtime().seconds());
  status.st_mtim.tv_nsec = node.mtime().nanos();
  status.st_ctim = status.st_atim = status.st_mtim;
  status.st_mode = node.mode();
  if (!node.on_the_way()) {
    status.st_uid = node.uid();
    status.st_gid = node.gid();
  }
  const bool is_link = S_ISLNK(status.st_mode);
  status.st_size = static_cast<off_t>(is_link ? node.target().size() : node.size());
  status.st_blocks = static_cast<blkcnt_t>((node.size() + kBlock - 1) / kBlock);
  status.st_rdev = makedev(node.device_major(), node.device_minor());
  if (node.links() > 1) {
    status.st_nlink = node.links();
    status.st_ino = numbers_.of_links({root, node.source(), node.mount(), node.inode(), node.size(),
                                       node.mtime().seconds(), node.mtime().nanos()});
  } else {
    status.st_ino = numbers_.of_name(folder.status.st_ino, name);
  }
  if (is_link) entry.reference = node.target();
  entry.has_xattrs = node.has_xattrs();
  return entry;
}

std::optional<Entry> View::look_up(Operation& operation, const std::shared_ptr<const Node>& folder,
                                   const std::string& name) {
  const Entry& above = folder->entry;
  switch (above.role) {
    case Role::kTop:
      if (name == "snapshots") return folder_entry(Role::kSnapshots, above, name);
      if (name == "sets") return folder_entry(Role::kSets, above, name);
      if (name == "versions") return folder_entry(Role::kVersions, above, name);
      return std::nullopt;
    case Role::kSnapshots: {
      const auto known = names(operation);
      const auto found = known->snapshots.find(name);
      if (found == known->snapshots.end()) return std::nullopt;
      return snapshot_entry(node_at(operation, found->second, "").node(), above, name, found->second);
    }
    case Role::kSets:
      if (!names(operation)->sets.contains(name)) return std::nullopt;
      return folder_entry(Role::kSet, above, name);
    case Role::kSet: {
      const auto known = names(operation);
      const auto set = known->sets.find(folder->name);
      if (set == known->sets.end()) return std::nullopt;
      const auto found = set->second.find(name);
      if (found == set->second.end()) return std::nullopt;
      return link_entry(above, name, found->second);
    }
    case Role::kLink:
    case Role::kVersion:
      return std::nullopt;
    case Role::kVersions:
    case Role::kPath:
      return look_up_path(operation, folder, name);
    case Role::kSnapshot:
    case Role::kInside:
      break;
  }
  const Location location = locate(folder);
  const auto found = node_at(operation, location.snapshot, path_in(location, name));
  if (!found.has_node()) return std::nullopt;
  return entry_inside(found.node(), location.root, above, name);
}

Listing::Page View::list(Operation& operation, const std::shared_ptr<const Node>& folder,
                         const std::string& after) {
  const Entry& above = folder->entry;
  switch (above.role) {
    case Role::kTop: {
      const std::map<std::string, Role> roles{
          {"sets", Role::kSets}, {"snapshots", Role::kSnapshots}, {"versions", Role::kVersions}};
      return page_of(roles, after, [&](const std::string& name, Role role) {
        return named(name, folder_entry(role, above, name));
      });
    }
    case Role::kSnapshots:
      // What they are made of is asked for one by one, when somebody wants to know.
      return page_of(names(operation)->snapshots, after, [&](const std::string& name, const std::string&) {
        return Listing::Item{name, folder_entry(Role::kSnapshot, above, name), false};
      });
    case Role::kSets:
      return page_of(names(operation)->sets, after, [&](const std::string& name, const auto&) {
        return named(name, folder_entry(Role::kSet, above, name));
      });
    case Role::kSet: {
      const auto known = names(operation);
      const auto set = known->sets.find(folder->name);
      if (set == known->sets.end()) return {};
      return page_of(set->second, after, [&](const std::string& name, const SnapshotNames::Link& link) {
        return named(name, link_entry(above, name, link));
      });
    }
    case Role::kLink:
    case Role::kVersion:
      throw FileError(ENOTDIR);
    case Role::kVersions:
    case Role::kPath:
      return list_path(operation, folder, after);
    case Role::kSnapshot:
    case Role::kInside:
      break;
  }
  const Location location = locate(folder);
  v1::ReadFolderRequest request;
  request.set_snapshot(location.snapshot);
  request.set_path(location.path);
  request.set_after(after);
  const auto response = ask(operation, &Stub::ReadFolder, request);
  Listing::Page page;
  for (const v1::FileNode& node : response.nodes())
    page.items.push_back(named(node.name(), entry_inside(node, location.root, above, node.name())));
  page.more = response.more() && !page.items.empty();
  return page;
}

std::string View::read(Operation& operation, const std::shared_ptr<const Node>& file, std::uint64_t offset,
                       std::size_t length) {
  const Location location = locate(file);
  const auto size = static_cast<std::uint64_t>(file->entry.status.st_size);
  if (offset >= size) return {};
  length = static_cast<std::size_t>(std::min<std::uint64_t>(length, size - offset));
  v1::ReadContentRequest request;
  request.set_snapshot(location.snapshot);
  request.set_path(location.path);
  std::string content;
  while (content.size() < length) {
    request.set_offset(offset + content.size());
    request.set_length(static_cast<std::uint32_t>(std::min(length - content.size(), kMostContent)));
    auto response = ask(operation, &Stub::ReadContent, request);
    if (response.content().empty() || response.content().size() > request.length()) throw FileError(EIO);
    if (content.empty()) {
      content = std::move(*response.mutable_content());
    } else {
      content += response.content();
    }
  }
  return content;
}

std::vector<Xattr> View::xattrs(Operation& operation, const std::shared_ptr<const Node>& node) {
  if (!node->entry.has_xattrs) return {};
  const Location location = locate(node);
  auto found = node_at(operation, location.snapshot, location.path);
  std::vector<Xattr> all;
  for (v1::FileXattr& xattr : *found.mutable_node()->mutable_xattrs())
    all.push_back({std::move(*xattr.mutable_name()), std::move(*xattr.mutable_value())});
  return all;
}

}  // namespace garner::client::mount
