#include "path_sights.h"

#include <algorithm>
#include <optional>

#include "base/bytes.h"
#include "path_relation.h"
#include "snapshot/snapshot.h"

namespace garner::daemon {

namespace {

constexpr std::size_t kSourcesAtOnce = 256;

const catalog::ItemVersion* version_in(const std::vector<catalog::ItemVersion>& versions,
                                       std::int64_t number) {
  const auto behind = std::upper_bound(
      versions.begin(), versions.end(), number,
      [](std::int64_t wanted, const catalog::ItemVersion& one) { return wanted < one.span.first; });
  if (behind == versions.begin()) return nullptr;
  const catalog::ItemVersion& found = *std::prev(behind);
  return number <= found.span.last ? &found : nullptr;
}

}  // namespace

PathSights::PathSights(const HistoryRow& row, catalog::History& history, std::string path)
    : path_(std::move(path)) {
  std::string after;
  for (bool is_last = false; !is_last;) {
    const std::vector<catalog::Item> page = history.items(0, after, kSourcesAtOnce);
    for (const catalog::Item& source : page) {
      if (is_same_or_inside(path_, source.name)) add(history, source);
    }
    is_last = page.size() < kSourcesAtOnce;
    if (!is_last) after = page.back().name;
  }
  for (const HistoryRow::Gap& gap : row.gaps) {
    if (gap.is_folder && is_same_or_inside(path_, gap.path)) gaps_.emplace(gap.number, &gap);
  }
}

void PathSights::add(catalog::History& history, const catalog::Item& source) {
  std::vector<catalog::ItemVersion>& versions = versions_[source.name];
  catalog::ItemNumber folder = 0;
  std::optional<catalog::Item> item = source;
  std::size_t begin = source.name == "/" ? 1 : source.name.size() + 1;
  while (item && begin < path_.size()) {
    const std::size_t end = std::min(path_.find('/', begin), path_.size());
    folder = item->number;
    item = history.item(folder, path_.substr(begin, end - begin));
    begin = end + 1;
  }
  if (item) versions = history.versions(folder, item->name);
}

PathSights::Sight PathSights::look(const HistoryRow::Place& place) const {
  const store::v1::Source* const source = snapshot::find_source(*place.copy->snapshot, path_);
  if (source == nullptr) return {};
  const auto versions = versions_.find(source->path());
  if (versions != versions_.end()) {
    if (const catalog::ItemVersion* const version = version_in(versions->second, place.number))
      return {Sight::Kind::kPresent, version, {}};
  }
  const auto gap = gaps_.find(place.number);
  if (gap == gaps_.end()) return {Sight::Kind::kAbsent, nullptr, {}};
  return {Sight::Kind::kUnread, nullptr, printable(gap->second->path) + ": " + gap->second->message};
}

}  // namespace garner::daemon
