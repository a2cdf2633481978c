#include "crash_state.h"

#include <sys/stat.h>

#include <algorithm>
#include <map>
#include <set>
#include <utility>

namespace garner::crash {

namespace {

constexpr std::uint64_t kSector = 512;

bool changes_content(const Operation& operation) {
  return operation.kind == OperationKind::kWrite || operation.kind == OperationKind::kResize;
}

bool is_sync(const Operation& operation) {
  return operation.kind == OperationKind::kSyncFile || operation.kind == OperationKind::kSyncFolder ||
         operation.kind == OperationKind::kSyncAll;
}

}  // namespace

CrashState::CrashState(const Trace& trace, std::size_t point, std::uint64_t seed, const IgnoredSync& ignored)
    : trace_(trace), point_(point), random_(seed), fates_(point, Fate::kNone), image_(trace.base) {
  find_durable(ignored);
  const std::size_t kind = below(20);
  if (kind < 2) {
    kept_ = 1;  // the process was killed
  } else if (kind < 5) {
    kept_ = 0;
  } else {
    constexpr double kProbabilities[] = {0.05, 0.3, 0.5, 0.7, 0.95};
    kept_ = kProbabilities[below(std::size(kProbabilities))];
  }
  choose_names();
  choose_attributes();
  choose_content();
  apply();
}

bool CrashState::is_name(std::size_t at) const {
  switch (trace_.operations[at].kind) {
    case OperationKind::kCreate:
    case OperationKind::kLink:
    case OperationKind::kUnlink:
    case OperationKind::kRename:
      return true;
    default:
      return false;
  }
}

// From the last operation to the first: what a later sync covers.
void CrashState::find_durable(const IgnoredSync& ignored) {
  // Operations before `end` are covered; those before `cut`, that a sync failed for, only before `earlier`.
  struct Covered {
    std::size_t end = 0;
    std::size_t cut = 0;
    std::size_t earlier = 0;
    bool operator>(std::size_t at) const { return (at < cut ? earlier : end) > at; }
  };
  std::map<Node, Covered> content;
  std::map<Node, std::size_t> attributes;
  std::map<Node, std::size_t> names;
  std::size_t all = 0;
  const auto raise = [](std::size_t& covered, std::size_t to) { covered = std::max(covered, to); };
  for (std::size_t at = point_; at-- > 0;) {
    const Operation& operation = trace_.operations[at];
    if (is_sync(operation)) {
      if (ignored && ignored(trace_, operation)) continue;
      if (operation.kind == OperationKind::kSyncAll) raise(all, operation.covers);
      if (operation.kind == OperationKind::kSyncFile) {
        raise(content[operation.node].end, operation.covers);
        raise(content[operation.node].earlier, operation.covers);
      }
      if (operation.kind == OperationKind::kSyncFolder) raise(names[operation.node], operation.covers);
      if (!operation.data_only) raise(attributes[operation.node], operation.covers);
      continue;
    }
    if (operation.kind == OperationKind::kSyncFailed) {
      content[operation.node].cut = operation.covers;
      content[operation.node].earlier = 0;
      continue;
    }
    bool durable = all > at;
    if (is_name(at)) {
      durable |= names[operation.folder] > at;
      durable |= operation.old_folder != kNoNode && names[operation.old_folder] > at;
    } else if (changes_content(operation)) {
      durable |= content[operation.node] > at;
    } else if (operation.kind == OperationKind::kAttributes) {
      durable |= attributes[operation.node] > at;
    }
    if (durable) fates_[at] = Fate::kDurable;
  }
}

void CrashState::choose_names() {
  if (chance(0.5)) {
    choose_journaled();
  } else {
    choose_weak();
  }
}

void CrashState::choose_journaled() {
  std::size_t first = 0;  // that may be lost
  for (std::size_t at = 0; at < point_; ++at) {
    if (is_name(at) && fates_[at] == Fate::kDurable) first = at + 1;
  }
  std::size_t end = point_;
  if (kept_ == 0) {
    end = first;
  } else if (kept_ < 1) {
    end = first + below(point_ - first + 1);
  }
  for (std::size_t at = 0; at < point_; ++at) {
    if (is_name(at) && fates_[at] != Fate::kDurable) fates_[at] = at < end ? Fate::kKept : Fate::kLost;
  }
}

void CrashState::choose_weak() {
  std::set<std::pair<Node, std::string>> lost;  // names of which a change was lost: later ones are, too
  for (std::size_t at = 0; at < point_; ++at) {
    if (!is_name(at) || fates_[at] == Fate::kDurable) continue;
    const Operation& operation = trace_.operations[at];
    const std::pair name{operation.folder, operation.name};
    const std::pair old_name{operation.old_folder, operation.old_name};
    const bool follows_lost =
        lost.contains(name) || (operation.kind == OperationKind::kRename && lost.contains(old_name));
    fates_[at] = !follows_lost && chance(kept_) ? Fate::kKept : Fate::kLost;
    if (fates_[at] == Fate::kKept) continue;
    lost.insert(name);
    if (operation.kind == OperationKind::kRename) lost.insert(old_name);
  }
}

void CrashState::choose_attributes() {
  std::set<Node> lost;
  for (std::size_t at = 0; at < point_; ++at) {
    const Operation& operation = trace_.operations[at];
    if (operation.kind != OperationKind::kAttributes || fates_[at] == Fate::kDurable) continue;
    fates_[at] = !lost.contains(operation.node) && chance(kept_) ? Fate::kKept : Fate::kLost;
    if (fates_[at] == Fate::kLost) lost.insert(operation.node);
  }
}

void CrashState::choose_content() {
  for (std::size_t at = 0; at < point_; ++at) {
    const Operation& operation = trace_.operations[at];
    if (!changes_content(operation) || fates_[at] == Fate::kDurable) continue;
    if (kept_ < 1 && operation.kind == OperationKind::kWrite && chance(0.25)) {
      fates_[at] = Fate::kTorn;
    } else {
      fates_[at] = chance(kept_) ? Fate::kKept : Fate::kLost;
    }
  }
}

void CrashState::apply() {
  std::map<Node, Bytes> contents;         // of files that were written to
  std::map<Node, std::uint64_t> longest;  // as the running system saw them
  const auto content_of = [&](Node node) -> Bytes& {
    const auto [found, is_new] = contents.try_emplace(node);
    if (is_new && image_.nodes[node].content) found->second = *image_.nodes[node].content;
    if (is_new) longest[node] = found->second.size();
    return found->second;
  };
  image_.nodes.resize(trace_.paths.size());
  for (std::size_t at = 0; at < point_; ++at) {
    const Operation& operation = trace_.operations[at];
    const Fate fate = fates_[at];
    const bool there = fate == Fate::kDurable || fate == Fate::kKept;
    switch (operation.kind) {
      case OperationKind::kCreate:
        image_.nodes[operation.node].mode = operation.mode;
        if (S_ISLNK(operation.mode))
          image_.nodes[operation.node].content = std::make_shared<const Bytes>(operation.data);
        [[fallthrough]];
      case OperationKind::kLink:
        if (there) image_.nodes[operation.folder].entries[operation.name] = operation.node;
        break;
      case OperationKind::kUnlink:
        if (there) image_.nodes[operation.folder].entries.erase(operation.name);
        break;
      case OperationKind::kRename:
        if (!there) break;
        image_.nodes[operation.old_folder].entries.erase(operation.old_name);
        image_.nodes[operation.folder].entries[operation.name] = operation.node;
        break;
      case OperationKind::kWrite: {
        Bytes& content = content_of(operation.node);
        const std::uint64_t end = operation.offset + operation.data.size();
        longest[operation.node] = std::max(longest[operation.node], end);
        apply_write(operation, fate, content);
        break;
      }
      case OperationKind::kResize: {
        Bytes& content = content_of(operation.node);
        longest[operation.node] = operation.offset;
        if (there) content.resize(operation.offset);
        break;
      }
      case OperationKind::kAttributes:
        if (!there) break;
        image_.nodes[operation.node].mode = operation.mode;
        image_.nodes[operation.node].modified = operation.modified;
        break;
      default:
        break;
    }
  }
  for (auto& [node, content] : contents) {
    const std::uint64_t seen = longest[node];
    if (content.size() < seen && chance(0.5))
      content.resize(content.size() + below(seen - content.size() + 1));
    image_.nodes[node].content = std::make_shared<const Bytes>(std::move(content));
  }
}

void CrashState::apply_write(const Operation& operation, Fate fate, Bytes& content) {
  const auto keep = [&](std::uint64_t first, std::uint64_t end) {
    if (first >= end) return;
    if (content.size() < operation.offset + end) content.resize(operation.offset + end);
    std::copy(operation.data.begin() + static_cast<std::ptrdiff_t>(first),
              operation.data.begin() + static_cast<std::ptrdiff_t>(end),
              content.begin() + static_cast<std::ptrdiff_t>(operation.offset + first));
  };
  const std::uint64_t size = operation.data.size();
  if (fate == Fate::kDurable || fate == Fate::kKept) return keep(0, size);
  if (fate != Fate::kTorn) return;
  const std::size_t kind = below(4);
  if (kind == 0) return keep(0, below(size + 1));
  if (kind == 1) return keep(below(size + 1), size);
  for (std::uint64_t first = 0; first < size;) {
    const std::uint64_t end = std::min(size, first + kSector - (operation.offset + first) % kSector);
    if (chance(kept_)) keep(first, end);
    first = end;
  }
}

std::string CrashState::story() const {
  std::string text;
  for (std::size_t at = 0; at < point_; ++at) {
    constexpr const char* kFates[] = {"durable  ", "kept     ", "torn     ", "lost     ", "         "};
    text += kFates[static_cast<std::size_t>(fates_[at])] + trace_.describe(trace_.operations[at]) + "\n";
  }
  return text;
}

}  // namespace garner::crash
