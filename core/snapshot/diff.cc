#include "snapshot/diff.h"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include "snapshot/node.h"
#include "snapshot/parse.h"
#include "snapshot/same_content.h"
#include "snapshot/snapshot.h"

namespace garner::snapshot {
namespace {

using Fields = std::vector<std::string_view>;
using Xattrs = std::vector<std::pair<std::string_view, std::string_view>>;

bool is_acl(std::string_view xattr) {
  return xattr.starts_with("system.posix_acl_") || xattr == "system.nfs4_acl" || xattr == "system.richacl";
}

Xattrs xattrs_of(const v1::Node& node, bool acls) {
  Xattrs found;
  for (const v1::Xattr& xattr : node.xattrs())
    if (is_acl(xattr.name()) == acls) found.emplace_back(xattr.name(), xattr.value());
  return found;
}

Fields differing_fields(const v1::Node& a, const v1::Node& b) {
  Fields fields;
  const auto add = [&](bool differs, std::string_view name) {
    if (differs) fields.push_back(name);
  };
  add(a.mode() != b.mode(), "mode");
  add(a.uid() != b.uid() || a.gid() != b.gid(), "owner");
  add(from_proto(a.mtime()) != from_proto(b.mtime()), "mtime");
  add(xattrs_of(a, false) != xattrs_of(b, false), "xattrs");
  add(xattrs_of(a, true) != xattrs_of(b, true), "acl");
  add(a.inode_flags() != b.inode_flags(), "flags");
  add(a.links() != b.links(), "links");
  add(a.target() != b.target(), "target");
  add(a.device_major() != b.device_major() || a.device_minor() != b.device_minor(), "device");
  return fields;
}

// What stands there, below a source of another path. Nothing where there is none, or none that can be read.
std::optional<PlacedNode> place_at(const v1::Snapshot& snapshot, const std::string& path,
                                   store::BlobSource& source) {
  if (find_source(snapshot, path) == nullptr) return std::nullopt;
  try {
    FoundNode found = find_node(snapshot, path, source);
    return PlacedNode{std::move(found.path), std::move(found.named.node)};
  } catch (const Error& error) {
    if (!concerns_blob(error)) throw;
    return std::nullopt;
  }
}

// The node alone, without what is below it.
void count(v1::Totals& totals, const v1::Node& node) {
  if (node.type() == v1::NODE_TYPE_FILE) {
    totals.set_files(totals.files() + 1);
    totals.set_bytes(totals.bytes() + node.size());
  } else if (node.type() == v1::NODE_TYPE_FOLDER) {
    totals.set_folders(totals.folders() + 1);
  } else {
    totals.set_others(totals.others() + 1);
  }
}

}  // namespace

std::vector<PlacePair> sources_side_by_side(const v1::Snapshot& before, store::BlobSource& before_source,
                                            const v1::Snapshot& after, store::BlobSource& after_source) {
  std::map<std::string, PlacePair> by_path;
  for (const v1::Source& source : before.sources())
    by_path[source.path()].before = {source.path(), source.root()};
  for (const v1::Source& source : after.sources())
    by_path[source.path()].after = {source.path(), source.root()};
  std::vector<PlacePair> places;
  for (auto& [path, pair] : by_path) {
    if (!pair.before) pair.before = place_at(before, path, before_source);
    if (!pair.after) pair.after = place_at(after, path, after_source);
    places.push_back(std::move(pair));
  }
  return places;
}

Diff::Diff(std::vector<PlacePair> places, store::BlobSource& before, store::BlobSource& after,
           DiffVisitor visitor)
    : places_(std::move(places)),
      before_(before),
      after_(after),
      visitor_(std::move(visitor)),
      first_(places_, before, after,
             {[this](const NodePair& pair) { remember(pair); },
              [](const std::string&, const Error&) { /* the second walk tells it */ }}),
      second_(places_, before, after,
              {[this](const NodePair& pair) { tell(pair); },
               [this](const std::string& path, const Error& error) {
                 ++summary_.unreadable;
                 visitor_.unreadable(path, error);
               }}) {}

bool Diff::step() {
  switch (stage_) {
    case Stage::kRemember:
      if (!first_.step()) stage_ = Stage::kMatch;
      return true;
    case Stage::kMatch:
      if (!renames_.step(before_, after_)) stage_ = Stage::kTell;
      return true;
    case Stage::kTell:
      break;
  }
  return second_.step();
}

// Where a list cannot be read, it is another one.
bool Diff::has_same_content(const v1::Node& before, const v1::Node& after) {
  if (before.target() != after.target() || before.device_major() != after.device_major() ||
      before.device_minor() != after.device_minor())
    return false;
  try {
    return have_same_content(before, before_, after, after_);
  } catch (const Error& error) {
    if (!concerns_blob(error)) throw;
    return false;
  }
}

void Diff::remember(const NodePair& pair) {
  if (pair.after == nullptr) {
    renames_.removed(*pair.before, {pair.place, pair.before_path});
  } else if (pair.before == nullptr) {
    renames_.added(*pair.after, {pair.place, pair.after_path});
  }
}

void Diff::tell(const NodePair& pair) {
  if (pair.before != nullptr && pair.after != nullptr) {
    tell_both(pair);
  } else if (pair.after == nullptr) {
    if (renames_.has_left({pair.place, pair.before_path})) return;
    count(summary_.removed, *pair.before);
    visitor_.change({ChangeKind::kRemoved, pair.before_path, pair.before_path, pair.before, nullptr, {}});
  } else if (const Renames::Spot* origin = renames_.origin({pair.place, pair.after_path})) {
    ++summary_.renamed;
    summary_.renamed_bytes += pair.after->size();
    visitor_.change({ChangeKind::kRenamed, pair.after_path, origin->path, nullptr, pair.after, {}});
  } else {
    count(summary_.added, *pair.after);
    visitor_.change({ChangeKind::kAdded, pair.after_path, pair.after_path, nullptr, pair.after, {}});
  }
}

void Diff::tell_both(const NodePair& pair) {
  const v1::Node& before = *pair.before;
  const v1::Node& after = *pair.after;
  ChangeKind kind = ChangeKind::kMetadata;
  Fields fields;
  if (before.type() != after.type()) {
    kind = ChangeKind::kType;
    ++summary_.types;
    count(summary_.removed, before);
    count(summary_.added, after);
  } else {
    fields = differing_fields(before, after);
    if (!has_same_content(before, after)) {
      kind = ChangeKind::kContent;
      ++summary_.content;
      summary_.content_bytes_before += before.size();
      summary_.content_bytes_after += after.size();
    } else if (!fields.empty()) {
      ++summary_.metadata;
    } else {
      return;
    }
  }
  visitor_.change({kind, pair.after_path, pair.before_path, &before, &after, std::move(fields)});
}

}  // namespace garner::snapshot
