#include "snapshots.h"

#include <algorithm>
#include <map>

#include "base/error.h"
#include "entry_message.h"
#include "snapshot/age.h"
#include "snapshot/node.h"
#include "snapshot/snapshot.h"
#include "timestamp.h"

namespace garner::daemon {

namespace {

constexpr int kEntriesInPage = 500;

// One snapshot, wherever it is.
struct Known {
  const store::v1::SnapshotEntry* entry = nullptr;
  std::vector<std::string> destinations;
  std::shared_ptr<store::Repository> repository;
  bool pinned = false;  // anywhere
};

struct AllSnapshots {
  std::vector<std::shared_ptr<const store::v1::RepositoryState>> states;  // what entries point into
  std::vector<Known> known;                                               // from the oldest to the newest
  std::string trouble;                                                    // with destinations
};

AllSnapshots gather(Destinations& destinations) {
  AllSnapshots all;
  std::map<std::string, std::size_t> places;
  for (const auto& facts : destinations.nearest_first()) {
    std::shared_ptr<store::Repository> repository;
    try {
      repository = destinations.open(facts.name);
    } catch (const Error& error) {
      all.trouble += std::string(all.trouble.empty() ? "" : "; ") + error.what();
      continue;
    }
    const auto state = repository->state();
    all.states.push_back(state);
    for (const store::v1::SnapshotEntry& entry : state->snapshots()) {
      const auto [place, added] = places.try_emplace(entry.id(), all.known.size());
      if (added) all.known.push_back({&entry, {}, repository, false});
      all.known[place->second].destinations.push_back(facts.name);
      all.known[place->second].pinned |= entry.pinned();
    }
  }
  // Those of one time in the order they were committed.
  const TimePoint now = destinations.context().clock.now();
  std::stable_sort(all.known.begin(), all.known.end(), [&](const Known& a, const Known& b) {
    return snapshot::is_older(snapshot::from_proto(a.entry->snapshot().finished()),
                              snapshot::from_proto(b.entry->snapshot().finished()), now);
  });
  return all;
}

v1::SnapshotInfo describe(const Known& known) {
  const store::v1::Snapshot& snapshot = known.entry->snapshot();
  v1::SnapshotInfo info;
  info.set_id(to_hex(as_bytes(known.entry->id())));
  info.set_set(snapshot.set().name());
  *info.mutable_time() = to_timestamp(snapshot::from_proto(snapshot.finished()));
  info.set_files(snapshot.totals().files());
  info.set_bytes(snapshot.totals().bytes());
  info.set_host(snapshot.host());
  for (const auto& source : snapshot.sources()) info.add_sources(printable(source.path()));
  info.set_error_count(snapshot.error_count());
  info.set_recovered(known.entry->recovered());
  info.set_pinned(known.pinned);
  for (const std::string& name : known.destinations) info.add_destinations(name);
  info.set_new_bytes(snapshot.new_bytes());
  return info;
}

}  // namespace

v1::ListSnapshotsResponse list_snapshots(Destinations& destinations, const std::string& set) {
  const AllSnapshots all = gather(destinations);
  v1::ListSnapshotsResponse response;
  for (auto known = all.known.rbegin(); known != all.known.rend(); ++known) {
    if (set.empty() || known->entry->snapshot().set().name() == set)
      *response.add_snapshots() = describe(*known);
  }
  if (response.snapshots().empty() && !all.trouble.empty()) {
    throw Error(ErrorKind::kDestinationAway, "no snapshot can be listed: " + all.trouble);
  }
  return response;
}

ChosenSnapshot choose_snapshot(Destinations& destinations, const std::string& selector) {
  const AllSnapshots all = gather(destinations);
  std::vector<const store::v1::SnapshotEntry*> entries;
  for (const Known& known : all.known) entries.push_back(known.entry);
  try {
    const store::v1::SnapshotEntry& entry = snapshot::select(entries, selector);
    const auto known = std::find_if(all.known.begin(), all.known.end(),
                                    [&](const Known& one) { return one.entry == &entry; });
    return {to_hex(as_bytes(entry.id())), entry.snapshot(), known->repository};
  } catch (const Error& error) {
    if (all.trouble.empty() || error.kind() != ErrorKind::kNotFound) throw;
    throw Error(error.kind(), std::string(error.what()) + " (not asked: " + all.trouble + ")");
  }
}

std::vector<std::string> choose_snapshots(Destinations& destinations, const std::string& selector,
                                          const std::string& set) {
  const AllSnapshots all = gather(destinations);
  std::vector<const store::v1::SnapshotEntry*> entries;
  for (const Known& known : all.known) entries.push_back(known.entry);
  std::vector<std::string> ids;
  try {
    for (const auto* entry : snapshot::select_all(entries, selector, set))
      ids.push_back(to_hex(as_bytes(entry->id())));
  } catch (const Error& error) {
    if (all.trouble.empty() || error.kind() != ErrorKind::kNotFound) throw;
    throw Error(error.kind(), std::string(error.what()) + " (not asked: " + all.trouble + ")");
  }
  return ids;
}

FolderListing::FolderListing(ChosenSnapshot chosen, const std::string& path) : chosen_(std::move(chosen)) {
  const store::v1::Snapshot& snapshot = chosen_.snapshot;
  if (path.empty() && snapshot.sources_size() != 1) {
    for (const auto& source : snapshot.sources()) {
      v1::Entry entry = to_entry({source.root(), source.user(), source.group()});
      entry.set_name(printable(source.path()));
      entry.set_name_bytes(source.path());
      ready_.push_back(std::move(entry));
    }
    return;
  }
  const snapshot::FoundNode found = snapshot::find_node(snapshot, path, *chosen_.repository);
  if (found.named.node.type() == store::v1::NODE_TYPE_FOLDER) {
    reader_ = std::make_unique<snapshot::TreeReader>(
        *chosen_.repository, crypto::BlobId::from_bytes(as_bytes(found.named.node.tree())));
  } else {
    ready_.push_back(to_entry(found.named));
  }
}

std::optional<v1::ListFolderResponse> FolderListing::next_page() {
  if (done_) return std::nullopt;
  v1::ListFolderResponse page;
  for (v1::Entry& entry : ready_) *page.add_entries() = std::move(entry);
  ready_.clear();
  while (reader_ && page.entries_size() < kEntriesInPage) {
    const std::optional<snapshot::NamedNode> named = reader_->next();
    if (named.has_value()) {
      *page.add_entries() = to_entry(*named);
    } else {
      reader_.reset();
    }
  }
  done_ = reader_ == nullptr;
  return page;
}

}  // namespace garner::daemon
