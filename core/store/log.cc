#include "store/log.h"

#include <algorithm>
#include <ranges>
#include <string>

#include "base/error.h"

namespace garner::store {

namespace {

constexpr const char* kListPrefix = "log/";
constexpr const char* kStatePrefix = "state/";
// So many state objects are tried before the log is read from its first record.
constexpr std::size_t kStatesTried = 3;
constexpr const char* kIfMeant =
    " If this was meant (a disk was restored, or the log was rebuilt on another machine), remove the "
    "destination and "
    "add it again.";

std::string at(const LogContext& log) { return "the repository at " + log.destination.describe(); }

Error log_is_missing(const LogContext& log) {
  return Error(ErrorKind::kDamaged, at(log) + ": the log is missing: run garner repair");
}

Error rolled_back(const LogContext& log, std::uint64_t seen, std::uint64_t now) {
  return Error(ErrorKind::kForked, at(log) + " was rolled back: this machine has seen record " +
                                       std::to_string(seen) + " of its log, and now the newest is " +
                                       std::to_string(now) + ". Nothing is written to it." + kIfMeant);
}

Error replaced(const LogContext& log) {
  return Error(ErrorKind::kForked,
               at(log) +
                   " has another log than the one this machine has seen: the log was rebuilt or "
                   "the repository was replaced. Nothing is written to it." +
                   kIfMeant);
}

Error forked(const LogContext& log, std::uint64_t generation) {
  return Error(ErrorKind::kForked,
               at(log) + " was forked: record " + std::to_string(generation) +
                   " of its log is not the one this machine has seen. Nothing is written to it." + kIfMeant);
}

bool is_pinned(const Pin& pin, ByteView record_hash) {
  return std::ranges::equal(pin.record_hash, record_hash);
}

// Throws unless `state` is, or will be followed up to, what the pin says was seen of the log.
void check_log_uuid(const LogContext& log, const std::optional<Pin>& pin, const v1::RepositoryState& state) {
  if (pin && !pin->log_uuid.is_nil() && as_text(pin->log_uuid.view()) != state.log_uuid())
    throw replaced(log);
}

// Compares each record with the pin as it passes by.
RecordSeen watch_for_pin(const LogContext& log, const std::optional<Pin>& pin) {
  return [&log, &pin](const OpenedRecord& opened) {
    const std::uint64_t generation = opened.record.body.generation();
    if (pin && pin->generation == generation && !is_pinned(*pin, opened.hash)) throw forked(log, generation);
  };
}

std::optional<v1::RepositoryState> read_state_object(const LogContext& log, const StateName& name) {
  // The object's name tells which record it belongs to; it is only used if that record is the one in the log.
  if (record_hash(log.destination, name.generation) != name.record_hash) return std::nullopt;
  const std::string key = state_key(name.generation, name.record_hash);
  return open_state(log.destination.get_all(key, kMaximumState), name.generation, name.record_hash,
                    log.keyring, log.repository);
}

std::vector<StateName> list_states(const LogContext& log, std::uint64_t first, std::uint64_t last) {
  std::vector<StateName> states;
  for (const destination::ObjectInfo& object : log.destination.list(kStatePrefix)) {
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

LoadedState load_from_log(const LogContext& log, const std::optional<Pin>& pin,
                          const std::vector<std::uint64_t>& generations) {
  const std::uint64_t last = generations.back();
  const std::uint64_t first = first_generation(log_number(last));
  const RecordSeen watch = watch_for_pin(log, pin);
  const std::vector<StateName> states = list_states(log, first, last);
  for (const StateName& name : states | std::views::reverse | std::views::take(kStatesTried)) {
    try {
      std::optional<v1::RepositoryState> state = read_state_object(log, name);
      if (state) return {follow(log, std::move(*state), last, watch), StateOrigin::kStateObject};
    } catch (const Error& error) {
      // It is only a short cut. What is wrong with the log itself shows again below.
      const bool unusable = error.kind() == ErrorKind::kDamaged || error.kind() == ErrorKind::kForked ||
                            error.kind() == ErrorKind::kNotFound || error.kind() == ErrorKind::kReadFailed;
      if (!unusable) throw;
    }
  }
  return {follow(log, v1::RepositoryState(), last, watch), StateOrigin::kFirstRecord};
}

}  // namespace

std::vector<std::uint64_t> list_generations(destination::Destination& destination, std::uint64_t from) {
  std::vector<std::uint64_t> generations;
  for (const destination::ObjectInfo& object :
       destination.list(kListPrefix, from == 0 ? std::string() : record_key(from - 1))) {
    if (const std::uint64_t generation = generation_of(object.key); generation != 0) {
      generations.push_back(generation);
    }
  }
  return generations;
}

OpenedRecord read_record(const LogContext& log, std::uint64_t generation) {
  const std::string what = at(log) + ": record " + std::to_string(generation) + " of the log";
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
  try {
    return crypto::hash(destination.get_all(record_key(generation), kMaximumRecord));
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::kNotFound) throw;
    return std::nullopt;
  }
}

void confirm_newest(const LogContext& log, const v1::RepositoryState& state) {
  const std::optional<crypto::Digest> hash = record_hash(log.destination, state.generation());
  if (!hash || as_text(*hash) != state.record_hash()) throw forked(log, state.generation());
}

bool create_record(destination::Destination& destination, std::uint64_t generation,
                   const SealedRecord& record) {
  if (destination.put_exclusive(record_key(generation), record.object)) return true;
  return record_hash(destination, generation) == record.hash;
}

v1::RepositoryState follow(const LogContext& log, v1::RepositoryState state, std::uint64_t last,
                           const RecordSeen& seen) {
  std::uint64_t next = state.generation() == 0 ? first_generation(log_number(last)) : state.generation() + 1;
  for (; next <= last; ++next) {
    const OpenedRecord opened = read_record(log, next);
    try {
      state = apply(std::move(state), opened);
    } catch (const Error& error) {
      throw error.in(at(log) + ": record " + std::to_string(next) + " of the log");
    }
    if (seen) seen(opened);
  }
  return state;
}

v1::RepositoryState catch_up(const LogContext& log, v1::RepositoryState state, std::uint64_t known,
                             const RecordSeen& seen) {
  const std::uint64_t from = state.generation();
  const std::vector<std::uint64_t> generations = list_generations(log.destination, from);
  if (generations.empty() || generations.front() != from) {
    if (!generations.empty() && log_number(generations.back()) != log_number(from)) throw replaced(log);
    const std::vector<std::uint64_t> all = list_generations(log.destination, 0);
    if (all.empty()) throw log_is_missing(log);
    throw rolled_back(log, from, all.back());
  }
  const std::uint64_t last = std::max(generations.back(), known);
  if (log_number(last) != log_number(from)) throw replaced(log);
  return follow(log, std::move(state), last, seen);
}

LoadedState load_state(const LogContext& log, const std::optional<Pin>& pin, const crypto::WriterKey& writer,
                       std::optional<v1::RepositoryState> cached) {
  const std::uint64_t pinned = pin ? pin->generation : 0;
  // A cached state from before the log was replaced, or beside what is pinned, is of no use.
  if (cached && (cached->generation() == 0 || (pin && as_text(pin->log_uuid.view()) != cached->log_uuid()) ||
                 (cached->generation() == pinned && !is_pinned(*pin, as_bytes(cached->record_hash()))))) {
    cached.reset();
  }
  if (cached) {
    const std::vector<std::uint64_t> generations = list_generations(log.destination, cached->generation());
    if (!generations.empty() && generations.front() == cached->generation() &&
        log_number(generations.back()) == log_number(cached->generation())) {
      const std::uint64_t last = generations.back();
      if (last < pinned) throw rolled_back(log, pinned, last);
      return {follow(log, std::move(*cached), last, watch_for_pin(log, pin)), StateOrigin::kCache};
    }
  }

  const std::vector<std::uint64_t> generations = list_generations(log.destination, 0);
  if (generations.empty()) throw log_is_missing(log);
  const std::uint64_t last = generations.back();
  if (last < pinned) throw rolled_back(log, pinned, last);
  if (pinned != 0 && log_number(last) != log_number(pinned)) {
    if (log_number(last) < log_number(pinned) || !is_begun_by(log, log_number(last), writer))
      throw replaced(log);
    // This machine rebuilt the log, and was cut off before it could note that.
    return load_from_log(log, std::nullopt, generations);
  }
  // Looked at by itself, for the state object that reading begins with may be newer. Also when it is in the
  // way: a log that was replaced from its first record on does not continue the pin whatever it holds.
  if (pinned != 0) {
    const std::optional<crypto::Digest> hash = record_hash(log.destination, pinned);
    if (hash && *hash != pin->record_hash) throw forked(log, pinned);
  }
  LoadedState loaded = load_from_log(log, pin, generations);
  check_log_uuid(log, pin, loaded.state);
  return loaded;
}

}  // namespace garner::store
