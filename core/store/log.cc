#include "store/log.h"

#include <algorithm>
#include <ranges>
#include <string>

#include "base/error.h"
#include "store/repository_header.h"

namespace garner::store {

namespace {

// So many state objects are tried before the log is read from its first record.
constexpr std::size_t kStatesTried = 3;

// `newest`: the newest record that is there now.
std::string if_meant(std::uint64_t newest) {
  return " Nothing is written to it. If this was meant (it was restored from a copy, or its log was rebuilt "
         "on "
         "another machine), accept it as it is now: garner destination edit NAME --accept-log " +
         std::to_string(newest);
}

Error log_is_missing(const LogContext& log) {
  return Error(ErrorKind::kDamaged,
               repository_at(log.destination) + ": the log is missing: run garner repair");
}

Error rolled_back(const LogContext& log, std::uint64_t seen, std::uint64_t now) {
  return Error(ErrorKind::kForked, repository_at(log.destination) +
                                       " was rolled back: this machine has seen record " +
                                       std::to_string(seen) + " of its log, and now the newest is " +
                                       std::to_string(now) + "." + if_meant(now));
}

Error replaced(const LogContext& log, std::uint64_t newest) {
  return Error(ErrorKind::kForked,
               repository_at(log.destination) +
                   " has another log than the one this machine has seen: the log was rebuilt or the "
                   "repository was replaced." +
                   if_meant(newest));
}

Error forked(const LogContext& log, std::uint64_t generation, std::uint64_t newest) {
  return Error(ErrorKind::kForked,
               repository_at(log.destination) + " was forked: record " + std::to_string(generation) +
                   " of its log is not the one this machine has seen." + if_meant(newest));
}

Error has_gap(const LogContext& log, std::uint64_t generation) {
  return Error(
      ErrorKind::kDamaged,
      repository_at(log.destination) + ": record " + std::to_string(generation) +
          " of its log, which this machine has seen, is missing, though there are later ones: it was "
          "put back to an earlier state, or has lost it. Run garner repair");
}

bool is_pinned(const Pin& pin, ByteView record_hash) {
  return std::ranges::equal(pin.record_hash, record_hash);
}

// Throws unless `state` is, or will be followed up to, what the pin says was seen of the log.
void check_log_uuid(const LogContext& log, const std::optional<Pin>& pin, const v1::RepositoryState& state) {
  if (pin && !pin->log_uuid.is_nil() && as_text(pin->log_uuid.view()) != state.log_uuid())
    throw replaced(log, state.generation());
}

// Compares each record with the pin as it passes by.
RecordSeen watch_for_pin(const LogContext& log, const std::optional<Pin>& pin, std::uint64_t newest) {
  return [&log, &pin, newest](const OpenedRecord& opened) {
    const std::uint64_t generation = opened.record.body.generation();
    if (pin && pin->generation == generation && !is_pinned(*pin, opened.hash))
      throw forked(log, generation, newest);
  };
}

std::optional<Bytes> record_object(destination::Destination& destination, std::uint64_t generation) {
  try {
    return destination.get_all(record_key(generation), kMaximumRecord);
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::kNotFound) throw;
    return std::nullopt;
  }
}

std::optional<KnownLog> read_state_object(const LogContext& log, const StateName& name) {
  // The object's name tells which record it belongs to; it is only used if that record is the one in the log.
  const std::optional<Bytes> record = record_object(log.destination, name.generation);
  if (!record || crypto::hash(*record) != name.record_hash) return std::nullopt;
  const std::string key = state_key(name.generation, name.record_hash);
  KnownLog known;
  known.state = open_state(log.destination.get_all(key, kMaximumState), name.generation, name.record_hash,
                           log.keyring, log.repository);
  known.end.records = {{name.generation, destination::md5(*record)}};
  known.end.is_confirmed = true;
  known.end.last_change = name.generation;
  return known;
}

std::vector<StateName> list_states(const LogContext& log, std::uint64_t first, std::uint64_t last) {
  std::vector<StateName> states;
  for (const destination::ObjectInfo& object : log.destination.list(std::string(kStatePrefix))) {
    const std::optional<StateName> name = parse_state_key(object.key);
    if (name && name->generation >= first && name->generation <= last) states.push_back(*name);
  }
  return states;
}

// Whether the first record of the log of that number is this writer's, signed with its key.
bool is_begun_by(const LogContext& log, std::uint64_t number, const crypto::WriterKey& writer) {
  const OpenedRecord first = read_record(log, first_generation(number));
  if (first.record.body.writer() != as_text(writer.uuid().view())) return false;
  const v1::RepositoryState state = apply(v1::RepositoryState(), first);
  const v1::Writer* const entry = find_writer(state, writer.uuid());
  return entry != nullptr && entry->public_key() == as_text(writer.public_key());
}

// The state of `known` and every record up to `last`.
KnownLog followed(const LogContext& log, KnownLog known, std::uint64_t last, const RecordSeen& seen) {
  LogEnd& end = known.end;
  known.state = follow(log, std::move(known.state), last, [&](const OpenedRecord& opened) {
    end.add_read(opened);
    if (seen) seen(opened);
  });
  return known;
}

// Whether the place tells sums, by what a listing says of the newest record, whose content is known.
void compare_newest(const std::vector<ListedRecord>& listed, LogEnd& end) {
  const KnownRecord& newest = end.records.back();
  if (listed.empty() || listed.back().generation != newest.generation) return;
  end.tells_sums = listed.back().md5 == newest.md5;
  end.is_confirmed = end.is_confirmed || end.tells_sums;
}

LoadedState load_from_log(const LogContext& log, const std::optional<Pin>& pin,
                          const std::vector<ListedRecord>& listed) {
  const std::uint64_t last = listed.back().generation;
  const std::uint64_t first = first_generation(log_number(last));
  const RecordSeen watch = watch_for_pin(log, pin, last);
  LoadedState loaded;
  bool is_loaded = false;
  const std::vector<StateName> states = list_states(log, first, last);
  for (const StateName& name : states | std::views::reverse | std::views::take(kStatesTried)) {
    try {
      std::optional<KnownLog> known = read_state_object(log, name);
      if (!known) continue;
      loaded = {followed(log, std::move(*known), last, watch), StateOrigin::kStateObject};
      is_loaded = true;
      break;
    } catch (const Error& error) {
      // It is only a short cut. What is wrong with the log itself shows again below.
      const bool unusable = error.kind() == ErrorKind::kDamaged || error.kind() == ErrorKind::kForked ||
                            error.kind() == ErrorKind::kNotFound || error.kind() == ErrorKind::kReadFailed ||
                            error.kind() == ErrorKind::kWrongKey || error.kind() == ErrorKind::kNewerFormat;
      if (!unusable) throw;
      // Then the newest record says so, too: no need to read all of them first.
      if (error.kind() == ErrorKind::kWrongKey || error.kind() == ErrorKind::kNewerFormat)
        read_record(log, last);
    }
  }
  if (!is_loaded) loaded = {followed(log, {}, last, watch), StateOrigin::kFirstRecord};
  compare_newest(listed, loaded.log.end);
  return loaded;
}

// What a listing from the first known record on says of those that are known.
struct Comparison {
  enum class Shown {
    kAll,
    kNotNewest,  // the newest is not there, and nothing after it
    kGap,        // `generation` is not there, though a later one is
    kOther,      // `generation` is not the one that is known
  };
  Shown shown = Shown::kAll;
  std::uint64_t generation = 0;
};
using Shown = Comparison::Shown;

// Compares, and notes in `end` what the listing tells of it. A sum that differs says nothing yet: the content
// is looked at where sums were told before. (Elsewhere nobody has committed on a record without looking at
// it, and the newest is left to whoever does.)
Comparison compare(const LogContext& log, const std::vector<ListedRecord>& listed, LogEnd& end) {
  end.is_confirmed = false;
  for (std::size_t i = 0; i < end.records.size(); ++i) {
    const KnownRecord& known = end.records[i];
    const bool is_newest = i + 1 == end.records.size();
    if (i >= listed.size()) return {Shown::kNotNewest, known.generation};
    if (listed[i].generation != known.generation) return {Shown::kGap, known.generation};
    const bool is_right = listed[i].md5 == known.md5;
    if (!is_right && end.tells_sums) {
      const std::optional<Bytes> object = record_object(log.destination, known.generation);
      if (!object || destination::md5(*object) != known.md5) return {Shown::kOther, known.generation};
    }
    if (is_newest) end.tells_sums = end.is_confirmed = is_right;
  }
  end.records.erase(end.records.begin(), end.records.end() - 1);
  return {};
}

// Changes what is stored, and not only the list of snapshots and of what runs are at.
bool changes_content(const v1::RecordBody& body) {
  return !body.add_segments().empty() || !body.remove_segments().empty() ||
         !body.remove_snapshots().empty() || !body.condemn().empty() || !body.drop().empty();
}

}  // namespace

