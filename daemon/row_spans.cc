#include "row_spans.h"

#include <algorithm>
#include <set>

#include "backup/same_names.h"

namespace garner::daemon {

namespace {

bool holds_number(const std::vector<catalog::Span>& spans, std::int64_t number) {
  const auto behind =
      std::upper_bound(spans.begin(), spans.end(), number,
                       [](std::int64_t wanted, const catalog::Span& span) { return wanted < span.first; });
  return behind != spans.begin() && number <= std::prev(behind)->last;
}

}  // namespace

std::vector<std::vector<std::size_t>> by_names(const std::vector<HistoryRow>& rows) {
  std::vector<std::vector<std::size_t>> all;
  const auto repository_of = [&](std::size_t row) -> const store::Repository& {
    return *rows[row].places.front().copy->repository;
  };
  for (std::size_t row = 0; row < rows.size(); ++row) {
    if (rows[row].places.empty()) continue;
    const auto same = std::find_if(all.begin(), all.end(), [&](const std::vector<std::size_t>& some) {
      return backup::has_same_names(repository_of(some.front()), repository_of(row));
    });
    (same == all.end() ? all.emplace_back() : *same).push_back(row);
  }
  return all;
}

void add_span(std::vector<catalog::Span>& spans, const catalog::Span& span) {
  catalog::Span joined = span;
  const auto begin = std::find_if(spans.begin(), spans.end(),
                                  [&](const catalog::Span& one) { return one.last >= span.first - 1; });
  auto end = begin;
  for (; end != spans.end() && end->first <= span.last + 1; ++end) {
    joined.first = std::min(joined.first, end->first);
    joined.last = std::max(joined.last, end->last);
  }
  spans.insert(spans.erase(begin, end), joined);
}

Appearance appearance_of(const HistoryRow& row, const std::vector<catalog::Span>& spans) {
  Appearance seen;
  std::set<std::string_view> destinations;
  for (const HistoryRow::Place& place : row.places) {
    if (!holds_number(spans, place.number)) continue;
    if (seen.first == nullptr) seen.first = &place;
    seen.last = &place;
    ++seen.snapshots;
    for (const SnapshotCopy& copy : place.snapshot->copies) destinations.insert(copy.destination);
  }
  seen.destinations.assign(destinations.begin(), destinations.end());
  return seen;
}

}  // namespace garner::daemon
