// The whole state after a record: pure functions over v1::RepositoryState.
//
// A state object is a sealed object (sealed_object.h) with magic "GARNSTAT", of kind kState, its caller's
// associated data: repository uuid (16 bytes) · u64 generation · 32 bytes of record hash; its content: u32
// length · RepositoryState. It saves reading the log from its first record and can be made again from the
// log. It is not signed: whoever holds the keys can write one. A backup may rest on it; whoever removes
// anything reads the log.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "crypto/keyring.h"
#include "destination/destination.h"
#include "store/record.h"

namespace garner::store {

// A state that is longer is not read.
inline constexpr std::uint64_t kMaximumState = std::uint64_t{256} << 20;

// Logs of one repository: each log that `repair` makes begins at a generation of its own, above any that the
// one before could have reached. A log's number is its generations' upper 24 bits.
inline constexpr unsigned kLogNumberShift = 40;
inline std::uint64_t log_number(std::uint64_t generation) { return generation >> kLogNumberShift; }
inline std::uint64_t first_generation(std::uint64_t log_number) {
  return log_number == 0 ? 1 : log_number << kLogNumberShift;
}

// The state after `record` on top of `state` (for the first record of a log: an empty state).
//
// Error(kForked) unless the record continues the state: generation, hash of the previous record, log uuid.
// Error(kDamaged) for a record that breaks the rules (docs/format.md):
//   - its signature verifies under the key of its writer, who is listed in the state. Two exceptions: the
//   first record
//     of a log lists its own writer as a remover; and a writer that is not listed lists itself, and nobody
//     else, with ROLE_ADD. The keys of the repository are what entitles it to: records are sealed under them.
//   - ROLE_REMOVE is needed to remove segments, snapshots and writers, to condemn and drop, to change
//   parameters,
//     feature flags and any other writer, and to set or remove an unfinished root of another writer. Chunk
//     sizes never change. A remover is always left.
//   - a pinned snapshot is not removed; pinning and unpinning takes ROLE_REMOVE and the feature flag.
//   - tags (snapshot_tags.h) are given to listed snapshots only; that takes ROLE_REMOVE and the feature flag.
//   - nothing is added twice or removed without being there; a name that was condemned or dropped is not
//   added again, but what was dropped may be condemned again;
//     a segment is condemned when no longer live; only what was condemned in an earlier record is dropped.
// A dropped name is dead from then on, until forget_dead().
v1::RepositoryState apply(v1::RepositoryState state, const OpenedRecord& record);

// What any two states of one record have in common, as bytes: all but the names of dropped objects, which are
// forgotten at no certain time.
std::string comparable(v1::RepositoryState state);

// Removes from the dead names those that no live segment names: `named` tells it of all segments of `state`.
// Names are never used twice, so that nothing can bring them back.
void forget_dead(v1::RepositoryState& state, const std::function<bool(const ObjectName&)>& named);

// What a new repository is made with (docs/research/performance.md has the measurements).
v1::Parameters default_parameters();
// Error(kInvalidInput) unless the parameters are within what this version can work with.
void check_parameters(const v1::Parameters& parameters);

FeatureFlags features_of(const v1::RepositoryState& state);
// Nothing where the state does not list it.
const v1::Writer* find_writer(const v1::RepositoryState& state, const Uuid& writer);
const v1::SnapshotEntry* find_snapshot(const v1::RepositoryState& state, ByteView id);
// The snapshot that a run made.
const v1::SnapshotEntry* find_snapshot_of_run(const v1::RepositoryState& state, ByteView run);
// The number of the next snapshot of the set (its uuid, bytes): one more than the highest that is listed.
std::uint64_t next_sequence(const v1::RepositoryState& state, const std::string& set);
const v1::UnfinishedRoot* find_root(const v1::RepositoryState& state, ByteView run);
// Whether one of a state's sorted lists of names has it.
bool has_name(const google::protobuf::RepeatedPtrField<std::string>& sorted, const ObjectName& name);
// Condemned, or dropped and still dead.
bool is_removed(const v1::RepositoryState& state, const ObjectName& name);

inline constexpr std::string_view kStatePrefix = "state/";
// state/<generation, 16 hex digits>-<record hash, 64 hex digits>
std::string state_key(std::uint64_t generation, const crypto::Digest& record_hash);
struct StateName {
  std::uint64_t generation = 0;
  crypto::Digest record_hash{};
};
// Nothing for a key that is no state's.
std::optional<StateName> parse_state_key(const std::string& key);

Bytes seal_state(const v1::RepositoryState& state, const crypto::Keyring& keyring, const Uuid& repository,
                 const Uuid& writer);
// Error(kDamaged) unless it is sealed for this repository, generation and record hash; Error(kNewerFormat);
// Error(kWrongKey) for an epoch that the keyring lacks.
v1::RepositoryState open_state(ByteView object, std::uint64_t generation, const crypto::Digest& record_hash,
                               const crypto::Keyring& keyring, const Uuid& repository);

}  // namespace garner::store