void LogEnd::note(const OpenedRecord& opened) {
  const v1::RecordBody& body = opened.record.body;
  if (changes_content(body) || is_state_due(*this, body)) last_change = body.generation();
  is_confirmed = true;
}

void LogEnd::add_read(const OpenedRecord& opened) {
  note(opened);
  records = {{opened.record.body.generation(), opened.md5}};
}

void LogEnd::add_created(const OpenedRecord& opened) {
  note(opened);
  records.push_back({opened.record.body.generation(), opened.md5});
}

bool is_state_due(const LogEnd& end, const v1::RecordBody& body) {
  const std::uint64_t generation = body.generation();
  if (changes_content(body)) return generation / kStateInterval > end.last_change / kStateInterval;
  return generation - end.last_change >= kLongestWithoutState;
}

std::vector<ListedRecord> list_records(destination::Destination& destination, std::uint64_t from) {
  std::vector<ListedRecord> records;
  for (const destination::ObjectInfo& object :
       destination.list(std::string(kLogPrefix), from == 0 ? std::string() : record_key(from - 1))) {
    if (const std::uint64_t generation = generation_of(object.key); generation != 0) {
      records.push_back({generation, object.md5});
    }
  }
  return records;
}

OpenedRecord read_record(const LogContext& log, std::uint64_t generation) {
  const std::string what =
      repository_at(log.destination) + ": record " + std::to_string(generation) + " of the log";
  try {
    return open_record(log.destination.get_all(record_key(generation), kMaximumRecord), generation,
                       log.keyring, log.repository);
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::kNotFound) {
      throw Error(ErrorKind::kDamaged, what + " is missing: run garner repair");
    }
    throw error.in(what);
  }
}

