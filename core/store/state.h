// The whole state after a record: pure functions over v1::RepositoryState.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "crypto/keyring.h"
#include "destination/destination.h"
#include "store/record.h"

namespace garner::store {

// The state after `record` on top of `state` (for the first record of a log: an empty state). Error(kForked) unless
// it continues the state (generation, hash of the previous record, log uuid); Error(kDamaged) for a record that breaks
// the rules: a signature that does not verify, a writer that is not listed (the first record lists its own), a role
// that does not allow what it does (removal needs ROLE_REMOVE), a segment, snapshot or root that is added twice or
// removed without being there, a drop of a name that is not condemned. `names_still_listed`: of dropped names, those
// that a live segment still names, which therefore stay dead.
v1::RepositoryState apply(const v1::RepositoryState& state, const OpenedRecord& record,
                          const std::function<bool(const ObjectName&)>& named_by_live_segment);

// state/<generation, 16 hex digits>-<record hash, 64 hex digits>
std::string state_key(std::uint64_t generation, const crypto::Digest& record_hash);
Bytes seal_state(const v1::RepositoryState& state, const crypto::Keyring& keyring, const Uuid& repository,
                 const Uuid& writer);
// Error(kDamaged) unless it is sealed for this repository, generation and record hash.
v1::RepositoryState open_state(ByteView object, std::uint64_t generation, const crypto::Digest& record_hash,
                               const crypto::Keyring& keyring, const Uuid& repository);

}  // namespace garner::store
