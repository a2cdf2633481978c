#include "snapshots.h"

#include <algorithm>
#include <map>
#include <set>

#include "all_snapshots.h"
#include "base/error.h"
#include "entry_message.h"
#include "path_relation.h"
#include "snapshot/node.h"
#include "snapshot/snapshot.h"
#include "timestamp.h"

namespace garner::daemon {

namespace {

constexpr int kEntriesInPage = 500;
constexpr std::size_t kSnapshotsInPage = 250;

void describe(const AllSnapshots& all, const KnownSnapshot& known, v1::SnapshotInfo& info) {
  const store::v1::Snapshot& snapshot = known.entry->snapshot();
  info.set_id(to_hex(as_bytes(known.entry->id())));
  info.set_set(snapshot.set().name());
  *info.mutable_time() = to_timestamp(known.finished);
  info.set_files(snapshot.totals().files());
  info.set_bytes(snapshot.totals().bytes());
  info.set_host(snapshot.host());
  for (const auto& source : snapshot.sources()) info.add_sources(printable(source.path()));
  info.set_error_count(snapshot.error_count());
  info.set_recovered(known.entry->recovered());
  info.set_pinned(known.pinned);
  info.mutable_tags()->Add(known.tags.begin(), known.tags.end());
  for (const std::uint32_t shelf : known.shelves) info.add_destinations(all.shelves[shelf].destination);
  info.set_new_bytes(snapshot.new_bytes());
}

using Entries = std::vector<const store::v1::SnapshotEntry*>;

// What is not found may be at a destination that was not asked.
template <typename Choose>
auto choose_of(const AllSnapshots& all, const Choose& choose) {
  Entries entries;
  for (const KnownSnapshot& known : *all.known) entries.push_back(known.entry);
  try {
    return choose(entries);
  } catch (const Error& error) {
    if (all.trouble.empty() || error.kind() != ErrorKind::kNotFound) throw;
    throw Error(error.kind(), std::string(error.what()) + " (not asked: " + all.trouble + ")");
  }
}

snapshot::TimeOrigin origin_of(Destinations& destinations, const std::string& zone) {
  return {destinations.context().clock.now(), zone};
}

bool is_set(const AllSnapshots& all, Destinations& destinations, const std::string& name) {
  if (destinations.context().catalog.configuration().set(name)) return true;
  return std::any_of(all.known->begin(), all.known->end(), [&](const KnownSnapshot& known) {
    return known.entry->snapshot().set().name() == name;
  });
}

std::string take_set(const AllSnapshots& all, Destinations& destinations,
                     google::protobuf::RepeatedPtrField<std::string>& names) {
  if (names.empty() || !is_set(all, destinations, names.Get(0))) return {};
  std::string set = names.Get(0);
  names.DeleteSubrange(0, 1);
  return set;
}

// Which snapshots a request asks for.
class WantedFilter {
 public:
  WantedFilter(const v1::ListSnapshotsRequest& request, const AllSnapshots& all, Destinations& destinations,
               const std::string& zone)
      : request_(request), set_(request.set()) {
    const snapshot::TimeOrigin origin = origin_of(destinations, zone);
    auto names = request.names();
    if (set_.empty()) set_ = take_set(all, destinations, names);
    for (const std::string& selector : names) {
      const Entries some = choose_of(
          all, [&](const Entries& entries) { return snapshot::select_all(entries, selector, origin, set_); });
      chosen_.insert(some.begin(), some.end());
    }
    any_ = names.empty();
    if (!request.since().empty()) since_ = snapshot::read_time(request.since(), origin).first;
    if (!request.until().empty()) until_ = snapshot::read_time(request.until(), origin).last;
    if (since_ && until_ && *since_ > *until_) {
      throw Error(ErrorKind::kInvalidInput, "nothing is between: \"" + request.since() +
                                                "\" is later than \"" + request.until() + "\"");
    }
  }