std::optional<crypto::Digest> record_hash(destination::Destination& destination, std::uint64_t generation) {
  const std::optional<Bytes> object = record_object(destination, generation);
  return object ? std::optional(crypto::hash(*object)) : std::nullopt;
}

void confirm_newest(const LogContext& log, const v1::RepositoryState& state) {
  const std::optional<crypto::Digest> hash = record_hash(log.destination, state.generation());
  if (!hash || as_text(*hash) != state.record_hash())
    throw forked(log, state.generation(), state.generation());
}

bool create_record(destination::Destination& destination, std::uint64_t generation,
                   const SealedRecord& record) {
  if (destination.put_exclusive(record_key(generation), record.object)) return true;
  return record_hash(destination, generation) == record.hash;
}

v1::RepositoryState follow(const LogContext& log, v1::RepositoryState state, std::uint64_t last,
                           const RecordSeen& seen, const StateSeen& reached) {
  // One that does not hold together from its first record on is nothing that could be accepted: somebody has
  // committed on a record that was exchanged, say. Repair makes a new one of what there is.
  const bool state_was_empty = state.generation() == 0;
  std::uint64_t next = state_was_empty ? first_generation(log_number(last)) : state.generation() + 1;
  for (; next <= last; ++next) {
    const OpenedRecord opened = read_record(log, next);
    try {
      state = apply(std::move(state), opened);
    } catch (const Error& error) {
      const std::string what =
          repository_at(log.destination) + ": record " + std::to_string(next) + " of the log";
      if (error.kind() != ErrorKind::kForked) throw error.in(what);
      const std::string way_out = state_was_empty ? " Run garner repair" : if_meant(last);
      throw Error(ErrorKind::kForked, what + ": " + error.what() + "." + way_out);
    }
    if (seen) seen(opened);
    if (reached) reached(state);
  }
  return state;
}

