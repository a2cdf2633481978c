#include "history_row.h"

#include <algorithm>
#include <numeric>

namespace garner::daemon {

void HistoryRow::arrange() {
  order.resize(places.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(),
            [&](std::size_t a, std::size_t b) { return places[a].number < places[b].number; });
  numbers.clear();
  for (const std::size_t place : order) numbers.push_back(places[place].number);
}

std::pair<std::size_t, std::size_t> HistoryRow::within(catalog::Span span) const {
  const auto first = std::lower_bound(numbers.begin(), numbers.end(), span.first);
  const auto last = std::upper_bound(first, numbers.end(), std::max(span.first - 1, span.last));
  return {static_cast<std::size_t>(first - numbers.begin()),
          static_cast<std::size_t>(last - numbers.begin())};
}

std::span<const std::int64_t> HistoryRow::in(catalog::Span span) const {
  const auto [first, last] = within(span);
  return std::span(numbers).subspan(first, last - first);
}

std::uint64_t HistoryRow::count(catalog::Span span) const {
  const auto [first, last] = within(span);
  return last - first;
}

const HistoryRow::Place& HistoryRow::at(std::int64_t number) const {
  return places[order[within({number, number}).first]];
}

// Numbers need not be in the order of time.
std::optional<HistoryRow::Reach> HistoryRow::reach(catalog::Span span) const {
  const auto [first, last] = within(span);
  if (first == last) return std::nullopt;
  Reach reach{order[first], order[first], last - first};
  for (std::size_t i = first; i < last; ++i) {
    reach.first = std::min(reach.first, order[i]);
    reach.last = std::max(reach.last, order[i]);
  }
  return reach;
}

}  // namespace garner::daemon
