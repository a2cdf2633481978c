// Records that garner itself does not write yet, or never would, committed as another program with the keys
// of the repository could.
#pragma once

#include <functional>

#include "store/log.h"
#include "store/repository.h"

namespace garner::testing {

// The record that follows the newest one `repository` has read, as its writer would begin it.
inline store::Record next_record(const store::Repository& repository) {
  const auto state = repository.state();
  store::Record record;
  record.features = store::features_of(*state);
  record.parameters = state->parameters();
  record.body.set_generation(state->generation() + 1);
  record.body.set_previous(state->record_hash());
  record.body.set_log_uuid(state->log_uuid());
  record.body.set_writer(repository.writer().uuid().value.data(), repository.writer().uuid().value.size());
  return record;
}

// Seals `record`, signed by `writer`, and creates it. False when another record was first.
inline bool put_record(store::Repository& repository, const store::Record& record,
                       const crypto::WriterKey& writer) {
  const store::SealedRecord sealed =
      store::seal_record(record, writer, repository.keyring(), repository.header().repository);
  return store::create_record(repository.destination(), record.body.generation(), sealed);
}

// Reads what is new, lets `edit` fill the next record, creates it and reads it, again until it is not
// overtaken.
inline void forge_record(store::Repository& repository, const std::function<void(store::Record&)>& edit) {
  store::Record record;
  do {
    repository.refresh();
    record = next_record(repository);
    edit(record);
  } while (!put_record(repository, record, repository.writer()));
  repository.refresh();
}

// The same by another machine, which lists itself with its first record: `repository` does not learn of it by
// itself.
inline void forge_record_by_other(store::Repository& repository,
                                  const std::function<void(store::Record&)>& edit) {
  const crypto::WriterKey other = crypto::WriterKey::generate();
  store::Record record = next_record(repository);
  record.body.set_writer(other.uuid().value.data(), other.uuid().value.size());
  store::v1::Writer& entry = *record.body.add_set_writers();
  entry.set_uuid(record.body.writer());
  entry.set_public_key(other.public_key().data(), other.public_key().size());
  entry.set_role(store::v1::ROLE_ADD);
  edit(record);
  put_record(repository, record, other);
}

// `repository`'s writer may only add from now on: another one is the remover.
inline void forge_demotion(store::Repository& repository) {
  const crypto::WriterKey other = crypto::WriterKey::generate();
  const auto add = [](store::Record& record, const crypto::WriterKey& key, store::v1::Role role) {
    store::v1::Writer& writer = *record.body.add_set_writers();
    writer.set_uuid(key.uuid().value.data(), key.uuid().value.size());
    writer.set_public_key(key.public_key().data(), key.public_key().size());
    writer.set_role(role);
  };
  forge_record(repository, [&](store::Record& record) {
    add(record, other, store::v1::ROLE_REMOVE);
    add(record, repository.writer(), store::v1::ROLE_ADD);
  });
}

}  // namespace garner::testing
