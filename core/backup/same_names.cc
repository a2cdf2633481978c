#include "backup/same_names.h"

namespace garner::backup {

bool has_same_names(const store::Repository& one, const store::Repository& other) {
  const auto first = one.state();
  const auto second = other.state();
  const store::v1::Parameters& a = first->parameters();
  const store::v1::Parameters& b = second->parameters();
  return one.header().encrypted == other.header().encrypted && one.keyring().id() == other.keyring().id() &&
         a.chunk_minimum() == b.chunk_minimum() && a.chunk_average() == b.chunk_average() &&
         a.chunk_maximum() == b.chunk_maximum();
}

}  // namespace garner::backup
