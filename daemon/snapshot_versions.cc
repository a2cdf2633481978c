#include "snapshot_versions.h"

#include <map>
#include <memory>
#include <set>
#include <utility>
#include <vector>

#include "backup/same_names.h"
#include "base/error.h"
#include "base/file.h"
#include "entry_message.h"
#include "snapshot/layout.h"
#include "snapshot/node.h"
#include "snapshot/snapshot.h"
#include "snapshot/versions.h"
#include "snapshots.h"
#include "timestamp.h"

namespace garner::daemon {

namespace {

// Of repositories, one for all in which equal content has equal ids.
class NameNumbers {
 public:
  std::uint32_t of(const store::Repository& repository) {
    const auto known = numbers_.find(&repository);
    if (known != numbers_.end()) return known->second;
    std::uint32_t number = 0;
    while (number < firsts_.size() && !backup::has_same_names(*firsts_[number], repository)) ++number;
    if (number == firsts_.size()) firsts_.push_back(&repository);
    return numbers_[&repository] = number;
  }

 private:
  std::map<const store::Repository*, std::uint32_t> numbers_;
  std::vector<const store::Repository*> firsts_;
};

google::protobuf::Timestamp time_of(const SnapshotCopies& snapshot) {
  return to_timestamp(snapshot::from_proto(snapshot.copies.front().snapshot->finished()));
}

class VersionListing {
 public:
  VersionListing(Destinations& destinations, const v1::ListVersionsRequest& request, const std::string& zone)
      : path_(normal_path(request.path())), seen_(path_) {
    v1::ListSnapshotsRequest wanted;
    *wanted.mutable_names() = request.names();
    wanted.set_since(request.since());
    wanted.set_until(request.until());
    history_ = snapshot_history(destinations, wanted, zone);
  }

  void look(const std::function<bool()>& cancelled) {
    for (std::size_t number = 0; number < history_.snapshots.size(); ++number) {
      if (cancelled()) throw Error(ErrorKind::kCancelled, "the caller went away");
      look_into(number);
    }
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
  using History = snapshot::VersionHistory;

  void look_into(std::size_t number) {
    const SnapshotCopies& snapshot = history_.snapshots[number];
    std::string trouble;
    for (const SnapshotCopy& copy : snapshot.copies) {
      try {
        const snapshot::Sight sight =
            seen_.look(*copy.snapshot, *copy.repository, names_.of(*copy.repository));
        if (&copy != &snapshot.copies.front()) read_at_[number] = &copy;
        add(number, sight);
        return;
      } catch (const Error& error) {
        if (error.kind() == ErrorKind::kCancelled) throw;
        trouble += (trouble.empty() ? "" : "; ") + copy.destination + ": " + error.what();
      }
    }
    if (!snapshot.wanted) return;
    v1::VersionError& error = *response_.add_errors();
    error.set_snapshot(snapshot.copies.front().id);
    error.set_error(trouble);
  }

  void add(std::size_t number, const snapshot::Sight& sight) {
    const SnapshotCopies& snapshot = history_.snapshots[number];
    const store::v1::Snapshot& made = *snapshot.copies.front().snapshot;
    if (sight.kind != snapshot::Sight::Kind::kOutside) newest_ = &snapshot;
    const std::string set = made.host() + "/" + made.set().name();
    all_.add(number, set, sight);
    if (!snapshot.wanted) return;
    wanted_.add(number, set, sight);
    if (sight.kind != snapshot::Sight::Kind::kPresent) return;
    for (const SnapshotCopy& copy : snapshot.copies) places_[sight.version].insert(copy.destination);
  }

  // The one that could be read: whoever restores the version or reads its content asks for that.
  const SnapshotCopy& read_copy(std::size_t number) const {
    const auto other = read_at_.find(number);
    return other != read_at_.end() ? *other->second : history_.snapshots[number].copies.front();
  }

  void describe(const History::Appearance& appearance, std::uint32_t number) {
    const SnapshotCopies& first = history_.snapshots[appearance.first];
    const SnapshotCopies& last = history_.snapshots[appearance.last];
    v1::FileVersion& version = *response_.add_versions();
    version.set_number(number);
    *version.mutable_entry() = to_entry(seen_.version(appearance.version));
    *version.mutable_first_seen() = time_of(first);
    *version.mutable_last_seen() = time_of(last);
    version.set_first_snapshot(read_copy(appearance.first).id);
    version.set_last_snapshot(read_copy(appearance.last).id);
    version.set_snapshots(appearance.snapshots);
    for (const std::string& place : places_[appearance.version]) version.add_destinations(place);
    const snapshot::Layout layout(*read_copy(appearance.last).snapshot);
    version.set_layout_path(layout.path_of(path_).value_or(""));
  }

  void describe(const History::Gap& gap) {
    const SnapshotCopies& first = history_.snapshots[gap.first];
    const SnapshotCopies& last = history_.snapshots[gap.last];
    v1::VersionGap& message = *response_.add_gaps();
    *message.mutable_first_seen() = time_of(first);
    *message.mutable_last_seen() = time_of(last);
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
  NameNumbers names_;
  snapshot::PathVersions seen_;
  History all_;
  History wanted_;
  std::map<std::size_t, std::set<std::string>> places_;  // by version, of those that are wanted
  std::map<std::size_t, const SnapshotCopy*> read_at_;   // by snapshot, where it is not the first copy
  const SnapshotCopies* newest_ = nullptr;               // that has the path in its sources
  v1::ListVersionsResponse response_;
};

}  // namespace

v1::ListVersionsResponse list_versions(Destinations& destinations, const v1::ListVersionsRequest& request,
                                       const std::string& zone, const std::function<bool()>& cancelled) {
  VersionListing listing(destinations, request, zone);
  listing.look(cancelled);
  return listing.take();
}

}  // namespace garner::daemon
