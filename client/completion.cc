#include "completion.h"

#include <algorithm>
#include <iterator>
#include <map>

#include "text.h"

namespace garner::client {

std::string offered_id(const std::string& id, std::string_view word) {
  return word.size() > kShownDigits ? id : id.substr(0, kShownDigits);
}

std::vector<std::string> complete_one_of(const std::vector<std::string>& known, std::string_view word) {
  std::vector<std::string> found;
  std::copy_if(known.begin(), known.end(), std::back_inserter(found),
               [&](const std::string& one) { return one.starts_with(word) && !acts_on_terminal(one); });
  return found;
}

std::vector<std::string> complete_snapshot(const v1::ListSnapshotsResponse& list, std::string_view word,
                                           bool sets) {
  std::vector<std::string> found;
  const auto offer = [&](std::string text) {
    const bool fits = text.starts_with(word) && !acts_on_terminal(text);
    if (fits) found.push_back(std::move(text));
    return fits;
  };
  std::map<std::string, std::size_t> counts;  // of snapshots that can be the latest
  for (const v1::SnapshotInfo& info : list.snapshots()) counts[info.set()] += info.recovered() ? 0 : 1;
  const bool has_latest =
      std::any_of(counts.begin(), counts.end(), [](const auto& set) { return set.second > 0; });
  if (has_latest) offer("latest");
  for (const auto& [set, count] : counts) {
    if (sets) offer(set);
    if (count == 0) continue;
    offer(set + "@latest");
    // How far back one can go is told when somebody has begun to.
    const std::size_t before = word.starts_with(set + "~") ? kMostIds : 1;
    for (std::size_t number = 1; number < count && number <= before; ++number)
      offer(set + "~" + std::to_string(number));
  }
  std::size_t ids = 0;
  for (const v1::SnapshotInfo& info : list.snapshots()) {
    if (ids == kMostIds) break;
    if (offer(offered_id(info.id(), word))) ++ids;
  }
  return found;
}

TypedPath split_typed_path(std::string_view path) {
  const std::size_t slash = path.rfind('/');
  const std::size_t end = slash == std::string_view::npos ? 0 : slash + 1;
  return {std::string(path.substr(0, end)), std::string(path.substr(end))};
}

std::optional<std::string> complete_name(const std::string& before, const TypedPath& typed,
                                         std::string_view name, bool is_folder) {
  if (!name.starts_with(typed.begin)) return std::nullopt;
  std::string text = before + typed.folder;
  text.append(name).append(is_folder ? "/" : "");
  if (acts_on_terminal(text)) return std::nullopt;
  return text;
}

}  // namespace garner::client
