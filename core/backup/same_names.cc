#include "backup/same_names.h"

#include "base/bytes.h"

namespace garner::backup {

std::string names_of(const store::Repository& repository) {
  const auto state = repository.state();
  const store::v1::Parameters& parameters = state->parameters();
  ByteWriter writer;
  writer.u8(repository.header().encrypted ? 1 : 0);
  writer.bytes(repository.keyring().id().view());
  writer.u64(parameters.chunk_minimum());
  writer.u64(parameters.chunk_average());
  writer.u64(parameters.chunk_maximum());
  return std::string(as_text(writer.data()));
}

bool has_same_names(const store::Repository& one, const store::Repository& other) {
  return names_of(one) == names_of(other);
}

}  // namespace garner::backup
