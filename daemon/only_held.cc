#include "only_held.h"

#include <algorithm>
#include <functional>
#include <map>

#include "base/error.h"
#include "catalog/history/exclusive.h"
#include "row_spans.h"

namespace garner::daemon {

namespace {

// The group of a snapshot, kNoGroup for one that is held against them; nothing for one that does not count.
using GroupOf = std::function<std::optional<catalog::SnapshotGroup>(const SnapshotCopies&)>;

constexpr std::uint64_t kHoldingsBetweenLooks = 4096;

std::vector<std::uint64_t> bytes_of(Histories& histories, const std::vector<HistoryRow>& rows,
                                    std::size_t groups, const GroupOf& group_of,
                                    const Histories::Ends& cancelled) {
  std::vector<std::uint64_t> sum(groups);
  for (const std::vector<std::size_t>& some : by_names(rows)) {
    std::vector<catalog::HeldContent> held;
    for (const std::size_t row : some) {
      catalog::HeldContent& content = held.emplace_back();
      content.holdings = [&, row](const auto& visit) {
        std::uint64_t seen = 0;
        histories.read(rows[row], [&](catalog::History& history) {
          history.holdings([&](const catalog::Holding& holding) {
            if (++seen % kHoldingsBetweenLooks == 0 && cancelled())
              throw Error(ErrorKind::kCancelled, "adding up what is held was ended");
            visit(holding);
          });
        });
      };
      for (const std::int64_t number : rows[row].numbers) {
        if (const auto group = group_of(*rows[row].at(number).snapshot))
          content.listed.push_back({number, *group});
      }
    }
    const std::vector<std::uint64_t> bytes = catalog::exclusive_bytes(held, groups);
    std::transform(sum.begin(), sum.end(), bytes.begin(), sum.begin(), std::plus<>());
  }
  return sum;
}

SnapshotHistory everything(Destinations& destinations) { return snapshot_history(destinations, {}); }

// Of which nothing could be read.
std::set<std::string> unread(const std::vector<HistoryRow>& rows) {
  std::set<std::string> ids;
  for (const HistoryRow& row : rows) {
    for (const HistoryRow::Gap& gap : row.gaps) {
      if (gap.path != "/") continue;
      for (const SnapshotCopy& copy : row.at(gap.number).snapshot->copies) ids.insert(copy.id);
    }
  }
  return ids;
}

}  // namespace

HeldSizes held_sizes(Destinations& destinations, Histories& histories, const Histories::Ends& cancelled,
                     const std::set<std::string>& listed) {
  const SnapshotHistory history = everything(destinations);
  const std::vector<HistoryRow> rows = histories.rows(history, cancelled);
  const std::set<std::string> not_known = unread(rows);

  // Each snapshot is a group; it is the same one under each of its ids.
  std::map<std::string, catalog::SnapshotGroup> groups;
  std::map<const SnapshotCopies*, catalog::SnapshotGroup> group_of;
  for (const SnapshotCopies& snapshot : history.snapshots) {
    for (const SnapshotCopy& copy : snapshot.copies) groups[copy.id] = group_of.size();
    group_of.emplace(&snapshot, group_of.size());
  }
  const std::vector<std::uint64_t> bytes = bytes_of(
      histories, rows, group_of.size(),
      [&](const SnapshotCopies& snapshot) -> std::optional<catalog::SnapshotGroup> {
        return group_of.at(&snapshot);
      },
      cancelled);
  HeldSizes held;
  for (const std::string& id : listed) {
    const auto group = groups.find(id);
    if (group != groups.end() && !not_known.contains(id)) held.only[id] = bytes[group->second];
  }

  const auto is_listed = [&](const SnapshotCopies& snapshot) {
    return std::any_of(snapshot.copies.begin(), snapshot.copies.end(),
                       [&](const SnapshotCopy& copy) { return listed.contains(copy.id); });
  };
  using Group = std::optional<catalog::SnapshotGroup>;
  const auto bytes_if = [&](const GroupOf& group) {
    return bytes_of(histories, rows, 1, group, cancelled)[0];
  };
  held.all.set_held_bytes(bytes_if(
      [&](const SnapshotCopies& snapshot) { return is_listed(snapshot) ? Group(0) : std::nullopt; }));
  // There is nobody else who could hold anything.
  if (std::all_of(history.snapshots.begin(), history.snapshots.end(), is_listed)) {
    held.all.set_only_bytes(held.all.held_bytes());
    return held;
  }
  held.all.set_only_bytes(bytes_if(
      [&](const SnapshotCopies& snapshot) { return Group(is_listed(snapshot) ? 0 : catalog::kNoGroup); }));
  return held;
}

std::optional<std::uint64_t> only_bytes_at(Destinations& destinations, Histories& histories,
                                           const std::string& destination, const std::set<std::string>& ids,
                                           const Histories::Ends& cancelled) {
  const SnapshotHistory history = everything(destinations);
  const std::vector<HistoryRow> rows = histories.rows(history, cancelled);
  const auto copy_there = [&](const SnapshotCopies& snapshot) {
    return std::find_if(snapshot.copies.begin(), snapshot.copies.end(),
                        [&](const SnapshotCopy& copy) { return copy.destination == destination; });
  };
  for (const HistoryRow& row : rows) {
    for (const HistoryRow::Gap& gap : row.gaps) {
      const SnapshotCopies& snapshot = *row.at(gap.number).snapshot;
      if (copy_there(snapshot) != snapshot.copies.end()) return std::nullopt;
    }
  }
  return bytes_of(
      histories, rows, 1,
      [&](const SnapshotCopies& snapshot) -> std::optional<catalog::SnapshotGroup> {
        const auto copy = copy_there(snapshot);
        if (copy == snapshot.copies.end()) return std::nullopt;
        return ids.contains(copy->id) ? 0 : catalog::kNoGroup;
      },
      cancelled)[0];
}

}  // namespace garner::daemon