std::optional<v1::RepositoryState> catch_up(const LogContext& log, const v1::RepositoryState& state,
                                            LogEnd& end, std::uint64_t known, const RecordSeen& seen) {
  const std::uint64_t from = state.generation();
  const std::vector<ListedRecord> listed = list_records(log.destination, end.records.front().generation);
  if (!listed.empty() && log_number(listed.back().generation) != log_number(from))
    throw replaced(log, listed.back().generation);
  LogEnd now = end;
  const Comparison compared = compare(log, listed, now);
  switch (compared.shown) {
    case Shown::kAll:
      break;
    case Shown::kGap:
      throw has_gap(log, compared.generation);
    case Shown::kOther:
      throw forked(log, compared.generation, listed.back().generation);
    case Shown::kNotNewest:
      const std::vector<ListedRecord> all = list_records(log.destination, 0);
      if (all.empty()) throw log_is_missing(log);
      throw rolled_back(log, from, all.back().generation);
  }
  const std::uint64_t last = std::max(listed.back().generation, known);
  if (log_number(last) != log_number(from)) throw replaced(log, last);
  if (last <= from) {
    compare_newest(listed, now);
    end = std::move(now);
    return std::nullopt;
  }
  KnownLog newest = followed(log, {state, std::move(now)}, last, seen);
  compare_newest(listed, newest.end);
  end = std::move(newest.end);
  return std::move(newest.state);
}

namespace {

// From what is cached, where a listing shows all that it knows of the log's end. Nothing where it is of no
// use, and the pin has to say what that means.
std::optional<KnownLog> load_from_cache(const LogContext& log, const std::optional<Pin>& pin, KnownLog cached,
                                        const RecordSeen& seen) {
  const std::uint64_t generation = cached.state.generation();
  const std::uint64_t pinned = pin ? pin->generation : 0;
  // A cached state from before the log was replaced, or beside what is pinned, is of no use.
  if (generation == 0 || cached.end.records.empty() || cached.end.records.back().generation != generation ||
      (pin && as_text(pin->log_uuid.view()) != cached.state.log_uuid()) ||
      (generation == pinned && !is_pinned(*pin, as_bytes(cached.state.record_hash()))))
    return std::nullopt;
  const std::vector<ListedRecord> listed =
      list_records(log.destination, cached.end.records.front().generation);
  if (listed.empty() || log_number(listed.back().generation) != log_number(generation)) return std::nullopt;
  const Comparison compared = compare(log, listed, cached.end);
  // Without a pin it is left from another time.
  if (pinned != 0 && compared.shown == Shown::kGap) throw has_gap(log, compared.generation);
  if (pinned != 0 && compared.shown == Shown::kOther)
    throw forked(log, compared.generation, listed.back().generation);
  if (compared.shown != Shown::kAll) return std::nullopt;
  const std::uint64_t last = listed.back().generation;
  if (last < pinned) throw rolled_back(log, pinned, last);
  const RecordSeen watch = watch_for_pin(log, pin, last);
  KnownLog newest = followed(log, std::move(cached), last, [&](const OpenedRecord& opened) {
    watch(opened);
    if (seen) seen(opened);
  });
  compare_newest(listed, newest.end);
  return newest;
}

}  // namespace

LoadedState load_state(const LogContext& log, const std::optional<Pin>& pin, const crypto::WriterKey& writer,
                       std::optional<KnownLog> cached, const RecordSeen& seen) {
  if (cached) {
    if (std::optional<KnownLog> known = load_from_cache(log, pin, std::move(*cached), seen))
      return {std::move(*known), StateOrigin::kCache};
  }
  const std::uint64_t pinned = pin ? pin->generation : 0;
  const std::vector<ListedRecord> listed = list_records(log.destination, 0);
  if (listed.empty()) throw log_is_missing(log);
  const std::uint64_t last = listed.back().generation;
  if (last < pinned) throw rolled_back(log, pinned, last);
  if (pinned != 0 && log_number(last) != log_number(pinned)) {
    if (log_number(last) < log_number(pinned) || !is_begun_by(log, log_number(last), writer))
      throw replaced(log, last);
    // This machine rebuilt the log, and was cut off before it could note that.
    return load_from_log(log, std::nullopt, listed);
  }
  // Looked at by itself, for the state object that reading begins with may be newer. Also when it is in the
  // way: a log that was replaced from its first record on does not continue the pin whatever it holds.
  if (pinned != 0) {
    const std::optional<crypto::Digest> hash = record_hash(log.destination, pinned);
    if (hash && *hash != pin->record_hash) throw forked(log, pinned, last);
  }
  LoadedState loaded = load_from_log(log, pin, listed);
  check_log_uuid(log, pin, loaded.log.state);
  return loaded;
}

}  // namespace garner::store
