#include "blob_question.h"

#include <algorithm>

#include "base/bytes.h"
#include "snapshot/pointer.h"

namespace garner::daemon {

BlobQuestion::BlobQuestion(const std::vector<OpenedPlace>& places, const std::string& digits) {
  const FoundBlob found = find_blob(places, digits);
  id_ = found.id;
  answer_.set_id(id_.hex());
  for (const BlobAt& at : found.at) {
    answer_.set_kind(kind_text(at.location.kind));
    answer_.set_bytes(at.location.length);
    v1::BlobPlace& place = *answer_.add_places();
    place.set_destination(at.place->name);
    place.set_pack(at.location.pack.hex());
    place.set_pack_bytes(at.place->repository->index().size_of(at.location.pack).value_or(0));
  }
  // One that was just made is in the log, and in no pack yet.
  if (!found.listed_at.empty()) answer_.set_kind(kind_text(crypto::BlobKind::kSnapshot));
}

bool BlobQuestion::step(Histories& histories, const std::vector<HistoryRow>& rows) {
  const std::vector<WantedBlob> wanted{{catalog::prefix_of(id_.view()), answer_.bytes()}};
  std::vector<bool> found(1);
  ReferenceShares shares(histories, rows);
  for (std::size_t row = 0; row < rows.size(); ++row) shares.look(row, wanted, found);
  sharers_ = shares.take();
  answer_.set_files(sharers_.size());
  std::uint64_t snapshots = count_snapshots(rows, sharers_);
  for (const HistoryRow& row : rows) {
    for (const HistoryRow::Place& place : row.places) {
      const auto& copies = place.snapshot->copies;
      if (std::any_of(copies.begin(), copies.end(),
                      [&](const SnapshotCopy& copy) { return copy.id == answer_.id(); }))
        ++snapshots;
    }
  }
  answer_.set_snapshots(snapshots);
  return false;
}

std::string BlobQuestion::pointed_at_by(const SnapshotCopy& copy, const std::string& path) const {
  const auto pointer = snapshot::find_pointer(*copy.snapshot, path, *copy.repository,
                                              [&](std::string_view id) { return id == as_text(id_.view()); });
  if (!pointer) return {};
  switch (pointer->kind) {
    case snapshot::Pointer::Kind::kSnapshot:
      return "snapshot " + copy.id;
    case snapshot::Pointer::Kind::kTreePage:
      return "tree page " + pointer->id.hex();
    case snapshot::Pointer::Kind::kList:
      return "content list " + pointer->id.hex();
  }
  return {};
}

}  // namespace garner::daemon
