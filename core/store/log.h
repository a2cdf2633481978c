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

struct ListedRecord {
  std::uint64_t generation = 0;
  std::optional<destination::Md5> md5 = std::nullopt;  // of its object, where the place tells it
};
// The records from generation `from` on, ascending. One listing. While others write, an older one may be
// missing where a newer one is shown; those that stood before the call are all there.
std::vector<ListedRecord> list_records(destination::Destination& destination, std::uint64_t from);

// Reads one record. Error(kDamaged) when it is missing or damaged: it was seen, or is one below one that was.
OpenedRecord read_record(const LogContext& log, std::uint64_t generation);
// The hash of the record's object as it is there now; nothing when it is not.
std::optional<crypto::Digest> record_hash(destination::Destination& destination, std::uint64_t generation);

// A record that this machine has read or written, so that its content is known.
struct KnownRecord {
  std::uint64_t generation = 0;
  destination::Md5 md5{};  // of its object
};

// What is known of a log's end, beside the state that it leads to.
//
// A listing begins at the first known record and must show every one: what was committed since without
// listing (Repository::commit) rests on the records before it, and is looked at with them. Where the listing
// tells sums, those of all must be those of what was read or written.
struct LogEnd {
  // Ascending, without gaps: the newest that the last listing showed or that was read after it, and those
  // that this machine has created since. Empty only without a log.
  std::vector<KnownRecord> records;
  // The newest record is, byte for byte, the one in the log: this machine has read or created it since the
  // last listing, or that told its sum. Otherwise the listing showed only that one of its generation is
  // there.
  bool is_confirmed = false;
  // The last listing told the sum of a record that was known, and it was right: so this place tells them.
  bool tells_sums = false;
  // The newest record that changes what is stored, or was the last of many that do not: is_state_due().
  std::uint64_t last_change = 0;

  // The next record, which was read after a listing had shown those before it, or which was created.
  void add_read(const OpenedRecord& opened);
  void add_created(const OpenedRecord& opened);

 private:
  void note(const OpenedRecord& opened);
};

// A state and what is known of the end of the log that leads to it.
struct KnownLog {
  v1::RepositoryState state;
  LogEnd end;
};

// After which record its writer puts a state object: the first of every kStateInterval that changes what is
// stored, and, so that nobody has to read a log of unchanged backups for ever, each kLongestWithoutState-th
// of those. `end`: before the record.
inline constexpr std::uint64_t kStateInterval = 32;
inline constexpr std::uint64_t kLongestWithoutState = 1024;
bool is_state_due(const LogEnd& end, const v1::RecordBody& body);

// Error(kForked) unless the newest record of `state` is, byte for byte, the one in the log.
void confirm_newest(const LogContext& log, const v1::RepositoryState& state);

// Creates the record exclusively and durably. False when somebody else's stands there. One that stands there
// with the very same bytes is this one: an earlier attempt of the same call whose answer was lost.
bool create_record(destination::Destination& destination, std::uint64_t generation,
                   const SealedRecord& record);

// `state` and then every record up to generation `last`, each verified. `seen` and `reached`, when given, are
// called for each record that was applied, and with the state that it leads to.
using StateSeen = std::function<void(const v1::RepositoryState&)>;
using RecordSeen = std::function<void(const OpenedRecord&)>;
v1::RepositoryState follow(const LogContext& log, v1::RepositoryState state, std::uint64_t last,
                           const RecordSeen& seen = {}, const StateSeen& reached = {});

// `state` brought up to the newest record, from one listing, or nothing where it is that already; and `end`
// with it. `known`: a record that is known to exist, whatever the listing says (0: none). Error(kForked) when
// the record of `state` is not there any more, or is another one, or a newer log is; Error(kDamaged) when no
// log is there, or a record below one that is. After an error `end` is as before.
std::optional<v1::RepositoryState> catch_up(const LogContext& log, const v1::RepositoryState& state,
                                            LogEnd& end, std::uint64_t known, const RecordSeen& seen = {});

// The newest state: from `cached` if one listing shows all that it tells of the log's end, otherwise from the
// newest state object that belongs to the log, otherwise from the first record. Error(kForked) when it does
// not continue what `pin` says was seen, unless it is a later log that `writer`, which is this machine's, has
// begun: a repair that was cut off between its record and its pin. Error(kDamaged) when the log is missing or
// unreadable. `seen`, when given, is called for each record that is newer than `cached`, where that is used.
enum class StateOrigin { kCache, kStateObject, kFirstRecord };
struct LoadedState {
  KnownLog log;
  StateOrigin origin = StateOrigin::kFirstRecord;
};
LoadedState load_state(const LogContext& log, const std::optional<Pin>& pin, const crypto::WriterKey& writer,
                       std::optional<KnownLog> cached, const RecordSeen& seen = {});

}  // namespace garner::store
