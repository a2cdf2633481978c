#include "reference_search.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "base/bytes.h"
#include "base/error.h"
#include "blob_question.h"
#include "content_question.h"
#include "entry_message.h"
#include "pack_question.h"
#include "page_limits.h"
#include "row_spans.h"
#include "snapshot/node.h"
#include "timestamp.h"

namespace garner::daemon {

namespace {

constexpr std::size_t kUsualReferrers = 1'000;
constexpr std::size_t kPointedAt = 100;  // matches of which it is told what points at the blob
constexpr int kMostReferrersInPage = 200;

std::unique_ptr<ReferenceQuestion> question_of(Destinations& destinations,
                                               const v1::FindReferencesRequest& request) {
  switch (request.wanted_case()) {
    case v1::FindReferencesRequest::kContent:
      return std::make_unique<ContentQuestion>(request.content());
    case v1::FindReferencesRequest::kBlob:
      return std::make_unique<BlobQuestion>(opened_places(destinations), request.blob());
    case v1::FindReferencesRequest::kPack:
      return std::make_unique<PackQuestion>(opened_places(destinations), request.pack());
    case v1::FindReferencesRequest::WANTED_NOT_SET:
      break;
  }
  throw Error(ErrorKind::kInvalidInput, "say what is looked for: a file's content, a blob or a pack");
}

}  // namespace

ReferenceSearch::ReferenceSearch(Destinations& destinations, Histories& histories,
                                 const v1::FindReferencesRequest& request, const std::string& zone)
    : histories_(histories), limit_(checked_limit(request.limit(), kUsualReferrers, kMostMatches)) {
  question_ = question_of(destinations, request);
  v1::ListSnapshotsRequest wanted;
  *wanted.mutable_names() = request.names();
  wanted.set_since(request.since());
  wanted.set_until(request.until());
  history_ = snapshot_history(destinations, wanted, zone);
  summary_.set_not_asked(history_.trouble);
}

bool ReferenceSearch::next_page(v1::FindReferencesResponse& page, const std::atomic<bool>& cancelled) {
  if (done_ || cancelled) return false;
  if (!rows_) {
    begin(cancelled);
  } else if (!is_answered_) {
    is_answered_ = !question_->step(histories_, *rows_);
    if (is_answered_) order(question_->take_sharers());
  } else {
    tell();
  }
  page.Swap(&page_);
  return true;
}

void ReferenceSearch::begin(const std::atomic<bool>& cancelled) {
  rows_ = histories_.rows(history_, cancelled);
  for (const HistoryRow& row : *rows_) {
    summary_.set_snapshots(summary_.snapshots() + row.places.size());
    for (const HistoryRow::Gap& gap : row.gaps) add_error(gap.path, row.at(gap.number).copy->id, gap.message);
  }
}

// Names who is to be told of, and puts the answer into the page.
void ReferenceSearch::order(std::vector<Sharer> sharers) {
  summary_.set_limited(sharers.size() > limit_);
  if (summary_.limited()) sharers.resize(limit_);
  for (Sharer& sharer : sharers) {
    try {
      std::string path = histories_.read(
          (*rows_)[sharer.row], [&](catalog::History& history) { return history.path_of(sharer.item); });
      matches_.push_back({std::move(sharer), std::move(path)});
    } catch (const Error& error) {
      // Its last snapshot was forgotten just now.
      if (error.kind() != ErrorKind::kNotFound) throw;
    }
  }
  if (!question_->is_ranked()) {
    std::sort(matches_.begin(), matches_.end(), [&](const Match& a, const Match& b) {
      return std::tie((*rows_)[a.sharer.row].set, a.path) < std::tie((*rows_)[b.sharer.row].set, b.path);
    });
  }
  summary_.set_matches(matches_.size());
  question_->tell(page_);
}

void ReferenceSearch::tell() {
  while (told_ < matches_.size() && page_.matches_size() < kMostReferrersInPage) {
    *page_.add_matches() = referrer_of(matches_[told_]);
    ++told_;
  }
  if (told_ < matches_.size()) return;
  *page_.mutable_summary() = summary_;
  done_ = true;
}

v1::Referrer ReferenceSearch::referrer_of(const Match& match) {
  const HistoryRow& row = (*rows_)[match.sharer.row];
  const Appearance seen = appearance_of(row, match.sharer.spans);
  const SnapshotCopy& first = *seen.first->copy;
  const SnapshotCopy& last = *seen.last->copy;
  v1::Referrer message;
  v1::FoundPath& found = *message.mutable_found();
  found.set_path(printable(match.path));
  found.set_path_bytes(match.path);
  const auto versions =
      histories_.read(row, [&](catalog::History& history) { return history.versions(match.sharer.item); });
  for (const catalog::ItemVersion& version : versions) {
    if (seen.last->number < version.span.first || seen.last->number > version.span.last) continue;
    found.set_type(type_text(version.facts.type));
    found.set_size(version.facts.size);
    *found.mutable_mtime() = to_timestamp(version.facts.mtime);
  }
  found.set_set(last.snapshot->set().name());
  found.set_first_snapshot(first.id);
  *found.mutable_first_seen() = time_of(first);
  found.set_last_snapshot(last.id);
  *found.mutable_last_seen() = time_of(last);
  found.set_snapshots(seen.snapshots);
  message.set_bytes(match.sharer.bytes);
  message.mutable_destinations()->Add(seen.destinations.begin(), seen.destinations.end());
  if (told_ >= kPointedAt) return message;
  try {
    message.set_pointed_at_by(question_->pointed_at_by(last, match.path));
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::kCancelled) throw;
    add_error(match.path, last.id, error.what());
  }
  return message;
}

void ReferenceSearch::add_error(const std::string& path, const std::string& snapshot,
                                const std::string& message) {
  v1::FindError& error = *page_.add_errors();
  error.set_path(printable(path));
  error.set_path_bytes(path);
  error.set_snapshot(snapshot);
  error.set_error(message);
  summary_.set_errors(summary_.errors() + 1);
}

}  // namespace garner::daemon
