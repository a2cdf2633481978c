// What a prune does, by hand.
#pragma once

#include <vector>

#include "support/forge_record.h"

namespace garner::testing {

inline void forge_condemn(store::Repository& repository, const std::vector<crypto::BlobId>& remove_snapshots,
                          const std::vector<store::ObjectName>& packs) {
  forge_record(repository, [&](store::Record& record) {
    for (const crypto::BlobId& id : remove_snapshots) {
      record.body.add_remove_snapshots(id.value.data(), id.value.size());
    }
    for (const store::ObjectName& name : packs) record.body.add_condemn(name.value.data(), name.value.size());
  });
}

inline void forge_drop(store::Repository& repository, const std::vector<store::ObjectName>& packs) {
  forge_record(repository, [&](store::Record& record) {
    for (const store::ObjectName& name : packs) record.body.add_drop(name.value.data(), name.value.size());
  });
}

// Condemns packs in a record that also removes snapshots, deletes the packs, and drops their names.
// `repository`'s writer is listed with ROLE_REMOVE: it made the repository, or rebuilt its log.
inline void forge_removal(store::Repository& repository, const std::vector<crypto::BlobId>& remove_snapshots,
                          const std::vector<store::ObjectName>& packs) {
  forge_condemn(repository, remove_snapshots, packs);
  for (const store::ObjectName& name : packs) repository.destination().remove(store::pack_key(name));
  forge_drop(repository, packs);
}

// One that is under way: the packs are condemned and still there; or one that is over.
inline void forge_prune(store::Repository& repository, const std::vector<crypto::BlobId>& remove_snapshots,
                        const std::vector<store::ObjectName>& packs, bool still_there) {
  still_there ? forge_condemn(repository, remove_snapshots, packs)
              : forge_removal(repository, remove_snapshots, packs);
}

}  // namespace garner::testing
