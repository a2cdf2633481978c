#include "snapshot_versions.h"

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "backup/same_names.h"
#include "base/error.h"
#include "base/file.h"
#include "entry_message.h"
#include "nearest_source.h"
#include "path_sights.h"
#include "snapshot/layout.h"
#include "snapshot/node.h"
#include "snapshot/snapshot.h"
#include "snapshot/versions.h"
#include "timestamp.h"
#include "version_numbers.h"

namespace garner::daemon {

namespace {

class VersionListing {
 public:
  VersionListing(Destinations& destinations, const v1::ListVersionsRequest& request, const std::string& zone)
      : path_(normal_path(request.path())) {
    v1::ListSnapshotsRequest wanted;
    *wanted.mutable_names() = request.names();
    wanted.set_since(request.since());
    wanted.set_until(request.until());
    history_ = snapshot_history(destinations, wanted, zone);
    // All are looked into, so that a number means the same whichever are asked for.
    for (SnapshotCopies& snapshot : history_.snapshots) {
      seen_.emplace_back().is_wanted = std::exchange(snapshot.wanted, true);
    }
  }

  void look(Histories& histories, const Histories::Ends& cancelled) {
    rows_ = histories.rows(history_, cancelled);
    for (const HistoryRow& row : rows_) {
      histories.read(row, [&](catalog::History& history) { look_into(row, history); });
    }
    for (std::size_t number = 0; number < seen_.size(); ++number) add(number);
  }

  v1::ListVersionsResponse take() {
    const auto of_all = all_.newest_first();
    if (of_all.empty()) throw_missing();
    std::map<std::size_t, std::uint32_t> numbers;
    for (const auto& one : of_all)
      numbers.emplace(one.version, static_cast<std::uint32_t>(numbers.size() + 1));
    for (const auto& one : wanted_.newest_first()) describe(one, numbers.at(one.version));
    for (auto gap = wanted_.gaps().rbegin(); gap != wanted_.gaps().rend(); ++gap) describe(*gap);
    response_.set_snapshots(wanted_.snapshots());
    return std::move(response_);
  }

 private:
  using Kind = PathSights::Sight::Kind;
  using History = snapshot::VersionHistory;

  // Of each snapshot, as history_ has them.
  struct Seen {
    bool is_wanted = false;
    PathSights::Sight sight;
    const SnapshotCopy* copy = nullptr;  // with the names of the sight's content
    const std::string* names = nullptr;
    const std::string* set = nullptr;
  };

  void look_into(const HistoryRow& row, catalog::History& history) {
    const PathSights& sights = *sights_.emplace_back(std::make_unique<PathSights>(row, history, path_));
    const std::string& names = *names_.insert(backup::names_of(*row.places.front().copy->repository)).first;
    for (const HistoryRow::Place& place : row.places) {
      Seen& seen = seen_[static_cast<std::size_t>(place.snapshot - history_.snapshots.data())];
      seen.sight = sights.look(place);
      seen.copy = place.copy;
      seen.names = &names;
      seen.set = &row.set;
    }
  }

  void add(std::size_t number) {
    const Seen& seen = seen_[number];
    const SnapshotCopies& snapshot = history_.snapshots[number];
    if (seen.sight.kind == Kind::kUnread) {
      if (seen.is_wanted) add_error(snapshot, seen.sight.trouble);
      return;
    }
    if (seen.sight.kind != Kind::kOutside) newest_ = &snapshot;
    snapshot::Sight sight;
    if (seen.sight.kind == Kind::kAbsent) sight.kind = snapshot::Sight::Kind::kAbsent;
    if (seen.sight.kind == Kind::kPresent) {
      sight = {snapshot::Sight::Kind::kPresent, versions_.number_of(seen.sight.version->facts, *seen.names)};
    }
    all_.add(number, *seen.set, sight);
    if (!seen.is_wanted) return;
    wanted_.add(number, *seen.set, sight);
    if (seen.sight.kind != Kind::kPresent) return;
    for (const SnapshotCopy& copy : snapshot.copies) places_[sight.version].insert(copy.destination);
  }

  void add_error(const SnapshotCopies& snapshot, const std::string& trouble) {
    v1::VersionError& error = *response_.add_errors();
    error.set_snapshot(snapshot.copies.front().id);
    error.set_error(trouble);
  }

