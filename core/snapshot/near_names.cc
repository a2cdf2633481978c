#include "snapshot/near_names.h"

#include <algorithm>
#include <utility>

#include "base/bytes.h"

namespace garner::snapshot {
namespace {

constexpr std::size_t kMaximumDistance = 3;
constexpr std::size_t kSuggestions = 3;

}  // namespace

NearNames::NearNames(std::string wanted)
    : wanted_(std::move(wanted)), limit_(std::min(kMaximumDistance, 1 + wanted_.size() / 4)) {}

void NearNames::offer(std::string_view name) {
  const std::size_t distance = edit_distance(wanted_, name, limit_);
  if (distance > limit_) return;
  const auto place =
      std::upper_bound(nearest_.begin(), nearest_.end(), distance,
                       [](std::size_t d, const Candidate& other) { return d < other.distance; });
  nearest_.insert(place, {distance, std::string(name)});
  if (nearest_.size() > kSuggestions) nearest_.pop_back();
}

std::string NearNames::suggestion() const {
  if (nearest_.empty()) return {};
  std::string text = " (did you mean ";
  for (std::size_t i = 0; i < nearest_.size(); ++i) {
    if (i > 0) text += i + 1 == nearest_.size() ? " or " : ", ";
    text += printable(nearest_[i].name);
  }
  return text + "?)";
}

std::size_t edit_distance(std::string_view a, std::string_view b, std::size_t limit) {
  if (a.size() > b.size()) std::swap(a, b);
  const std::size_t far = limit + 1;
  if (b.size() - a.size() > limit) return far;
  // row[i]: distance between the first i bytes of `a` and the bytes of `b` so far, within the band that can
  // matter.
  std::vector<std::size_t> row(a.size() + 1);
  for (std::size_t i = 0; i <= a.size(); ++i) row[i] = std::min(i, far);
  for (std::size_t j = 1; j <= b.size(); ++j) {
    const std::size_t first = j > limit ? j - limit : 1;
    const std::size_t last = std::min(a.size(), j + limit);
    std::size_t diagonal = row[first - 1];
    row[first - 1] = first == 1 ? std::min(j, far) : far;
    std::size_t least = row[first - 1];
    for (std::size_t i = first; i <= last; ++i) {
      const std::size_t above = i == j + limit ? far : row[i];  // outside the previous row's band
      const std::size_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[i];
      row[i] = std::min({replaced, above + 1, row[i - 1] + 1, far});
      least = std::min(least, row[i]);
    }
    if (least >= far) return far;
  }
  return row[a.size()];
}

}  // namespace garner::snapshot
