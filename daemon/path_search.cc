#include "path_search.h"

#include <algorithm>
#include <map>
#include <utility>

#include "base/error.h"
#include "base/file.h"
#include "entry_message.h"
#include "page_limits.h"
#include "path_relation.h"
#include "snapshot/node.h"
#include "timestamp.h"

namespace garner::daemon {

namespace {

constexpr std::size_t kUsualPathMatches = 10'000;
constexpr int kMostPathsInPage = 500;

std::string checked_path(const std::string& path) {
  if (path.empty()) return path;
  if (!path.starts_with('/'))
    throw Error(ErrorKind::kInvalidInput, "the path " + printable(path) + " is not absolute");
  return normal_path(path);
}

}  // namespace

PathSearch::PathSearch(Destinations& destinations, Histories& histories, const v1::FindPathsRequest& request,
                       const std::string& zone)
    : histories_(histories),
      query_(request, {destinations.context().clock.now(), zone}),
      below_(checked_path(request.path())),
      limit_(checked_limit(request.limit(), kUsualPathMatches, kMostMatches)) {
  v1::ListSnapshotsRequest wanted;
  *wanted.mutable_names() = request.names();
  wanted.set_since(request.since());
  wanted.set_until(request.until());
  history_ = snapshot_history(destinations, wanted, zone);
  const auto count = std::count_if(history_.snapshots.begin(), history_.snapshots.end(),
                                   [](const SnapshotCopies& snapshot) { return snapshot.wanted; });
  if (count == 0) {
    const std::string missing = history_.trouble.empty() ? "" : " (not asked: " + history_.trouble + ")";
    throw Error(ErrorKind::kNotFound, "there is no snapshot to search" + missing);
  }
  summary_.set_snapshots(static_cast<std::uint64_t>(count));
  summary_.set_not_asked(history_.trouble);
}

bool PathSearch::next_page(v1::FindPathsResponse& page, const std::atomic<bool>& cancelled) {
  if (done_ || cancelled) return false;
  if (!rows_) begin(cancelled);
  for (int steps = 0; steps < kStepsAtOnce && !done_ && !is_full() && !cancelled; ++steps) work();
  path_bytes_ = 0;
  page.Swap(&page_);
  return true;
}

void PathSearch::begin(const std::atomic<bool>& cancelled) {
  rows_ = histories_.rows(history_, cancelled);
  std::stable_sort(rows_->begin(), rows_->end(),
                   [](const HistoryRow& a, const HistoryRow& b) { return a.set < b.set; });
}

void PathSearch::work() {
  if (told_ < matches_.size()) {
    if (summary_.matches() < limit_) {
      tell(matches_[told_++]);
    } else {
      summary_.set_limited(true);
      matches_.clear();
      row_ = rows_->size();
    }
  } else if (row_ == rows_->size()) {
    *page_.mutable_summary() = summary_;
    done_ = true;
  } else if (gap_ < (*rows_)[row_].gaps.size()) {
    tell((*rows_)[row_].gaps[gap_++]);
  } else {
    histories_.read((*rows_)[row_], [&](catalog::History&) { go_on(); });
  }
}

void PathSearch::go_on() {
  if (!walk_) walk_.emplace(*(*rows_)[row_].history, below_);
  if (const HistoryWalk::Place* const place = walk_->next()) {
    path_ = place->path;
    matches_ = matches_at(*place);
    told_ = 0;
  } else {
    walk_.reset();
    ++row_;
    gap_ = 0;
  }
}

std::vector<PathSearch::Match> PathSearch::matches_at(const HistoryWalk::Place& place) {
  using Sought = PathQuery::Sought;
  const Sought sought = query_.sought_at(place.path);
  if (sought == Sought::kNothing) return {};
  const HistoryRow& row = (*rows_)[row_];
  std::map<std::pair<store::v1::NodeType, catalog::BlobPrefix>, Match> found;
  for (const HistoryWalk::Named& item : place.items) {
    for (const catalog::ItemVersion& version : row.history->versions(item.folder, item.name)) {
      const catalog::NodeFacts& facts = version.facts;
      const bool is_folder = facts.type == store::v1::NODE_TYPE_FOLDER;
      if ((sought == Sought::kFolders && !is_folder) || !query_.fits(facts)) continue;
      const std::optional<HistoryRow::Reach> reach = row.reach(version.span);
      if (!reach) continue;
      const catalog::BlobPrefix content = is_folder ? 0 : facts.content.value_or(0);
      const auto [known, is_new] =
          found.try_emplace({facts.type, content}, Match{facts.type, reach->first, reach->last, 0, 0, {}});
      Match& match = known->second;
      match.snapshots += reach->count;
      match.first = std::min(match.first, reach->first);
      if (reach->last < match.last) continue;
      match.last = reach->last;
      match.size = facts.size;
      match.mtime = facts.mtime;
    }
  }
  std::vector<Match> matches;
  for (const auto& [content, match] : found) matches.push_back(match);
  std::sort(matches.begin(), matches.end(), [](const Match& a, const Match& b) { return a.first < b.first; });
  return matches;
}

void PathSearch::tell(const Match& match) {
  const HistoryRow& row = (*rows_)[row_];
  const SnapshotCopy& first = *row.places[match.first].copy;
  const SnapshotCopy& last = *row.places[match.last].copy;
  v1::FoundPath& message = *page_.add_matches();
  message.set_path(printable(path_));
  message.set_path_bytes(path_);
  path_bytes_ += path_.size();
  message.set_type(type_text(match.type));
  message.set_size(match.size);
  *message.mutable_mtime() = to_timestamp(match.mtime);
  message.set_set(last.snapshot->set().name());
  message.set_first_snapshot(first.id);
  *message.mutable_first_seen() = time_of(first);
  message.set_last_snapshot(last.id);
  *message.mutable_last_seen() = time_of(last);
  message.set_snapshots(match.snapshots);
  summary_.set_matches(summary_.matches() + 1);
}

void PathSearch::tell(const HistoryRow::Gap& gap) {
  // A file is found all the same.
  if (!gap.is_folder) return;
  if (!below_.empty() && !is_same_or_inside(gap.path, below_) && !is_same_or_inside(below_, gap.path)) return;
  v1::FindError& message = *page_.add_errors();
  message.set_path(printable(gap.path));
  message.set_path_bytes(gap.path);
  path_bytes_ += gap.path.size();
  message.set_snapshot((*rows_)[row_].at(gap.number).copy->id);
  message.set_error(gap.message);
  summary_.set_errors(summary_.errors() + 1);
}

bool PathSearch::is_full() const {
  return page_.matches_size() + page_.errors_size() >= kMostPathsInPage || path_bytes_ >= kMostPathBytes;
}

}  // namespace garner::daemon
