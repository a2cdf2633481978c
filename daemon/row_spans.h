// Rows of histories that belong together, and spans of their numbers. Pure functions.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "history_row.h"

namespace garner::daemon {

// Rows in which content has the same names, by their places in `rows`. Each row once.
std::vector<std::vector<std::size_t>> by_names(const std::vector<HistoryRow>& rows);

// Adds a span to others, so that they stay ascending and apart from each other.
void add_span(std::vector<catalog::Span>& spans, const catalog::Span& span);

// When something was there.
struct Appearance {
  const HistoryRow::Place* first = nullptr;  // null: in none of the row's places
  const HistoryRow::Place* last = nullptr;
  std::uint64_t snapshots = 0;
  std::vector<std::string> destinations;  // of any of these, ascending
};
Appearance appearance_of(const HistoryRow& row, const std::vector<catalog::Span>& spans);

}  // namespace garner::daemon
