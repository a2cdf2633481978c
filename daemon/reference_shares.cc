#include "reference_shares.h"

#include <boost/unordered/unordered_flat_set.hpp>

#include <algorithm>

#include "row_spans.h"

namespace garner::daemon {

void ReferenceShares::look(std::size_t row, const std::vector<WantedBlob>& blobs, std::vector<bool>& found) {
  if (blobs.empty()) return;
  std::vector<catalog::BlobPrefix> wanted;
  wanted.reserve(blobs.size());
  for (const WantedBlob& blob : blobs) wanted.push_back(blob.prefix);
  // An item may have a blob in several spans, and counts it once.
  boost::unordered_flat_set<std::pair<catalog::ItemNumber, std::size_t>> seen;
  const auto take = [&](const catalog::Reference& reference) {
    if (rows_[row].count(reference.span) == 0) return;
    found[reference.wanted] = true;
    Sharer& sharer = sharers_[{row, reference.item}];
    sharer.row = row;
    sharer.item = reference.item;
    add_span(sharer.spans, reference.span);
    sharer.is_marked = sharer.is_marked || blobs[reference.wanted].is_content;
    if (seen.insert({reference.item, reference.wanted}).second) sharer.bytes += blobs[reference.wanted].bytes;
  };
  histories_.read(rows_[row], [&](catalog::History& history) { history.references(wanted, take); });
}

std::vector<Sharer> ReferenceShares::take() {
  std::vector<Sharer> all;
  all.reserve(sharers_.size());
  for (auto& [place, sharer] : sharers_) all.push_back(std::move(sharer));
  sharers_.clear();
  return all;
}

std::uint64_t count_snapshots(const std::vector<HistoryRow>& rows, const std::vector<Sharer>& sharers) {
  std::uint64_t count = 0;
  for (std::size_t row = 0; row < rows.size(); ++row) {
    const std::vector<std::int64_t>& numbers = rows[row].numbers;
    // Where spans begin and end, in the order of numbers.
    std::vector<std::int64_t> changes(numbers.size() + 1);
    for (const Sharer& sharer : sharers) {
      if (sharer.row != row) continue;
      for (const catalog::Span& span : sharer.spans) {
        const auto first = std::lower_bound(numbers.begin(), numbers.end(), span.first);
        const auto end = std::upper_bound(first, numbers.end(), span.last);
        ++changes[static_cast<std::size_t>(first - numbers.begin())];
        --changes[static_cast<std::size_t>(end - numbers.begin())];
      }
    }
    std::int64_t open = 0;
    for (std::size_t i = 0; i < numbers.size(); ++i) {
      open += changes[i];
      if (open > 0) ++count;
    }
  }
  return count;
}

}  // namespace garner::daemon
