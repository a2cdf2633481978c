#include "path_search.h"

#include <algorithm>
#include <exception>
#include <utility>

#include "backup/same_names.h"
#include "base/error.h"
#include "base/file.h"
#include "entry_message.h"
#include "snapshot/node.h"
#include "timestamp.h"

namespace garner::daemon {

namespace {

constexpr std::size_t kUsualMatches = 10'000;
// Of a page: paths may be long.
constexpr int kMostInPage = 500;
constexpr std::size_t kMostPathBytes = 256u << 10;
// Steps after which others have their turn.
constexpr int kStepsAtOnce = 2'000;

// A snapshot where it is nearest, and otherwise where else it has the same names.
class NearestSource : public store::BlobSource {
 public:
  // At least one.
  explicit NearestSource(std::vector<std::shared_ptr<store::Repository>> repositories)
      : repositories_(std::move(repositories)) {}

  Bytes read(crypto::BlobKind kind, const crypto::BlobId& id) override {
    std::exception_ptr nearest;
    for (const auto& repository : repositories_) {
      try {
        return repository->read(kind, id);
      } catch (const Error& error) {
        if (error.kind() == ErrorKind::kCancelled) throw;
        if (!nearest) nearest = std::current_exception();
      }
    }
    std::rethrow_exception(nearest);
  }

