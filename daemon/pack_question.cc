#include "pack_question.h"

#include <map>

#include "base/error.h"
#include "maintenance/damage.h"
#include "store/pack.h"

namespace garner::daemon {

PackQuestion::PackQuestion(const std::vector<OpenedPlace>& places, const std::string& digits) {
  const FoundPack pack = find_pack(places, digits);
  repository_ = pack.place->repository;
  answer_.set_name(pack.name.hex());
  answer_.set_destination(pack.place->name);
  answer_.set_stored_bytes(repository_->index().size_of(pack.name).value_or(0));
  read(pack.name);
}

void PackQuestion::read(const store::ObjectName& name) {
  try {
    const store::PackReader reader(repository_->destination(), repository_->keyring(), name);
    for (const store::PackedFrame& frame : reader.read_directory().frames) {
      for (const store::FrameBlob& blob : frame.blobs) blobs_.push_back({blob.id, blob.kind, blob.length});
    }
  } catch (const Error& error) {
    if (!maintenance::is_damage(error)) throw;
    answer_.set_damage(error.what());
    repository_->index().for_each([&](const crypto::BlobId& id, const store::BlobLocation& location) {
      if (location.pack == name) blobs_.push_back({id, location.kind, location.length});
    });
  }
}

bool PackQuestion::step(Histories& histories, const std::vector<HistoryRow>& rows) {
  std::vector<WantedBlob> wanted;
  wanted.reserve(blobs_.size());
  for (const Blob& blob : blobs_) wanted.push_back({catalog::prefix_of(blob.id.view()), blob.bytes});
  std::vector<bool> found(blobs_.size());
  ReferenceShares shares(histories, rows);
  for (std::size_t row = 0; row < rows.size(); ++row) shares.look(row, wanted, found);
  sharers_ = shares.take();
  answer_.set_files(sharers_.size());
  answer_.set_snapshots(count_snapshots(rows, sharers_));

  // What a snapshot's own blob is part of is the log.
  const auto state = repository_->state();
  std::map<crypto::BlobKind, v1::PackPart> parts;
  for (std::size_t i = 0; i < blobs_.size(); ++i) {
    const Blob& blob = blobs_[i];
    v1::PackPart& part = parts[blob.kind];
    part.set_kind(kind_text(blob.kind));
    part.set_blobs(part.blobs() + 1);
    part.set_bytes(part.bytes() + blob.bytes);
    const bool is_listed =
        blob.kind == crypto::BlobKind::kSnapshot && store::find_snapshot(*state, blob.id.view()) != nullptr;
    if (!found[i] && !is_listed) continue;
    part.set_referenced_blobs(part.referenced_blobs() + 1);
    part.set_referenced_bytes(part.referenced_bytes() + blob.bytes);
  }
  for (const auto& [kind, part] : parts) *answer_.add_parts() = part;
  return false;
}

}  // namespace garner::daemon
