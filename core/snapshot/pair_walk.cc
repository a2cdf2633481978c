#include "snapshot/pair_walk.h"

#include <string_view>

#include "base/bytes.h"
#include "snapshot/parse.h"

namespace garner::snapshot {
namespace {

constexpr std::size_t kFoldersKept = 16;

void append(std::string& path, std::string_view name) {
  if (path != "/") path += '/';
  path += name;
}

const std::string* tree_of(const v1::Node* node) {
  return node != nullptr && node->type() == v1::NODE_TYPE_FOLDER ? &node->tree() : nullptr;
}

std::optional<TreeCursor> open(store::BlobSource& source, const std::string* tree) {
  if (tree == nullptr) return std::nullopt;
  return TreeCursor(source, crypto::BlobId::from_bytes(as_bytes(*tree)));
}

}  // namespace

PairWalk::PairWalk(const std::vector<PlacePair>& places, store::BlobSource& before, store::BlobSource& after,
                   PairVisitor visitor)
    : places_(places), before_(before), after_(after), visitor_(std::move(visitor)) {
  for (const PlacePair& pair : places_) {
    if (pair.before) before_places_.insert(pair.before->path);
    if (pair.after) after_places_.insert(pair.after->path);
  }
}

bool PairWalk::step() {
  if (levels_.empty()) {
    if (next_place_ == places_.size()) return false;
    const auto& [before, after] = places_[next_place_++];
    before_path_ = before ? before->path : after->path;
    after_path_ = after ? after->path : before->path;
    visit({before ? &before->node : nullptr, after ? &after->node : nullptr});
    return true;
  }
  Level& level = levels_.back();
  before_path_.resize(level.before_size);
  after_path_.resize(level.after_size);
  Nodes nodes;
  try {
    nodes = next_of(level);
  } catch (const Error& error) {
    if (!concerns_blob(error)) throw;
    const std::string& path = level.after ? after_path_ : before_path_;
    levels_.pop_back();
    visitor_.unreadable(path, error);
    return true;
  }
  const v1::Node* any = nodes.after != nullptr ? nodes.after : nodes.before;
  if (any == nullptr) {
    levels_.pop_back();
    return true;
  }
  append(before_path_, any->name());
  append(after_path_, any->name());
  if (before_places_.contains(before_path_)) nodes.before = nullptr;
  if (after_places_.contains(after_path_)) nodes.after = nullptr;
  if (nodes.before != nullptr || nodes.after != nullptr) visit(nodes);
  return true;
}

PairWalk::Nodes PairWalk::next_of(Level& level) {
  using Position = TreeCursor::Position;
  for (;;) {
    std::optional<Position> before = level.before ? level.before->here() : std::nullopt;
    std::optional<Position> after = level.after ? level.after->here() : std::nullopt;
    // Only what comes first by name is looked at.
    if (before && after && before->name() != after->name())
      (before->name() < after->name() ? after : before).reset();
    const v1::PageReference* old_page = before ? before->page : nullptr;
    const v1::PageReference* new_page = after ? after->page : nullptr;
    if (old_page == nullptr && new_page == nullptr) {
      if (before) level.before->pass();
      if (after) level.after->pass();
      return {before ? before->node : nullptr, after ? after->node : nullptr};
    }
    if (old_page != nullptr && new_page != nullptr && old_page->id() == new_page->id()) {
      level.before->pass();
      level.after->pass();
    } else if (old_page != nullptr && (new_page == nullptr || old_page->nodes() >= new_page->nodes())) {
      // The longer one first: the other may be a page of it.
      level.before->enter();
    } else {
      level.after->enter();
    }
  }
}

void PairWalk::visit(const Nodes& nodes) {
  visitor_.pair({nodes.before, nodes.after, before_path_, after_path_, next_place_ - 1});
  const std::string* before = tree_of(nodes.before);
  const std::string* after = tree_of(nodes.after);
  const bool is_same = before != nullptr && after != nullptr && *before == *after;
  if (is_same || (before == nullptr && after == nullptr)) return;
  levels_.push_back({open(before_, before), open(after_, after), before_path_.size(), after_path_.size()});
  if (levels_.size() <= kFoldersKept) return;
  Level& far = levels_[levels_.size() - 1 - kFoldersKept];
  if (far.before) far.before->drop();
  if (far.after) far.after->drop();
}

}  // namespace garner::snapshot