  bool has(const KnownSnapshot& known) const {
    const store::v1::Snapshot& snapshot = known.entry->snapshot();
    return (any_ || chosen_.count(known.entry) > 0) && (set_.empty() || snapshot.set().name() == set_) &&
           (!since_ || known.finished >= *since_) && (!until_ || known.finished <= *until_) &&
           (request_.host().empty() || snapshot.host() == request_.host()) &&
           std::all_of(request_.tags().begin(), request_.tags().end(),
                       [&](const std::string& tag) { return known.tags.contains(tag); }) &&
           (request_.path().empty() ||
            std::any_of(snapshot.sources().begin(), snapshot.sources().end(), [&](const auto& source) {
              return is_same_or_inside(request_.path(), source.path());
            }));
  }

 private:
  const v1::ListSnapshotsRequest& request_;
  std::string set_;
  bool any_ = true;  // no SELECTOR is given
  std::set<const store::v1::SnapshotEntry*> chosen_;
  std::optional<TimePoint> since_;
  std::optional<TimePoint> until_;
};

// Largest first of numbers, names in their order; those that are alike as they stand.
void sort(std::vector<const KnownSnapshot*>& all, v1::SnapshotOrder order) {
  const auto by = [&](const auto& value) {
    std::stable_sort(all.begin(), all.end(), [&](const KnownSnapshot* a, const KnownSnapshot* b) {
      return value(a->entry->snapshot(), b->entry->snapshot());
    });
  };
  using Snapshot = store::v1::Snapshot;
  switch (order) {
    case v1::SNAPSHOT_ORDER_FILES:
      return by([](const Snapshot& a, const Snapshot& b) { return a.totals().files() > b.totals().files(); });
    case v1::SNAPSHOT_ORDER_BYTES:
      return by([](const Snapshot& a, const Snapshot& b) { return a.totals().bytes() > b.totals().bytes(); });
    case v1::SNAPSHOT_ORDER_NEW:
      return by([](const Snapshot& a, const Snapshot& b) { return a.new_bytes() > b.new_bytes(); });
    case v1::SNAPSHOT_ORDER_ERRORS:
      return by([](const Snapshot& a, const Snapshot& b) { return a.error_count() > b.error_count(); });
    case v1::SNAPSHOT_ORDER_SET:
      return by([](const Snapshot& a, const Snapshot& b) { return a.set().name() < b.set().name(); });
    case v1::SNAPSHOT_ORDER_HOST:
      return by([](const Snapshot& a, const Snapshot& b) { return a.host() < b.host(); });
    default:
      return;
  }
}

SnapshotHistory history_of(const AllSnapshots& all, std::chrono::steady_clock::time_point begun,
                           const std::function<bool(const KnownSnapshot&)>& is_wanted) {
  SnapshotHistory history{{}, all.trouble, begun};
  std::map<std::string, std::size_t> runs;
  for (const KnownSnapshot& known : *all.known) {
    const auto [place, added] = runs.try_emplace(known.entry->snapshot().run(), history.snapshots.size());
    if (added) history.snapshots.emplace_back();
    SnapshotCopies& copies = history.snapshots[place->second];
    copies.wanted = copies.wanted || is_wanted(known);
    // The state's own, and not a copy of each.
    const std::shared_ptr<const store::v1::Snapshot> snapshot(all.shelves[known.shelves.front()].state,
                                                              &known.entry->snapshot());
    for (const std::uint32_t number : known.shelves) {
      const SnapshotShelf& shelf = all.shelves[number];
      copies.copies.push_back(
          {to_hex(as_bytes(known.entry->id())), snapshot, shelf.destination, shelf.repository});
    }
  }
  return history;
}

}  // namespace

SnapshotListing::SnapshotListing(Destinations& destinations, const v1::ListSnapshotsRequest& request,
                                 const std::string& zone)
    : all_(std::make_unique<const AllSnapshots>(gather_snapshots(destinations))) {
  const WantedFilter wanted(request, *all_, destinations, zone);
  for (auto known = all_->known->rbegin(); known != all_->known->rend(); ++known) {
    if (wanted.has(*known)) listed_.push_back(&*known);
  }
  if (listed_.empty() && !all_->trouble.empty())
    throw Error(ErrorKind::kDestinationAway, "no snapshot can be listed: " + all_->trouble);
  sort(listed_, request.order());
  if (request.limit() > 0 && listed_.size() > request.limit()) listed_.resize(request.limit());
}

SnapshotListing::~SnapshotListing() = default;

bool SnapshotListing::empty() const { return listed_.empty(); }

std::set<std::string> SnapshotListing::ids() const {
  std::set<std::string> ids;
  for (const KnownSnapshot* known : listed_) ids.insert(to_hex(as_bytes(known->entry->id())));
  return ids;
}

bool SnapshotListing::next_page(v1::ListSnapshotsResponse& page, const std::atomic<bool>& cancelled) {
  if (done_ || cancelled) return false;
  const std::size_t end = std::min(next_ + kSnapshotsInPage, listed_.size());
  for (; next_ < end; ++next_) {
    v1::SnapshotInfo& info = *page.add_snapshots();
    describe(*all_, *listed_[next_], info);
    if (!sizes_) continue;
    if (const auto only = sizes_->only.find(info.id()); only != sizes_->only.end())
      info.set_only_bytes(only->second);
  }
  done_ = next_ == listed_.size();
  if (done_ && sizes_) *page.mutable_sizes() = sizes_->all;
  return true;
}

std::string take_set(Destinations& destinations, google::protobuf::RepeatedPtrField<std::string>& names) {
  return names.empty() ? std::string() : take_set(gather_snapshots(destinations), destinations, names);
}

ChosenSnapshot choose_snapshot(Destinations& destinations, const std::string& selector,
                               const std::string& zone) {
  const AllSnapshots all = gather_snapshots(destinations);
  return choose_of(all, [&](const Entries& entries) -> ChosenSnapshot {
    const store::v1::SnapshotEntry& entry =
        snapshot::select(entries, selector, origin_of(destinations, zone));
    const auto known = std::find_if(all.known->begin(), all.known->end(),
                                    [&](const KnownSnapshot& one) { return one.entry == &entry; });
    return {to_hex(as_bytes(entry.id())), entry.snapshot(), all.shelves[known->shelves.front()].repository};
  });
}

std::vector<std::string> choose_snapshots(Destinations& destinations, const std::string& selector,
                                          const std::string& set, const std::string& zone) {
  return choose_of(gather_snapshots(destinations), [&](const Entries& entries) {
    std::vector<std::string> ids;
    for (const auto* entry : snapshot::select_all(entries, selector, origin_of(destinations, zone), set))
      ids.push_back(to_hex(as_bytes(entry->id())));
    return ids;
  });
}

google::protobuf::Timestamp time_of(const SnapshotCopy& copy) {
  return to_timestamp(snapshot::from_proto(copy.snapshot->finished()));
}

SnapshotHistory snapshot_history(Destinations& destinations, const v1::ListSnapshotsRequest& wanted,
                                 const std::string& zone) {
  const auto begun = destinations.context().clock.steady();
  const AllSnapshots all = gather_snapshots(destinations);
  const WantedFilter chosen(wanted, all, destinations, zone);
  return history_of(all, begun, [&](const KnownSnapshot& known) { return chosen.has(known); });
}

SnapshotHistory known_history(Destinations& destinations) {
  const auto begun = destinations.context().clock.steady();
  return history_of(gather_snapshots(destinations, false), begun, [](const KnownSnapshot&) { return true; });
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

bool FolderListing::next_page(v1::ListFolderResponse& page, const std::atomic<bool>& cancelled) {
  if (done_ || cancelled) return false;
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
  return true;
}

}  // namespace garner::daemon
