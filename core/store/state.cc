#include "store/state.h"

#include <algorithm>

#include "base/error.h"
#include "store/sealed_object.h"

namespace garner::store {

namespace {

constexpr std::string_view kStateMagic = "GARNSTAT";

Bytes state_associated_data(const Uuid& repository, std::uint64_t generation,
                            const crypto::Digest& record_hash) {
  ByteWriter writer;
  writer.bytes(repository.view());
  writer.u64(generation);
  writer.bytes(record_hash);
  return writer.take();
}

template <typename Entries, typename Field>
auto find_by(const Entries& entries, Field field, ByteView value) -> decltype(&entries.Get(0)) {
  const auto found =
      std::ranges::find_if(entries, [&](const auto& entry) { return (entry.*field)() == as_text(value); });
  return found == entries.end() ? nullptr : &*found;
}

}  // namespace

bool has_name(const google::protobuf::RepeatedPtrField<std::string>& sorted, const ObjectName& name) {
  return std::binary_search(sorted.begin(), sorted.end(), as_text(name.view()));
}

std::string comparable(v1::RepositoryState state) {
  state.clear_dead();
  return state.SerializeAsString();
}

void forget_dead(v1::RepositoryState& state, const std::function<bool(const ObjectName&)>& named) {
  auto& dead = *state.mutable_dead();
  const auto forgotten = std::ranges::remove_if(
      dead, [&](const std::string& name) { return !named(ObjectName::from_bytes(as_bytes(name))); });
  dead.erase(forgotten.begin(), forgotten.end());
}

FeatureFlags features_of(const v1::RepositoryState& state) {
  return {state.must_know_to_read(), state.must_know_to_write(), state.must_know_to_prune()};
}

const v1::Writer* find_writer(const v1::RepositoryState& state, const Uuid& writer) {
  return find_by(state.writers(), &v1::Writer::uuid, writer.view());
}

const v1::SnapshotEntry* find_snapshot(const v1::RepositoryState& state, ByteView id) {
  return find_by(state.snapshots(), &v1::SnapshotEntry::id, id);
}

const v1::SnapshotEntry* find_snapshot_of_run(const v1::RepositoryState& state, ByteView run) {
  const auto found = std::ranges::find_if(state.snapshots(), [&](const v1::SnapshotEntry& entry) {
    return entry.snapshot().run() == as_text(run);
  });
  return found == state.snapshots().end() ? nullptr : &*found;
}

std::uint64_t next_sequence(const v1::RepositoryState& state, const std::string& set) {
  std::uint64_t highest = 0;
  for (const v1::SnapshotEntry& entry : state.snapshots()) {
    if (entry.snapshot().set().uuid() == set) highest = std::max(highest, entry.snapshot().sequence());
  }
  // A number beyond all others may be anybody's lie. It is never 0, which says that there is none.
  return std::max(highest, highest + 1);
}

const v1::UnfinishedRoot* find_root(const v1::RepositoryState& state, ByteView run) {
  return find_by(state.roots(), &v1::UnfinishedRoot::run, run);
}

bool is_removed(const v1::RepositoryState& state, const ObjectName& name) {
  return has_name(state.condemned(), name) || has_name(state.dead(), name);
}

std::string state_key(std::uint64_t generation, const crypto::Digest& record_hash) {
  return std::string(kStatePrefix) + record_key(generation).substr(4) + "-" + to_hex(record_hash);
}

std::optional<StateName> parse_state_key(const std::string& key) {
  constexpr std::size_t kDash = kStatePrefix.size() + kGenerationDigits;
  StateName name;
  if (key.size() != kDash + 1 + 2 * name.record_hash.size() || !key.starts_with(kStatePrefix) ||
      key[kDash] != '-') {
    return std::nullopt;
  }
  name.generation = generation_of("log/" + key.substr(kStatePrefix.size(), kGenerationDigits));
  try {
    std::ranges::copy(from_hex(key.substr(kDash + 1)), name.record_hash.begin());
  } catch (const Error&) {
    return std::nullopt;
  }
  if (name.generation == 0) return std::nullopt;
  return name;
}

Bytes seal_state(const v1::RepositoryState& state, const crypto::Keyring& keyring, const Uuid& repository,
                 const Uuid& writer) {
  crypto::Digest hash;
  std::ranges::copy(as_bytes(state.record_hash()).first(hash.size()), hash.begin());
  const std::string message = state.SerializeAsString();
  ByteWriter content;
  content.u32(static_cast<std::uint32_t>(message.size()));
  content.bytes(as_bytes(message));
  return seal_object(kStateMagic, crypto::ObjectKind::kState, content.data(),
                     state_associated_data(repository, state.generation(), hash), keyring, writer);
}

v1::RepositoryState open_state(ByteView object, std::uint64_t generation, const crypto::Digest& record_hash,
                               const crypto::Keyring& keyring, const Uuid& repository) {
  const Bytes content = open_object(kStateMagic, crypto::ObjectKind::kState, object,
                                    state_associated_data(repository, generation, record_hash), keyring);
  ByteReader reader(content);
  const ByteView message = reader.bytes(reader.u32());
  check_padding(reader.rest());
  v1::RepositoryState state;
  if (!state.ParseFromArray(message.data(), static_cast<int>(message.size()))) {
    throw Error(ErrorKind::kDamaged, "it is not a state");
  }
  require_readable(features_of(state));
  if (state.generation() != generation || as_text(record_hash) != state.record_hash()) {
    throw Error(ErrorKind::kDamaged, "it is the state after another record");
  }
  return state;
}

}  // namespace garner::store
