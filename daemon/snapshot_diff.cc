#include "snapshot_diff.h"

#include <utility>

#include "backup/same_names.h"
#include "base/error.h"
#include "entry_message.h"
#include "page_limits.h"
#include "snapshot/snapshot.h"

namespace garner::daemon {

namespace {

constexpr int kMostChanges = 500;  // of a page

// The snapshot as it is listed where content has the names that it has in `names`.
std::optional<ChosenSnapshot> find_named_as(Destinations& destinations, const ChosenSnapshot& chosen,
                                            const store::Repository& names) {
  for (const auto& facts : destinations.nearest_first()) {
    std::shared_ptr<store::Repository> repository;
    try {
      repository = destinations.open(facts.name);
    } catch (const Error&) {
      continue;
    }
    if (!backup::has_same_names(*repository, names)) continue;
    const auto state = repository->state();
    for (const store::v1::SnapshotEntry& entry : state->snapshots()) {
      if (entry.snapshot().run() == chosen.snapshot.run())
        return ChosenSnapshot{to_hex(as_bytes(entry.id())), entry.snapshot(), repository};
    }
  }
  return std::nullopt;
}

snapshot::PlacedNode find_place(const ChosenSnapshot& chosen, const std::string& path) {
  try {
    snapshot::FoundNode found = snapshot::find_node(chosen.snapshot, path, *chosen.repository);
    return {std::move(found.path), std::move(found.named.node)};
  } catch (const Error& error) {
    throw error.in("snapshot " + chosen.id.substr(0, 12));
  }
}

std::vector<snapshot::PlacePair> places_of(const SnapshotPair& snapshots,
                                           const v1::DiffSnapshotsRequest& request) {
  const std::string& before = request.before_path();
  const std::string& after = request.after_path();
  if (before.empty() && after.empty())
    return snapshot::sources_side_by_side(snapshots.before.snapshot, *snapshots.before.repository,
                                          snapshots.after.snapshot, *snapshots.after.repository);
  return {{find_place(snapshots.before, before.empty() ? after : before),
           find_place(snapshots.after, after.empty() ? before : after)}};
}

v1::DiffKind diff_kind(snapshot::ChangeKind kind) {
  switch (kind) {
    case snapshot::ChangeKind::kAdded:
      return v1::DIFF_KIND_ADDED;
    case snapshot::ChangeKind::kRemoved:
      return v1::DIFF_KIND_REMOVED;
    case snapshot::ChangeKind::kContent:
      return v1::DIFF_KIND_CHANGED;
    case snapshot::ChangeKind::kMetadata:
      return v1::DIFF_KIND_METADATA;
    case snapshot::ChangeKind::kType:
      return v1::DIFF_KIND_TYPE;
    case snapshot::ChangeKind::kRenamed:
      return v1::DIFF_KIND_RENAMED;
  }
  return v1::DIFF_KIND_UNSPECIFIED;
}

v1::DiffTotals to_diff_totals(const store::v1::Totals& totals) {
  v1::DiffTotals message;
  message.set_files(totals.files());
  message.set_folders(totals.folders());
  message.set_others(totals.others());
  message.set_bytes(totals.bytes());
  return message;
}

v1::DiffSummary to_diff_summary(const snapshot::DiffSummary& summary) {
  v1::DiffSummary message;
  *message.mutable_added() = to_diff_totals(summary.added);
  *message.mutable_removed() = to_diff_totals(summary.removed);
  message.set_changed(summary.content);
  message.set_changed_bytes_before(summary.content_bytes_before);
  message.set_changed_bytes_after(summary.content_bytes_after);
  message.set_metadata(summary.metadata);
  message.set_type_changed(summary.types);
  message.set_renamed(summary.renamed);
  message.set_renamed_bytes(summary.renamed_bytes);
  message.set_errors(summary.unreadable);
  return message;
}

}  // namespace

SnapshotPair comparable(Destinations& destinations, ChosenSnapshot before, ChosenSnapshot after) {
  if (!backup::has_same_names(*before.repository, *after.repository)) {
    if (auto other = find_named_as(destinations, before, *after.repository)) {
      before = *std::move(other);
    } else if ((other = find_named_as(destinations, after, *before.repository))) {
      after = *std::move(other);
    } else {
      throw Error(ErrorKind::kInvalidInput,
                  "snapshots " + before.id.substr(0, 12) + " and " + after.id.substr(0, 12) +
                      " are at destinations of different keys or sizes of chunks, so that their content "
                      "cannot be compared: give one of them to a destination of the other (garner copy)");
    }
  }
  return {std::move(before), std::move(after)};
}

DiffListing::DiffListing(SnapshotPair snapshots, const v1::DiffSnapshotsRequest& request)
    : snapshots_(std::move(snapshots)),
      metadata_(request.metadata()),
      summary_only_(request.summary_only()),
      diff_(places_of(snapshots_, request), *snapshots_.before.repository, *snapshots_.after.repository,
            {[this](const snapshot::Change& change) { add(change); },
             [this](const std::string& path, const Error& error) { add(path, error); }}) {}

bool DiffListing::next_page(v1::DiffSnapshotsResponse& page, const std::atomic<bool>& cancelled) {
  if (done_ || cancelled) return false;
  for (int steps = 0; steps < kStepsAtOnce && !is_full() && !cancelled; ++steps) {
    if (diff_.step()) continue;
    *page_.mutable_summary() = to_diff_summary(diff_.summary());
    done_ = true;
    break;
  }
  path_bytes_ = 0;
  page.Swap(&page_);
  return true;
}

void DiffListing::add(const snapshot::Change& change) {
  const bool is_metadata = change.kind == snapshot::ChangeKind::kMetadata;
  if (summary_only_ || (is_metadata && !metadata_)) return;
  v1::DiffChange& message = *page_.add_changes();
  message.set_kind(diff_kind(change.kind));
  message.set_path(printable(change.path));
  message.set_path_bytes(change.path);
  path_bytes_ += change.path.size();
  message.set_type(type_text((change.after != nullptr ? change.after : change.before)->type()));
  if (change.kind == snapshot::ChangeKind::kRenamed) {
    message.set_old_path(printable(change.old_path));
    message.set_old_path_bytes(change.old_path);
    path_bytes_ += change.old_path.size();
    message.set_old_size(change.after->size());
  }
  if (change.kind == snapshot::ChangeKind::kType) message.set_old_type(type_text(change.before->type()));
  for (const std::string_view field : change.fields) message.add_fields(std::string(field));
  if (change.before != nullptr) message.set_old_size(change.before->size());
  if (change.after != nullptr) message.set_size(change.after->size());
}

void DiffListing::add(const std::string& path, const Error& error) {
  v1::DiffError& message = *page_.add_errors();
  message.set_path(printable(path));
  message.set_path_bytes(path);
  message.set_error(error.what());
  path_bytes_ += path.size();
}

bool DiffListing::is_full() const {
  return page_.changes_size() + page_.errors_size() >= kMostChanges || path_bytes_ >= kMostPathBytes;
}

}  // namespace garner::daemon
