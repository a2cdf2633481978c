// Ranges of snapshots.
#include <algorithm>

#include "base/bytes.h"
#include "base/error.h"
#include "snapshot/node.h"
#include "snapshot/snapshot.h"

namespace garner::snapshot {
namespace {

using Entries = std::vector<const v1::SnapshotEntry*>;

// The number in "~5".
std::size_t steps_of(const std::string& text, const std::string& selector) {
  const bool digits = text.size() >= 2 && text.size() <= 10 && text[0] == '~' &&
                      std::all_of(text.begin() + 1, text.end(), [](char c) { return c >= '0' && c <= '9'; });
  if (!digits) {
    throw Error(ErrorKind::kInvalidInput,
                "\"" + printable(selector) + "\" is no range: write SET~N..~M, or TIME..TIME");
  }
  return std::stoul(text.substr(1));
}

Entries select_by_steps(const Entries& entries, const std::string& selector, const std::string& set,
                        std::size_t first, std::size_t last) {
  Entries own;
  for (const v1::SnapshotEntry* entry : entries) {
    if (!entry->recovered() && entry->snapshot().set().name() == set) own.push_back(entry);
  }
  own = one_of_each_run(own);
  if (first > last) std::swap(first, last);
  Entries chosen;
  for (std::size_t back = first; back <= last && back < own.size(); ++back) {
    for (const v1::SnapshotEntry* entry : all_of_run(entries, own[own.size() - 1 - back]->snapshot().run()))
      chosen.push_back(entry);
  }
  if (chosen.empty()) {
    throw Error(ErrorKind::kNotFound, "no snapshot is in the range " + printable(selector) + ": the set \"" +
                                          set + "\" has " + std::to_string(own.size()));
  }
  return chosen;
}

}  // namespace

Entries select_all(const Entries& entries, const std::string& selector, const TimeOrigin& origin,
                   const std::string& set) {
  const std::size_t dots = selector.find("..");
  if (dots == std::string::npos) {
    const bool is_step = !set.empty() && selector.starts_with('~');
    const v1::SnapshotEntry& one = select(entries, is_step ? set + selector : selector, origin);
    const bool is_by_id = selector != "latest" && selector.find_first_of("@~") == std::string::npos;
    if (is_by_id) return {&one};
    return all_of_run(entries, one.snapshot().run());
  }
  const std::string from = selector.substr(0, dots);
  const std::string to = selector.substr(dots + 2);
  if (const std::size_t mark = from.find('~'); mark != std::string::npos) {
    const std::string name = mark == 0 ? set : from.substr(0, mark);
    if (name.empty()) {
      throw Error(ErrorKind::kInvalidInput,
                  "\"" + printable(selector) + "\" names no set: write SET" + printable(selector));
    }
    return select_by_steps(entries, selector, name, steps_of(from.substr(mark), selector),
                           steps_of(to, selector));
  }
  const std::optional<TimeSpan> first = parse_time(from, origin);
  const std::optional<TimeSpan> last = parse_time(to, origin);
  if (!first || !last) {
    throw Error(ErrorKind::kInvalidInput, "\"" + printable(selector) +
                                              "\" is no range: write SET~N..~M, or TIME..TIME; for a time " +
                                              kTimeForms);
  }
  const TimePoint begin = std::min(first->first, last->first);
  const TimePoint end = std::max(first->last, last->last);
  Entries chosen;
  for (const v1::SnapshotEntry* entry : entries) {
    if (entry->recovered() || (!set.empty() && entry->snapshot().set().name() != set)) continue;
    const TimePoint finished = from_proto(entry->snapshot().finished());
    if (finished >= begin && finished <= end) chosen.push_back(entry);
  }
  if (chosen.empty()) throw Error(ErrorKind::kNotFound, "no snapshot is in the range " + printable(selector));
  return chosen;
}

}  // namespace garner::snapshot
