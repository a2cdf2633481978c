#include "snapshot_files.h"

#include <sys/stat.h>

#include <algorithm>
#include <utility>

#include "base/bytes.h"
#include "base/error.h"
#include "snapshot/content_reader.h"
#include "snapshot/node.h"
#include "snapshots.h"
#include "store/state.h"
#include "timestamp.h"

namespace garner::daemon {

namespace {

constexpr std::size_t kMostKnown = 64;
// Then it is looked whether it is listed still, and where it is nearest.
constexpr std::chrono::seconds kLookIsGood{30};
// However deep a folder lies: each name on the way is looked at.
constexpr std::size_t kLongestPath = 256u << 10;
// Of a page of a folder: it ends behind the node with which it has so many, or so many bytes.
constexpr int kNodesInPage = 512;
constexpr std::size_t kBytesInPage = 256u << 10;

bool is_whole_id(const std::string& text) {
  return text.size() == 2 * sizeof(crypto::BlobId::value) &&
         text.find_first_not_of("0123456789abcdef") == std::string::npos;
}

struct FoundSnapshot {
  ChosenSnapshot chosen;
  std::string destination;
};

// By its whole id, at the nearest destination that lists it; no other is asked. Where asking costs something
// the last states will do, and only what none of them lists is asked for: whoever looks at many snapshots,
// one after the other, has the log listed once.
FoundSnapshot find_snapshot(Destinations& destinations, const std::string& id) {
  const Bytes wanted = from_hex(id);
  std::string trouble;
  for (const std::chrono::seconds good_for : {kLookIsGood, std::chrono::seconds(0)}) {
    trouble.clear();
    for (const catalog::DestinationFacts& facts : destinations.nearest_first()) {
      try {
        std::shared_ptr<store::Repository> repository = destinations.open(facts.name, good_for);
        const auto state = repository->state();
        const store::v1::SnapshotEntry* found = store::find_snapshot(*state, wanted);
        if (found != nullptr) return {{id, found->snapshot(), std::move(repository)}, facts.name};
      } catch (const Error& error) {
        trouble += std::string(trouble.empty() ? "" : "; ") + error.what();
      }
    }
  }
  if (!trouble.empty())
    throw Error(ErrorKind::kDestinationAway, "snapshot " + id + " cannot be looked for: " + trouble);
  throw Error(ErrorKind::kNotFound, "there is no snapshot " + id + " any more");
}

mode_t type_bits(store::v1::NodeType type) {
  switch (type) {
    case store::v1::NODE_TYPE_FILE:
      return S_IFREG;
    case store::v1::NODE_TYPE_FOLDER:
      return S_IFDIR;
    case store::v1::NODE_TYPE_SYMLINK:
      return S_IFLNK;
    case store::v1::NODE_TYPE_BLOCK_DEVICE:
      return S_IFBLK;
    case store::v1::NODE_TYPE_CHARACTER_DEVICE:
      return S_IFCHR;
    case store::v1::NODE_TYPE_FIFO:
      return S_IFIFO;
    case store::v1::NODE_TYPE_SOCKET:
      return S_IFSOCK;
    default:
      throw Error(ErrorKind::kNewerFormat, "a node of a type that this version does not know");
  }
}

std::string last_name(const std::string& path) { return path.substr(path.rfind('/') + 1); }

v1::FileNode to_file_node(const snapshot::Place& place) {
  const store::v1::Node& node = place.node;
  v1::FileNode message;
  message.set_name(last_name(place.path));
  message.set_mode(type_bits(node.type()) | node.mode());
  message.set_uid(node.uid());
  message.set_gid(node.gid());
  *message.mutable_mtime() = to_timestamp(snapshot::from_proto(node.mtime()));
  message.set_size(node.size());
  message.set_target(node.target());
  message.set_device_major(node.device_major());
  message.set_device_minor(node.device_minor());
  message.set_on_the_way(place.on_the_way);
  message.set_has_xattrs(node.xattrs_size() > 0);
  if (node.links() > 1) {
    message.set_links(node.links());
    message.set_source(place.source);
    message.set_mount(node.mount());
    message.set_inode(node.inode());
  }
  return message;
}

}  // namespace

SnapshotFiles::Opened SnapshotFiles::open(const std::string& id) {
  if (!is_whole_id(id))
    throw Error(ErrorKind::kInvalidInput, "\"" + printable(id) + "\" is no snapshot's whole id");
  const auto now = std::chrono::steady_clock::now();
  {
    const std::lock_guard lock(mutex_);
    const auto known =
        std::find_if(known_.begin(), known_.end(), [&](const Known& one) { return one.id == id; });
    if (known != known_.end() && now - known->looked < kLookIsGood) {
      known_.splice(known_.begin(), known_, known);
      if (auto repository = known->repository.lock())
        return {id, known->layout, std::move(repository), known->destination};
    }
  }
  FoundSnapshot found = find_snapshot(destinations_, id);
  Opened opened{id, std::make_shared<snapshot::Layout>(found.chosen.snapshot),
                std::move(found.chosen.repository), std::move(found.destination)};
  const std::lock_guard lock(mutex_);
  forget(id);
  known_.push_front({id, opened.layout, opened.repository, opened.destination, now});
  if (known_.size() > kMostKnown) known_.pop_back();
  return opened;
}

void SnapshotFiles::forget(const std::string& id) {
  known_.remove_if([&](const Known& one) { return one.id == id; });
}

template <typename Use>
auto SnapshotFiles::with(const std::string& id, const Use& use) {
  const Opened opened = open(id);
  try {
    return use(opened);
  } catch (const Error& error) {
    // Where it was found may be away now, and another destination have it.
    if (error.kind() != ErrorKind::kInvalidInput) {
      destinations_.note_doubt(opened.destination);
      const std::lock_guard lock(mutex_);
      forget(id);
    }
    throw;
  }
}

std::shared_ptr<const snapshot::Place> SnapshotFiles::find(const Opened& opened, const std::string& path) {
  if (path.size() > kLongestPath)
    throw Error(ErrorKind::kInvalidInput, "a path of more than " + std::to_string(kLongestPath) + " bytes");
  // Up to the nearest folder that is remembered, and from there down again.
  const std::string prefix = opened.id + "/";
  std::shared_ptr<const snapshot::Place> place;
  std::size_t known = path.size();
  for (;;) {
    place = nodes_.find(prefix + path.substr(0, known));
    if (place || known == 0) break;
    const std::size_t slash = path.rfind('/', known - 1);
    known = slash == std::string::npos ? 0 : slash;
  }
  if (!place) place = std::make_shared<snapshot::Place>(opened.layout->root());
  while (known < path.size()) {
    if (!place->is_folder()) return nullptr;
    const std::size_t begin = known == 0 ? 0 : known + 1;
    const std::size_t end = std::min(path.find('/', begin), path.size());
    std::optional<snapshot::Place> found =
        opened.layout->find(*place, path.substr(begin, end - begin), *opened.repository);
    if (!found) return nullptr;
    auto next = std::make_shared<snapshot::Place>(*std::move(found));
    const std::size_t cost = sizeof(*next) + 3 * next->path.size() + next->node.SpaceUsedLong();
    nodes_.add(prefix + next->path, next, cost);
    place = std::move(next);
    known = end;
  }
  return place;
}

std::shared_ptr<const snapshot::Place> SnapshotFiles::get(const Opened& opened, const std::string& path) {
  std::shared_ptr<const snapshot::Place> place = find(opened, path);
  if (!place) throw Error(ErrorKind::kNotFound, "the snapshot has no " + printable(path));
  return place;
}

v1::LookUpNodeResponse SnapshotFiles::look_up(const v1::LookUpNodeRequest& request, const std::string& zone) {
  std::string id = request.snapshot();
  if (!is_whole_id(id)) id = choose_snapshot(destinations_, id, zone).id;
  return with(id, [&](const Opened& opened) {
    v1::LookUpNodeResponse response;
    response.set_snapshot_id(id);
    const std::shared_ptr<const snapshot::Place> place = find(opened, request.path());
    if (!place) return response;
    v1::FileNode& node = *response.mutable_node() = to_file_node(*place);
    for (const store::v1::Xattr& xattr : place->node.xattrs()) {
      v1::FileXattr& added = *node.add_xattrs();
      added.set_name(xattr.name());
      added.set_value(xattr.value());
    }
    return response;
  });
}

v1::ReadFolderResponse SnapshotFiles::read_folder(const v1::ReadFolderRequest& request) {
  return with(request.snapshot(), [&](const Opened& opened) {
    const std::shared_ptr<const snapshot::Place> folder = get(opened, request.path());
    snapshot::Layout::Reader reader = opened.layout->read(*folder, request.after(), *opened.repository);
    v1::ReadFolderResponse response;
    std::size_t bytes = 0;
    while (std::optional<snapshot::Place> place = reader.next()) {
      if (response.nodes_size() == kNodesInPage || bytes > kBytesInPage) {
        response.set_more(true);
        break;
      }
      const v1::FileNode& added = *response.add_nodes() = to_file_node(*place);
      bytes += added.ByteSizeLong();
    }
    return response;
  });
}

v1::ReadContentResponse SnapshotFiles::read_content(const v1::ReadContentRequest& request) {
  return with(request.snapshot(), [&](const Opened& opened) {
    const std::shared_ptr<const snapshot::Place> file = get(opened, request.path());
    if (file->node.type() != store::v1::NODE_TYPE_FILE)
      throw Error(ErrorKind::kInvalidInput, printable(request.path()) + " is no file");
    v1::ReadContentResponse response;
    std::string& content = *response.mutable_content();
    const std::size_t wanted = std::min<std::size_t>(request.length(), kMostContent);
    if (wanted == 0) return response;
    const std::uint64_t size = file->node.size();
    content.reserve(static_cast<std::size_t>(
        std::min<std::uint64_t>(wanted, size - std::min<std::uint64_t>(size, request.offset()))));
    try {
      snapshot::ContentReader reader(*opened.repository, opened.repository->hasher());
      reader.begin(file->node, request.offset());
      while (content.size() < wanted) {
        const auto part = reader.next();
        if (!part) break;
        const auto taken =
            static_cast<std::size_t>(std::min<std::uint64_t>(part->length, wanted - content.size()));
        if (part->content) {
          content += as_text(part->content->first(taken));
        } else {
          content.append(taken, '\0');
        }
      }
    } catch (const Error& error) {
      throw error.in(printable(request.path()));
    }
    return response;
  });
}

}  // namespace garner::daemon
