// The log of a repository by somebody who has the keys and is listed as a writer: a signed first record, then
// records whose bodies are the input: u8 feature flags, u16 length, body. Whatever they say, a state stays a
// state.
#include "fuzz/fuzz.h"
#include "fuzz/keys.h"
#include "store/snapshot_tags.h"
#include "store/state.h"

namespace garner::fuzz {
namespace {

const crypto::WriterKey& key() {
  static const crypto::WriterKey made = crypto::WriterKey::parse(Bytes(48, 'W'));
  return made;
}

std::string text_of(ByteView bytes) { return std::string(as_text(bytes)); }

store::v1::RepositoryState first_state() {
  store::Record record;
  record.parameters = store::default_parameters();
  record.body.set_generation(1);
  record.body.set_log_uuid(text_of(repository().view()));
  record.body.set_writer(text_of(key().uuid().view()));
  store::v1::Writer& own = *record.body.add_set_writers();
  own.set_uuid(record.body.writer());
  own.set_public_key(text_of(key().public_key()));
  own.set_role(store::v1::ROLE_REMOVE);
  const store::SealedRecord sealed = store::seal_record(record, key(), keyring(), repository());
  return store::apply({}, store::open_record(sealed.object, 1, keyring(), repository()));
}

void check(const store::v1::RepositoryState& state) {
  require(std::ranges::any_of(state.writers(),
                              [](const auto& one) { return one.role() == store::v1::ROLE_REMOVE; }),
          "a remover is always left");
  require(std::ranges::is_sorted(state.condemned()) && std::ranges::is_sorted(state.dead()),
          "names are in order");
  for (const auto* names : {&state.condemned(), &state.dead()}) {
    for (const std::string& name : *names) require(name.size() == 32, "a name has 32 bytes");
  }
  for (const auto& entry : state.snapshots())
    require(entry.id().size() == 32 && store::is_tag_list(entry.tags()),
            "a snapshot's id has 32 bytes, and its tags are tags");
}

}  // namespace

void try_one(ByteView bytes) {
  keyring();
  static const store::v1::RepositoryState first = first_state();
  store::v1::RepositoryState state = first;
  Input input(bytes);
  for (int i = 0; i < 4 && !input.at_end(); ++i) {
    const std::uint64_t flags = input.number(1);
    const ByteView body = input.piece(input.number(2));
    store::Record record;
    if (!record.body.ParseFromArray(body.data(), static_cast<int>(body.size()))) return;
    record.features = store::features_of(state);
    record.features.read |= flags & 1;
    record.features.prune |= flags >> 1 & 1;
    record.features.write |= flags >> 2 & 1;
    record.parameters = state.parameters();
    record.body.set_generation(state.generation() + 1);
    record.body.set_previous(state.record_hash());
    record.body.set_log_uuid(state.log_uuid());
    record.body.set_writer(text_of(key().uuid().view()));
    const store::SealedRecord sealed = store::seal_record(record, key(), keyring(), repository());
    const auto opened = store::open_record(sealed.object, record.body.generation(), keyring(), repository());
    if (!accepts([&] { state = store::apply(state, opened); })) continue;
    check(state);
    const Bytes object = store::seal_state(state, keyring(), repository(), writer());
    require(store::open_state(object, state.generation(), sealed.hash, keyring(), repository())
                    .SerializeAsString() == state.SerializeAsString(),
            "a state is read as it was written");
  }
}

}  // namespace garner::fuzz
