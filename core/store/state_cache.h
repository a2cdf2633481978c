// The local copy of the newest state read, as a file of this machine. It is a cache: written whole and
// renamed without fsync, recognised as torn or foreign by its digest, and then as good as missing. Not safe
// for use by several threads at once.
//
//   8 bytes "GARNLAS4" · 16 bytes repository uuid · u64 each of the flags to read, to write and to prune that
//   its writer knows · u8: 1 if this machine made it from the log's first record on · the log's end: u64 last
//   change · u8: 1 if the place tells sums · u32 number of known records, each u64 generation · 16 bytes MD5
//   · serialized RepositoryState · 32 bytes BLAKE3 of all before
//
// A version that knows other flags does not use it: one that knows less may have read past what this one
// keeps in a state.
#pragma once

#include <optional>
#include <string>

#include "base/uuid.h"
#include "store/log.h"

namespace garner::store {

struct CachedState {
  KnownLog log;  // nothing of it is confirmed
  bool from_first_record = false;
};
// Nothing when the file is missing, torn, or another repository's or version's.
std::optional<CachedState> read_state_cache(const std::string& path, const Uuid& repository);
// Atomic, not durable. Errors of the file system.
void write_state_cache(const std::string& path, const Uuid& repository, const v1::RepositoryState& state,
                       const LogEnd& end, bool from_first_record);

}  // namespace garner::store
