// The log at a destination: listing, reading and creating records, and the newest state that follows from
// them. Nothing here keeps anything between calls; any thread.
#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "base/uuid.h"
#include "crypto/keyring.h"
#include "crypto/signing.h"
#include "destination/destination.h"
#include "store/pin.h"
#include "store/record.h"
#include "store/state.h"

namespace garner::store {

// What it takes to read a repository's log. Refers to what its maker owns.
struct LogContext {
  destination::Destination& destination;
  const crypto::Keyring& keyring;
  const Uuid& repository;
};

// Generations of records from `from` on, ascending. One listing. While others write, an older one may be
// missing where a newer one is shown; those that stood before the call are all there.
std::vector<std::uint64_t> list_generations(destination::Destination& destination, std::uint64_t from);

// Reads one record. Error(kDamaged) when it is missing or damaged: it was seen, or is one below one that was.
OpenedRecord read_record(const LogContext& log, std::uint64_t generation);
// The hash of the record's object as it is there now; nothing when it is not.
std::optional<crypto::Digest> record_hash(destination::Destination& destination, std::uint64_t generation);

// Error(kForked) unless the newest record of `state` is, byte for byte, the one in the log: a listing shows
// only that one of its generation is there.
void confirm_newest(const LogContext& log, const v1::RepositoryState& state);

// Creates the record exclusively and durably. False when somebody else's stands there. One that stands there
// with the very same bytes is this one: an earlier attempt of the same call whose answer was lost.
bool create_record(destination::Destination& destination, std::uint64_t generation,
                   const SealedRecord& record);

// `state` and then every record up to generation `last`, each verified. `seen`, when given, is called for
// each record that was applied.
using RecordSeen = std::function<void(const OpenedRecord&)>;
v1::RepositoryState follow(const LogContext& log, v1::RepositoryState state, std::uint64_t last,
                           const RecordSeen& seen = {});

// `state` brought up to the newest record, from one listing. `known`: a record that is known to exist,
// whatever the listing says (0: none). Error(kForked) when the record of `state` is not there any more, or a
// newer log is; Error(kDamaged) when no log is there.
v1::RepositoryState catch_up(const LogContext& log, v1::RepositoryState state, std::uint64_t known,
                             const RecordSeen& seen = {});

// The newest state: from `cached` if one listing confirms it, otherwise from the newest state object that
// belongs to the log, otherwise from the first record. Error(kForked) when it does not continue what `pin`
// says was seen, unless it is a later log that `writer`, which is this machine's, has begun: a repair that
// was cut off between its record and its pin. Error(kDamaged) when the log is missing or unreadable.
enum class StateOrigin { kCache, kStateObject, kFirstRecord };
struct LoadedState {
  v1::RepositoryState state;
  StateOrigin origin = StateOrigin::kFirstRecord;
};
LoadedState load_state(const LogContext& log, const std::optional<Pin>& pin, const crypto::WriterKey& writer,
                       std::optional<v1::RepositoryState> cached);

}  // namespace garner::store
