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
  const Entries own = of_set(entries, set);
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

Entries select_by_span(const Entries& entries, const std::string& selector, const TimeSpan& from,
                       const TimeSpan& to, const std::string& set) {
  const TimePoint begin = std::min(from.first, to.first);
  const TimePoint end = std::max(from.last, to.last);
  Entries chosen;
  for (const v1::SnapshotEntry* entry : entries) {
    if (entry->recovered() || (!set.empty() && entry->snapshot().set().name() != set)) continue;
    const TimePoint finished = from_proto(entry->snapshot().finished());
    if (finished >= begin && finished <= end) chosen.push_back(entry);
  }
  if (chosen.empty()) throw Error(ErrorKind::kNotFound, "no snapshot is in the range " + printable(selector));
  return chosen;
}

Entries select_range(const Entries& entries, const std::string& selector, std::size_t dots,
                     const TimeOrigin& origin, const std::string& set) {
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
  return select_by_span(entries, selector, *first, *last, set);
}

Entries select_any(const Entries& entries, const std::string& selector, const TimeOrigin& origin,
                   const std::string& set) {
  const std::size_t dots = selector.find("..");
  if (dots != std::string::npos) return select_range(entries, selector, dots, origin, set);
  std::string whole = selector;
  if (!set.empty()) {
    if (selector == "latest") whole = set + "@latest";
    if (selector.starts_with('~') || selector.starts_with('@')) whole = set + selector;
  }
  const v1::SnapshotEntry& one = select(entries, whole, origin);
  const bool is_by_id = whole != "latest" && whole.find_first_of("@~") == std::string::npos;
  if (is_by_id) return {&one};
  return all_of_run(entries, one.snapshot().run());
}

}  // namespace

Entries select_all(const Entries& entries, const std::string& selector, const TimeOrigin& origin,
                   const std::string& set) {
  Entries chosen = select_any(entries, selector, origin, set);
  for (const v1::SnapshotEntry* entry : chosen) {
    // Whoever named the set would otherwise see nothing, or lose what he did not mean.
    const std::string& other = entry->snapshot().set().name();
    if (set.empty() || other == set) continue;
    throw Error(ErrorKind::kInvalidInput, "\"" + printable(selector) + "\" chooses a snapshot of the set \"" +
                                              printable(other) + "\", not of \"" + printable(set) +
                                              "\": write it without \"" + printable(set) + "\"");
  }
  return chosen;
}

}  // namespace garner::snapshot