  void describe(const History::Appearance& appearance, std::uint32_t number) {
    const Seen& first = seen_[appearance.first];
    const Seen& last = seen_[appearance.last];
    v1::FileVersion& version = *response_.add_versions();
    version.set_number(number);
    *version.mutable_entry() = entry_of(appearance.last);
    *version.mutable_first_seen() = time_of(history_.snapshots[appearance.first].copies.front());
    *version.mutable_last_seen() = time_of(history_.snapshots[appearance.last].copies.front());
    version.set_first_snapshot(first.copy->id);
    version.set_last_snapshot(last.copy->id);
    version.set_snapshots(appearance.snapshots);
    for (const std::string& place : places_[appearance.version]) version.add_destinations(place);
    const snapshot::Layout layout(*last.copy->snapshot);
    version.set_layout_path(layout.path_of(path_).value_or(""));
  }

  // What stands there in a snapshot that has it.
  v1::Entry entry_of(std::size_t number) {
    const Seen& seen = seen_[number];
    const catalog::NodeFacts& facts = seen.sight.version->facts;
    if (facts.type != store::v1::NODE_TYPE_FILE && facts.type != store::v1::NODE_TYPE_FOLDER) {
      // Where a link leads is in the snapshot alone.
      std::vector<std::shared_ptr<store::Repository>> repositories;
      for (const SnapshotCopy& copy : history_.snapshots[number].copies) {
        if (copy.id == seen.copy->id) repositories.push_back(copy.repository);
      }
      NearestSource source(std::move(repositories));
      try {
        return to_entry(snapshot::find_node(*seen.copy->snapshot, path_, source).named);
      } catch (const Error& error) {
        add_error(history_.snapshots[number], error.what());
      }
    }
    snapshot::NamedNode named{{}, facts.user, facts.group};
    named.node.set_name(base_name(path_));
    named.node.set_type(facts.type);
    named.node.set_mode(facts.mode);
    named.node.set_uid(facts.uid);
    named.node.set_gid(facts.gid);
    named.node.set_stale(facts.stale);
    named.node.set_inconsistent(facts.inconsistent);
    *named.node.mutable_mtime() = snapshot::to_proto(facts.mtime);
    if (facts.type == store::v1::NODE_TYPE_FOLDER) {
      named.node.mutable_totals()->set_bytes(facts.size);
      named.node.mutable_totals()->set_files(facts.files);
    } else {
      named.node.set_size(facts.size);
    }
    return to_entry(named);
  }

  void describe(const History::Gap& gap) {
    const SnapshotCopies& first = history_.snapshots[gap.first];
    const SnapshotCopies& last = history_.snapshots[gap.last];
    v1::VersionGap& message = *response_.add_gaps();
    *message.mutable_first_seen() = time_of(first.copies.front());
    *message.mutable_last_seen() = time_of(last.copies.front());
    message.set_first_snapshot(first.copies.front().id);
    message.set_last_snapshot(last.copies.front().id);
    message.set_snapshots(gap.snapshots);
    message.set_ended(gap.ended);
  }

  [[noreturn]] void throw_missing() const {
    std::string missing;
    if (!history_.trouble.empty()) missing = " (not asked: " + history_.trouble + ")";
    if (!response_.errors().empty()) missing += " (not read: " + response_.errors(0).error() + ")";
    if (newest_ == nullptr) {
      throw Error(ErrorKind::kNotFound, "no snapshot has " + printable(path_) + " in its sources" + missing);
    }
    try {
      const SnapshotCopy& copy = newest_->copies.front();
      snapshot::find_node(*copy.snapshot, path_, *copy.repository);
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::kNotFound) throw;
      throw Error(error.kind(),
                  std::string("no snapshot has it; in the newest one, ") + error.what() + missing);
    }
    throw Error(ErrorKind::kInternal, printable(path_) + " was there, and was not seen");
  }

  const std::string path_;
  SnapshotHistory history_;
  std::vector<Seen> seen_;
  std::vector<HistoryRow> rows_;
  std::vector<std::unique_ptr<PathSights>> sights_;  // of each row
  std::set<std::string> names_;
  VersionNumbers versions_;
  History all_;
  History wanted_;
  std::map<std::size_t, std::set<std::string>> places_;  // by version, of those that are wanted
  const SnapshotCopies* newest_ = nullptr;               // could be looked into, and has it in its sources
  v1::ListVersionsResponse response_;
};

}  // namespace

v1::ListVersionsResponse list_versions(Destinations& destinations, Histories& histories,
                                       const v1::ListVersionsRequest& request, const std::string& zone,
                                       const Histories::Ends& cancelled) {
  VersionListing listing(destinations, request, zone);
  listing.look(histories, cancelled);
  return listing.take();
}

}  // namespace garner::daemon
