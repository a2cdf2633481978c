// Snapshots: choosing one by what a person types, and finding files in it. All functions are safe from any
// thread.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "garner/v1/store.pb.h"
#include "snapshot/time_text.h"
#include "snapshot/tree.h"
#include "store/blob_source.h"

namespace garner::snapshot {

namespace v1 = store::v1;

// A run's snapshot is listed by another id where a destination has other keys (backup/rename_run.h). It
// counts once, for the first of `entries` that lists it; who chooses several chooses all ids of each.
std::vector<const v1::SnapshotEntry*> one_of_each_run(const std::vector<const v1::SnapshotEntry*>& entries);
std::vector<const v1::SnapshotEntry*> all_of_run(const std::vector<const v1::SnapshotEntry*>& entries,
                                                 const std::string& run);
// Those of the set that count for latest, ~N and @TIME, one of each run, in their order. Never empty:
// Error(kNotFound) suggests near sets.
std::vector<const v1::SnapshotEntry*> of_set(const std::vector<const v1::SnapshotEntry*>& entries,
                                             const std::string& set);

// Chooses from `entries` (from the oldest to the newest, as age.h has it): an id prefix of at least four hex
// digits, `latest`, `SET@latest`, `SET~N` (the Nth before that), `SET@TIME` (the last that was finished at or
// before; TIME as time_text.h has it, of `origin`; the end of its day, minute or second counts). Recovered
// snapshots are chosen by id only. Error(kNotFound) suggests near ids or sets; Error(kInvalidInput) for what
// is none of these, or a prefix that fits several.
const v1::SnapshotEntry& select(const std::vector<const v1::SnapshotEntry*>& entries,
                                const std::string& selector, const TimeOrigin& origin);

// Chooses any number by a SELECTOR: what select() takes; `SET~N..~M` (both ends in); `TIME..TIME` (finished
// from the beginning of the earlier to the end of the later). With a `set` given `latest` and the times are
// of that, `~N`, `~N..~M` and `@TIME` will do, and what would choose another set's is Error(kInvalidInput).
// Recovered snapshots are chosen by id only. Never empty: Error(kNotFound); Error(kInvalidInput).
std::vector<const v1::SnapshotEntry*> select_all(const std::vector<const v1::SnapshotEntry*>& entries,
                                                 const std::string& selector, const TimeOrigin& origin,
                                                 const std::string& set = {});

// The source that holds the path, absolute and normal; of several that lie within each other the innermost.
// Null where none does. It is the snapshot's.
const v1::Source* find_source(const v1::Snapshot& snapshot, const std::string& path);

// Finds the node that a path names, files and folders alike. The path is absolute, as it was in the source,
// or the name of what a command wrote, or, in a snapshot of one source beside those, relative to it; empty is
// the only source itself. Error(kNotFound) names
// the deepest folder that is there and near names in it, or the sources when the path is in none;
// Error(kInvalidInput) for a path that is not absolute in a snapshot of several sources.
struct FoundNode {
  NamedNode named;
  std::string path;  // absolute
  bool is_source_root = false;
};
FoundNode find_node(const v1::Snapshot& snapshot, const std::string& path, store::BlobSource& source);

}  // namespace garner::snapshot
