#include "snapshot/find.h"

#include <algorithm>
#include <string_view>

#include "base/bytes.h"
#include "crypto/hash.h"
#include "snapshot/node.h"
#include "snapshot/parse.h"
#include "snapshot/tree.h"

namespace garner::snapshot {
namespace {

bool is_within(std::string_view path, std::string_view folder) {
  if (folder == "/") return true;
  return path.starts_with(folder) && (path.size() == folder.size() || path[folder.size()] == '/');
}

std::vector<PlacePair> side_by_side(const std::vector<PlacedNode>& before,
                                    const std::vector<PlacedNode>& after) {
  std::map<std::string, PlacePair> by_path;
  for (const PlacedNode& place : before) by_path[place.path].before = place;
  for (const PlacedNode& place : after) by_path[place.path].after = place;
  std::vector<PlacePair> pairs;
  for (auto& [path, pair] : by_path) pairs.push_back(std::move(pair));
  return pairs;
}

}  // namespace

Find::Find(std::vector<Where> snapshots, std::string below, FindVisitor visitor, FindBounds bounds)
    : snapshots_(std::move(snapshots)),
      below_(std::move(below)),
      visitor_(std::move(visitor)),
      bounds_(bounds) {}

bool Find::step() {
  if (now_ == snapshots_.size()) return false;
  if (!walk_) {
    after_ = places_in(snapshots_[now_]);
    begin(now_ == 0);
  } else if (walk_->step()) {
    if (is_interrupted_) {
      leave_all();
      begin(true);
    }
  } else {
    walk_.reset();
    before_ = std::move(after_);
    ++now_;
    if (now_ == snapshots_.size()) leave_all();
  }
  return true;
}

void Find::begin(bool alone) {
  is_alone_ = alone;
  is_interrupted_ = false;
  places_ = side_by_side(alone ? std::vector<PlacedNode>() : before_, after_);
  walk_.emplace(places_, *snapshots_[alone ? now_ : now_ - 1].source, *snapshots_[now_].source,
                PairVisitor{[this](const NodePair& pair) { take(pair); },
                            [this](const std::string& path, const Error& error) {
                              if (is_alone_) {
                                visitor_.unreadable(now_, path, error);
                              } else {
                                is_interrupted_ = true;
                              }
                            }});
}

std::vector<PlacedNode> Find::places_in(const Where& where) {
  std::vector<PlacedNode> places;
  for (const v1::Source& source : where.snapshot->sources()) {
    if (below_.empty() || is_within(source.path(), below_)) {
      places.push_back({source.path(), source.root()});
    } else if (is_within(below_, source.path())) {
      if (std::optional<v1::Node> node = descend(source, where)) places.push_back({below_, *std::move(node)});
    }
  }
  return places;
}

// What the source has at `below_`.
std::optional<v1::Node> Find::descend(const v1::Source& source, const Where& where) {
  v1::Node node = source.root();
  std::size_t begin = source.path() == "/" ? 1 : source.path().size() + 1;
  while (begin < below_.size()) {
    if (node.type() != v1::NODE_TYPE_FOLDER) return std::nullopt;
    const std::size_t end = std::min(below_.find('/', begin), below_.size());
    std::optional<NamedNode> child;
    try {
      child = find_in_tree(*where.source, crypto::BlobId::from_bytes(as_bytes(node.tree())),
                           std::string_view(below_).substr(begin, end - begin));
    } catch (const Error& error) {
      if (!concerns_blob(error)) throw;
      visitor_.unreadable(now_, begin == 1 ? "/" : below_.substr(0, begin - 1), error);
    }
    if (!child) return std::nullopt;
    node = std::move(child->node);
    begin = end + 1;
  }
  return node;
}

void Find::take(const NodePair& pair) {
  if (pair.after != nullptr && visitor_.is_wanted(pair.after_path, *pair.after)) {
    enter(pair.after_path, *pair.after);
  } else if (const auto found = paths_.find(pair.after_path); found != paths_.end()) {
    leave(found->second);
  }
}

void Find::enter(const std::string& path, const v1::Node& node) {
  const Digest content = content_of(node);
  auto found = paths_.find(path);
  if (found == paths_.end()) {
    if (!has_room(path.size())) return;
    found = paths_.try_emplace(path).first;
    path_bytes_ += path.size();
  }
  std::vector<Version>& versions = found->second.versions;
  auto version = std::find_if(versions.begin(), versions.end(),
                              [&](const Version& one) { return one.content == content; });
  const auto number = static_cast<std::size_t>(version - versions.begin());
  if (found->second.here != number) {
    leave(found->second);
    if (version == versions.end()) {
      if (!has_room(0)) return;
      ++matches_;
      version = versions.insert(versions.end(), Version{content, {}, now_});
      version->match.type = node.type();
      version->match.first = now_;
    }
    version->opened = now_;
    found->second.here = number;
  }
  version->match.size = node.type() == v1::NODE_TYPE_FOLDER ? node.totals().bytes() : node.size();
  version->match.mtime = from_proto(node.mtime());
}

void Find::leave(Path& path) const {
  if (!path.here) return;
  Version& version = path.versions[*path.here];
  path.here.reset();
  // One of which an interrupted walk has told is not counted by that.
  if (version.opened == now_) return;
  version.match.last = now_ - 1;
  version.match.snapshots += now_ - version.opened;
}

void Find::leave_all() {
  for (auto& [name, path] : paths_) leave(path);
}

bool Find::has_room(std::size_t path_bytes) {
  const bool room = matches_ < bounds_.matches && path_bytes_ + path_bytes <= bounds_.path_bytes;
  is_bounded_ = is_bounded_ || !room;
  return room;
}

std::vector<Match> Find::take_matches() {
  std::vector<Match> matches;
  while (!paths_.empty()) {
    auto path = paths_.extract(paths_.begin());
    for (Version& version : path.mapped().versions) {
      if (version.match.snapshots == 0) continue;  // only an interrupted walk told of it
      version.match.path = path.key();
      matches.push_back(std::move(version.match));
    }
  }
  return matches;
}

Find::Digest Find::content_of(const v1::Node& node) {
  ByteWriter writer;
  writer.u64(static_cast<std::uint64_t>(node.type()));
  writer.u64(node.device_major());
  writer.u64(node.device_minor());
  crypto::Hasher hasher;
  hasher.update(writer.data());
  hasher.update(as_bytes(node.target()));
  // An entry's id is that of the bytes that come out of it, in whatever way they are stored.
  for (const v1::ContentEntry& entry : node.content()) {
    ByteWriter length;
    length.u64(entry.length());
    hasher.update(length.data());
    hasher.update(as_bytes(entry.id()));
  }
  return hasher.finish();
}

}  // namespace garner::snapshot
