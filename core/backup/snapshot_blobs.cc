#include "backup/snapshot_blobs.h"

#include <string>

#include "snapshot/node.h"

namespace garner::backup {

namespace {

void put(store::BlobWriter& writer, const store::Repository& repository, const v1::Snapshot& snapshot,
         store::TargetSet among) {
  const std::string content = snapshot::serialize(snapshot);
  const crypto::BlobId id = repository.hasher().id(crypto::BlobKind::kSnapshot, as_bytes(content));
  writer.put_metadata(crypto::BlobKind::kSnapshot, id, as_bytes(content), among);
}

}  // namespace

void put_snapshot_blobs(store::BlobWriter& writer, const Targets& targets,
                        const std::vector<store::Repository*>& repositories, const v1::Snapshot& snapshot) {
  store::TargetSet worth_it = 0;
  const store::Repository* any = nullptr;
  for (const unsigned number : targets.fed()) {
    if (writer.pending_blobs(number) == 0 && !targets.has_root(number)) continue;
    any = repositories.at(number);
    worth_it |= store::target_bit(number);
    for (const v1::Snapshot& earlier : any->snapshots_without_pack())
      put(writer, *any, earlier, store::target_bit(number));
  }
  if (any != nullptr) put(writer, *any, snapshot, worth_it);
}

}  // namespace garner::backup
