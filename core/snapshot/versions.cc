#include "snapshot/versions.h"

#include <algorithm>
#include <utility>

#include "base/bytes.h"
#include "crypto/hash.h"
#include "snapshot/node.h"
#include "snapshot/snapshot.h"

namespace garner::snapshot {
namespace {

std::string facts_of(const v1::Node& node) {
  v1::Node facts;
  facts.set_type(node.type());
  facts.set_mode(node.mode());
  facts.set_uid(node.uid());
  facts.set_gid(node.gid());
  *facts.mutable_mtime() = node.mtime();
  facts.set_size(node.size());
  if (node.has_totals()) *facts.mutable_totals() = node.totals();
  facts.set_target(node.target());
  facts.set_device_major(node.device_major());
  facts.set_device_minor(node.device_minor());
  return serialize(facts);
}

// An entry's id is that of the bytes that come out of it, in whatever way they are stored.
std::string content_of(const v1::Node& node) {
  v1::Node content;
  content.set_tree(node.tree());
  for (const v1::ContentEntry& entry : node.content()) {
    v1::ContentEntry& added = *content.add_content();
    added.set_length(entry.length());
    added.set_id(entry.id());
  }
  return serialize(content);
}

}  // namespace

PathVersions::Held PathVersions::held(NamedNode named) {
  Held result;
  result.facts = crypto::hash(as_bytes(facts_of(named.node)));
  result.content = crypto::hash(as_bytes(content_of(named.node)));
  named.node.clear_content();
  named.node.clear_xattrs();
  result.named = std::move(named);
  return result;
}

std::shared_ptr<const PathVersions::Held> PathVersions::find(const v1::Node& folder, const std::string& name,
                                                             store::BlobSource& source) {
  const std::string key = folder.tree() + name;
  if (const auto known = nodes_.find(key)) return *known;
  std::optional<NamedNode> found =
      find_in_tree(source, crypto::BlobId::from_bytes(as_bytes(folder.tree())), name);
  std::shared_ptr<const Held> node;
  std::size_t cost = sizeof(Held) + 2 * key.size();
  if (found) {
    node = std::make_shared<const Held>(held(*std::move(found)));
    cost += node->named.node.SpaceUsedLong();
  }
  nodes_.add(key, std::make_shared<const std::shared_ptr<const Held>>(node), cost);
  return node;
}

Sight PathVersions::look(const v1::Snapshot& snapshot, store::BlobSource& source, std::uint32_t names) {
  const v1::Source* const top = find_source(snapshot, path_);
  if (top == nullptr) return {};
  auto node = std::make_shared<const Held>(held({top->root(), top->user(), top->group()}));
  std::size_t begin = top->path() == "/" ? 1 : top->path().size() + 1;
  while (begin < path_.size()) {
    const std::size_t end = std::min(path_.find('/', begin), path_.size());
    if (node->named.node.type() != v1::NODE_TYPE_FOLDER) return {Sight::Kind::kAbsent};
    node = find(node->named.node, path_.substr(begin, end - begin), source);
    if (!node) return {Sight::Kind::kAbsent};
    begin = end + 1;
  }
  return {Sight::Kind::kPresent, identify(*node, names)};
}

std::size_t PathVersions::identify(const Held& held, std::uint32_t names) {
  // The last one of those whose content is not known by these names, if none is known to have it.
  std::optional<std::size_t> alike;
  const auto [begin, end] = by_facts_.equal_range(held.facts);
  for (auto one = begin; one != end; ++one) {
    const auto& contents = versions_[one->second].content;
    const auto content = contents.find(names);
    if (content == contents.end()) {
      alike = one->second;
    } else if (content->second == held.content) {
      return one->second;
    }
  }
  if (!alike) {
    alike = versions_.size();
    versions_.push_back({held.named, {}});
    by_facts_.emplace(held.facts, *alike);
  }
  versions_[*alike].content.emplace(names, held.content);
  return *alike;
}

void VersionHistory::add(std::size_t snapshot, const std::string& set, const Sight& sight) {
  if (sight.kind == Sight::Kind::kOutside) return;
  ++snapshots_;
  if (sight.kind == Sight::Kind::kPresent) {
    holds_[set] = true;
    if (!gaps_.empty()) gaps_.back().ended = true;
    const auto [known, is_new] =
        appearances_.try_emplace(sight.version, Appearance{sight.version, snapshot, snapshot, 0});
    known->second.last = snapshot;
    ++known->second.snapshots;
    return;
  }
  const auto held = holds_.find(set);
  if (held == holds_.end()) return;
  held->second = false;
  if (std::any_of(holds_.begin(), holds_.end(), [](const auto& one) { return one.second; })) return;
  if (gaps_.empty() || gaps_.back().ended) gaps_.push_back({snapshot, snapshot, 0, false});
  gaps_.back().last = snapshot;
  ++gaps_.back().snapshots;
}

std::vector<VersionHistory::Appearance> VersionHistory::newest_first() const {
  std::vector<Appearance> all;
  for (const auto& [version, appearance] : appearances_) all.push_back(appearance);
  std::sort(all.begin(), all.end(), [](const Appearance& a, const Appearance& b) { return a.last > b.last; });
  return all;
}

}  // namespace garner::snapshot
