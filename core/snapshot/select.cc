#include <algorithm>
#include <limits>
#include <set>

#include "base/bytes.h"
#include "base/error.h"
#include "snapshot/near_names.h"
#include "snapshot/node.h"
#include "snapshot/snapshot.h"

namespace garner::snapshot {
namespace {

using Entries = std::vector<const v1::SnapshotEntry*>;

constexpr std::size_t kLeastIdDigits = 4;
constexpr std::size_t kIdDigits = 64;
constexpr std::size_t kShownDigits = 12;

bool is_hex(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
  });
}

std::string hex_id(const v1::SnapshotEntry& entry) { return to_hex(as_bytes(entry.id())); }

std::string lower(std::string hex) {
  std::transform(hex.begin(), hex.end(), hex.begin(),
                 [](char c) { return c >= 'A' && c <= 'F' ? static_cast<char>(c - 'A' + 'a') : c; });
  return hex;
}

// Null where no id begins so; near ones are offered then.
const v1::SnapshotEntry* find_by_id(const Entries& entries, const std::string& prefix, NearNames& near) {
  const v1::SnapshotEntry* found = nullptr;
  std::set<std::string> matches;
  for (const v1::SnapshotEntry* entry : entries) {
    const std::string id = hex_id(*entry);
    if (id.starts_with(prefix)) {
      found = entry;
      matches.insert(id);
    } else {
      near.offer(id.substr(0, prefix.size()));
    }
  }
  if (matches.size() > 1) {
    std::string list;
    for (const std::string& id : matches) {
      if (list.size() > 100) {
        list += ", …";
        break;
      }
      list += (list.empty() ? "" : ", ") + id.substr(0, std::max(kShownDigits, prefix.size() + 4));
    }
    throw Error(ErrorKind::kInvalidInput, "\"" + prefix + "\" fits several snapshots: " + list);
  }
  return found;
}

const v1::SnapshotEntry& select_by_time(const Entries& entries, const std::string& set,
                                        const std::string& text, const TimeOrigin& origin) {
  const TimePoint time = read_time(text, origin).last;
  const v1::SnapshotEntry* found = nullptr;
  for (const v1::SnapshotEntry* entry : of_set(entries, set)) {
    const TimePoint finished = from_proto(entry->snapshot().finished());
    // The greatest time rather than the last in order: what is of the future comes first there (age.h), and
    // may be just what is asked for.
    if (finished <= time && (found == nullptr || finished >= from_proto(found->snapshot().finished())))
      found = entry;
  }
  if (found == nullptr) {
    throw Error(ErrorKind::kNotFound,
                "no snapshot of the set \"" + set + "\" was finished at or before " + printable(text));
  }
  return *found;
}

const v1::SnapshotEntry& select_before_latest(const Entries& entries, const std::string& set,
                                              const std::string& steps) {
  const bool digits = !steps.empty() && steps.size() <= 9 &&
                      std::all_of(steps.begin(), steps.end(), [](char c) { return c >= '0' && c <= '9'; });
  if (!digits) {
    throw Error(ErrorKind::kInvalidInput, "after \"" + set +
                                              "~\" comes how many snapshots before the latest, not \"" +
                                              printable(steps) + "\"");
  }
  const Entries own = of_set(entries, set);
  const std::size_t back = std::stoul(steps);
  if (back >= own.size()) {
    throw Error(ErrorKind::kNotFound, "the set \"" + set + "\" has " + std::to_string(own.size()) +
                                          " snapshots: the oldest is " + set + "~" +
                                          std::to_string(own.size() - 1));
  }
  return *own[own.size() - 1 - back];
}

}  // namespace

Entries one_of_each_run(const Entries& entries) {
  Entries result;
  std::set<std::string> runs;
  for (const v1::SnapshotEntry* entry : entries) {
    if (runs.insert(entry->snapshot().run()).second) result.push_back(entry);
  }
  return result;
}

Entries all_of_run(const Entries& entries, const std::string& run) {
  Entries result;
  for (const v1::SnapshotEntry* entry : entries) {
    if (!entry->recovered() && entry->snapshot().run() == run) result.push_back(entry);
  }
  return result;
}

Entries of_set(const Entries& entries, const std::string& set) {
  Entries result;
  NearNames near(set);
  std::set<std::string> names;
  for (const v1::SnapshotEntry* entry : entries) {
    if (entry->recovered()) continue;
    const std::string& name = entry->snapshot().set().name();
    if (name == set) {
      result.push_back(entry);
    } else if (names.insert(name).second) {
      near.offer(name);
    }
  }
  if (result.empty()) {
    throw Error(ErrorKind::kNotFound,
                "there is no snapshot of a set \"" + printable(set) + "\"" + near.suggestion());
  }
  return one_of_each_run(result);
}

const v1::SnapshotEntry& select(const std::vector<const v1::SnapshotEntry*>& entries,
                                const std::string& selector, const TimeOrigin& origin) {
  if (selector == "latest") {
    const auto latest = std::find_if(entries.rbegin(), entries.rend(),
                                     [](const v1::SnapshotEntry* entry) { return !entry->recovered(); });
    if (latest == entries.rend()) {
      throw Error(ErrorKind::kNotFound, entries.empty()
                                            ? "there are no snapshots yet"
                                            : "there are only recovered snapshots: choose one by its id");
    }
    return *all_of_run(entries, (*latest)->snapshot().run()).front();
  }
  if (const std::size_t mark = selector.find_first_of("@~"); mark != std::string::npos) {
    const std::string set = selector.substr(0, mark);
    const std::string rest = selector.substr(mark + 1);
    if (!is_valid_set_name(set)) {
      throw Error(ErrorKind::kInvalidInput, "\"" + printable(set) + "\" cannot be the name of a backup set");
    }
    if (selector[mark] == '~') return select_before_latest(entries, set, rest);
    if (rest == "latest") return select_before_latest(entries, set, "0");
    return select_by_time(entries, set, rest, origin);
  }
  std::set<std::string> names;
  for (const v1::SnapshotEntry* entry : entries) names.insert(entry->snapshot().set().name());
  if (selector.size() >= kLeastIdDigits && selector.size() <= kIdDigits && is_hex(selector)) {
    const std::string prefix = lower(selector);
    NearNames near(prefix);
    if (const v1::SnapshotEntry* found = find_by_id(entries, prefix, near)) return *found;
    // A set's name may be one of hex digits.
    if (!names.contains(selector)) {
      throw Error(ErrorKind::kNotFound,
                  "no snapshot's id begins with \"" + selector + "\"" + near.suggestion());
    }
  }
  NearNames near(selector);
  for (const std::string& name : names) near.offer(name);
  throw Error(ErrorKind::kInvalidInput,
              "\"" + printable(selector) + "\" chooses no snapshot: " +
                  (names.contains(selector)
                       ? "for the set's latest write " + selector + "@latest"
                       : "write latest, SET@latest, SET~N, SET@TIME or at least four digits of an id" +
                             near.suggestion()));
}

}  // namespace garner::snapshot