 private:
  const std::vector<std::shared_ptr<store::Repository>> repositories_;
};

std::string checked_path(const std::string& path) {
  if (path.empty()) return path;
  if (!path.starts_with('/'))
    throw Error(ErrorKind::kInvalidInput, "the path " + printable(path) + " is not absolute");
  return normal_path(path);
}

std::size_t checked_limit(std::uint32_t limit) {
  if (limit > PathSearch::kMostMatches) {
    throw Error(ErrorKind::kInvalidInput,
                "a search finds up to " + std::to_string(PathSearch::kMostMatches) + " matches");
  }
  return limit == 0 ? kUsualMatches : limit;
}

std::string set_of(const SnapshotCopies& snapshot) {
  const store::v1::Snapshot& made = *snapshot.copies.front().snapshot;
  return made.host() + "/" + made.set().name();
}

google::protobuf::Timestamp time_of(const SnapshotCopy& copy) {
  return to_timestamp(snapshot::from_proto(copy.snapshot->finished()));
}

}  // namespace

PathSearch::PathSearch(Destinations& destinations, const v1::FindPathsRequest& request,
                       const std::string& zone)
    : query_(request, {destinations.context().clock.now(), zone}),
      below_(checked_path(request.path())),
      limit_(checked_limit(request.limit())) {
  v1::ListSnapshotsRequest wanted;
  *wanted.mutable_names() = request.names();
  wanted.set_since(request.since());
  wanted.set_until(request.until());
  history_ = snapshot_history(destinations, wanted, zone);
  for (const SnapshotCopies& snapshot : history_.snapshots) {
    if (!snapshot.wanted) continue;
    add_to_row(snapshot);
    summary_.set_snapshots(summary_.snapshots() + 1);
  }
  if (rows_.empty()) {
    const std::string missing = history_.trouble.empty() ? "" : " (not asked: " + history_.trouble + ")";
    throw Error(ErrorKind::kNotFound, "there is no snapshot to search" + missing);
  }
  std::stable_sort(rows_.begin(), rows_.end(), [](const Row& a, const Row& b) { return a.set < b.set; });
  summary_.set_not_asked(history_.trouble);
}

void PathSearch::add_to_row(const SnapshotCopies& snapshot) {
  const std::string set = set_of(snapshot);
  const auto has_names_of = [](const SnapshotCopy& copy, const Row& row) {
    return backup::has_same_names(*copy.repository, *row.copies.front()->repository);
  };
  Row* found = nullptr;
  const SnapshotCopy* nearest = nullptr;
  for (const SnapshotCopy& copy : snapshot.copies) {
    const auto row = std::find_if(rows_.begin(), rows_.end(),
                                  [&](const Row& one) { return one.set == set && has_names_of(copy, one); });
    if (row == rows_.end()) continue;
    found = &*row;
    nearest = &copy;
    break;
  }
  if (found == nullptr) {
    found = &rows_.emplace_back();
    found->set = set;
    nearest = &snapshot.copies.front();
  }
  found->snapshots.push_back(&snapshot);
  found->copies.push_back(nearest);
}

std::optional<v1::FindPathsResponse> PathSearch::next_page(const std::atomic<bool>& cancelled) {
  if (done_ || cancelled) return std::nullopt;
  for (int steps = 0; steps < kStepsAtOnce && !done_ && !is_full() && !cancelled; ++steps) work();
  path_bytes_ = 0;
  return std::exchange(page_, {});
}

void PathSearch::work() {
  if (told_ < matches_.size()) {
    add(rows_[row_ - 1], matches_[told_++]);
  } else if (find_) {
    if (!find_->step()) end_row();
  } else if (row_ < rows_.size()) {
    begin_row();
  } else {
    finish();
  }
}

void PathSearch::begin_row() {
  if (summary_.matches() == limit_) {
    summary_.set_limited(true);
    row_ = rows_.size();
    return;
  }
  Row& row = rows_[row_];
  std::vector<snapshot::Find::Where> where;
  for (std::size_t i = 0; i < row.snapshots.size(); ++i) {
    std::vector<std::shared_ptr<store::Repository>> repositories;
    for (const SnapshotCopy& copy : row.snapshots[i]->copies) {
      if (backup::has_same_names(*copy.repository, *row.copies[i]->repository))
        repositories.push_back(copy.repository);
    }
    row.sources.push_back(std::make_unique<NearestSource>(std::move(repositories)));
    where.push_back({row.copies[i]->snapshot.get(), row.sources.back().get()});
  }
  snapshot::FindBounds bounds;
  bounds.matches = limit_ - summary_.matches();
  find_.emplace(std::move(where), below_,
                snapshot::FindVisitor{[this](const std::string& path, const store::v1::Node& node) {
                                        return query_.is_wanted(path, node);
                                      },
                                      [this](std::size_t snapshot, const std::string& path,
                                             const Error& error) { add(snapshot, path, error); }},
                bounds);
}

void PathSearch::end_row() {
  matches_ = find_->take_matches();
  told_ = 0;
  summary_.set_matches(summary_.matches() + matches_.size());
  summary_.set_limited(summary_.limited() || find_->is_bounded());
  find_.reset();
  rows_[row_++].sources.clear();
}

void PathSearch::add(const Row& row, const snapshot::Match& match) {
  const SnapshotCopy& first = *row.copies[match.first];
  const SnapshotCopy& last = *row.copies[match.last];
  v1::FoundPath& message = *page_.add_matches();
  message.set_path(printable(match.path));
  message.set_path_bytes(match.path);
  path_bytes_ += match.path.size();
  message.set_type(type_text(match.type));
  message.set_size(match.size);
  *message.mutable_mtime() = to_timestamp(match.mtime);
  message.set_set(last.snapshot->set().name());
  message.set_first_snapshot(first.id);
  *message.mutable_first_seen() = time_of(first);
  message.set_last_snapshot(last.id);
  *message.mutable_last_seen() = time_of(last);
  message.set_snapshots(match.snapshots);
}

void PathSearch::add(std::size_t snapshot, const std::string& path, const Error& error) {
  v1::FindError& message = *page_.add_errors();
  message.set_path(printable(path));
  message.set_path_bytes(path);
  path_bytes_ += path.size();
  message.set_snapshot(rows_[row_].copies[snapshot]->id);
  message.set_error(error.what());
  summary_.set_errors(summary_.errors() + 1);
}

void PathSearch::finish() {
  *page_.mutable_summary() = summary_;
  done_ = true;
}

bool PathSearch::is_full() const {
  return page_.matches_size() + page_.errors_size() >= kMostInPage || path_bytes_ >= kMostPathBytes;
}

}  // namespace garner::daemon
