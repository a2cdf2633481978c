#include "snapshot/layout.h"

#include <utility>

#include "base/bytes.h"
#include "base/error.h"
#include "snapshot/node.h"
#include "snapshot/snapshot.h"

namespace garner::snapshot {
namespace {

constexpr std::uint32_t kWayMode = 0755;  // as a restore makes them

std::string below(const std::string& folder, std::string_view name) {
  return folder.empty() ? std::string(name) : folder + "/" + std::string(name);
}

// The name in `folder` that leads to `path`, which lies below it; empty where it does not.
std::string_view name_towards(const std::string& folder, std::string_view path) {
  if (!folder.empty()) {
    if (!path.starts_with(folder) || path.size() <= folder.size() || path[folder.size()] != '/') return {};
    path.remove_prefix(folder.size() + 1);
  }
  return path.substr(0, path.find('/'));
}

void require_folder(const Place& place) {
  if (!place.is_folder()) throw Error(ErrorKind::kInvalidInput, printable(place.path) + " is no folder");
}

}  // namespace

Layout::Layout(const v1::Snapshot& snapshot) : snapshot_(snapshot) {
  validate(snapshot_);
  for (int number = 0; number < snapshot_.sources_size(); ++number) {
    const v1::Source& source = snapshot_.sources(number);
    const bool is_folder = source.root().type() == v1::NODE_TYPE_FOLDER;
    std::string path = source.path().substr(1);
    if (snapshot_.sources_size() == 1) path = is_folder ? "" : source.root().name();
    // The source "/" can be the root only.
    if (!is_folder && !is_valid_name(source.root().name())) {
      throw Error(ErrorKind::kDamaged,
                  "the root of a source that is no folder is called " + printable(source.root().name()));
    }
    sources_.push_back({std::move(path), static_cast<std::uint32_t>(number)});
  }
}

Place Layout::way(std::string path) const {
  Place place;
  place.path = std::move(path);
  place.node.set_type(v1::NODE_TYPE_FOLDER);
  place.node.set_mode(kWayMode);
  *place.node.mutable_mtime() = snapshot_.finished();
  place.on_the_way = true;
  return place;
}

Place Layout::source_at(const Laid& laid) const {
  return {laid.path, snapshot_.sources(static_cast<int>(laid.source)).root(), laid.source};
}

Place Layout::root() const {
  for (const Laid& laid : sources_) {
    if (laid.path.empty()) return source_at(laid);
  }
  return way("");
}

std::optional<std::string> Layout::path_of(const std::string& path) const {
  const v1::Source* const source = find_source(snapshot_, path);
  for (const Laid& laid : sources_) {
    if (&snapshot_.sources(static_cast<int>(laid.source)) != source) continue;
    const std::size_t begin = source->path() == "/" ? 1 : source->path().size() + 1;
    return begin < path.size() ? below(laid.path, path.substr(begin)) : laid.path;
  }
  return std::nullopt;
}

std::optional<Place> Layout::find(const Place& folder, std::string_view name,
                                  store::BlobSource& source) const {
  require_folder(folder);
  if (!is_valid_name(name)) return std::nullopt;
  std::string path = below(folder.path, name);
  bool leads_on = false;
  for (const Laid& laid : sources_) {
    if (laid.path == path) return source_at(laid);
    leads_on = leads_on || !name_towards(path, laid.path).empty();
  }
  if (!folder.on_the_way) {
    const auto tree = crypto::BlobId::from_bytes(as_bytes(folder.node.tree()));
    std::optional<NamedNode> found = find_in_tree(source, tree, name);
    if (found && (!leads_on || found->node.type() == v1::NODE_TYPE_FOLDER))
      return Place{std::move(path), std::move(found->node), folder.source};
  }
  if (leads_on) return way(std::move(path));
  return std::nullopt;
}

Layout::Reader Layout::read(const Place& folder, std::string_view after, store::BlobSource& source) const {
  require_folder(folder);
  Reader reader;
  reader.folder_ = folder.path;
  reader.source_ = folder.source;
  if (!folder.on_the_way) {
    const auto tree = crypto::BlobId::from_bytes(as_bytes(folder.node.tree()));
    reader.tree_.emplace(source, tree, after);
  }
  for (const Laid& laid : sources_) {
    const std::string name(name_towards(folder.path, laid.path));
    if (name.empty() || name <= after) continue;
    std::string path = below(folder.path, name);
    if (path == laid.path) {
      reader.others_.insert_or_assign(name, source_at(laid));
    } else {
      reader.others_.try_emplace(name, way(std::move(path)));
    }
  }
  return reader;
}

std::optional<Place> Layout::Reader::next() {
  if (tree_ && !ready_) {
    std::optional<NamedNode> named = tree_->next();
    if (named) {
      ready_ = std::move(named->node);
    } else {
      tree_.reset();
    }
  }
  const auto other = others_.begin();
  if (other != others_.end() && (!ready_ || other->first <= ready_->name())) {
    Place place = std::move(other->second);
    const bool is_in_tree = ready_ && other->first == ready_->name();
    others_.erase(other);
    if (!is_in_tree) return place;
    v1::Node node = *std::exchange(ready_, std::nullopt);
    // A folder of the tree on the way to a source is itself.
    if (!place.on_the_way || node.type() != v1::NODE_TYPE_FOLDER) return place;
    return Place{std::move(place.path), std::move(node), source_};
  }
  if (!ready_) return std::nullopt;
  v1::Node node = *std::exchange(ready_, std::nullopt);
  std::string path = below(folder_, node.name());
  return Place{std::move(path), std::move(node), source_};
}

}  // namespace garner::snapshot
