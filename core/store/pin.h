// What this machine last saw of a repository. Kept with the keys, not in the cache: it is what tells a
// rolled-back, forked or replaced repository from a continued one.
#pragma once

#include <optional>

#include "base/uuid.h"
#include "crypto/hash.h"

namespace garner::store {

struct Pin {
  Uuid repository;
  bool encrypted = true;
  crypto::Digest header_hash{};
  Uuid log_uuid;                 // nil until a log was seen
  std::uint64_t generation = 0;  // 0 until a record was seen
  crypto::Digest record_hash{};
  bool operator==(const Pin&) const = default;
};

// Durable; safe to use from any thread.
class PinStore {
 public:
  virtual ~PinStore() = default;
  virtual std::optional<Pin> load(const Uuid& repository) = 0;
  virtual void save(const Pin& pin) = 0;  // durable when it returns
};

}  // namespace garner::store
