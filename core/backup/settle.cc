#include "backup/settle.h"

#include <boost/unordered/unordered_flat_set.hpp>

#include "base/error.h"
#include "snapshot/closure.h"

namespace garner::backup {

namespace {

bool is_missing(const Error& error) {
  return error.kind() == ErrorKind::kNotFound || error.kind() == ErrorKind::kDamaged;
}

// The repository, packs that are condemned as long as they are there, and others.
class RescueSource final : public store::BlobSource {
 public:
  RescueSource(store::Repository& repository, store::BlobWriter& writer,
               const std::vector<store::BlobSource*>& others)
      : repository_(repository), writer_(writer), others_(others) {}

  Bytes read(crypto::BlobKind kind, const crypto::BlobId& id) override {
    std::optional<Error> lost;
    try {
      return repository_.read(kind, id);
    } catch (const Error& error) {
      if (!is_missing(error)) throw;
    }
    try {
      return repository_.read_condemned(kind, id);
    } catch (const Error& error) {
      if (!is_missing(error)) throw;
      lost = error;
    }
    for (store::BlobSource* other : others_) {
      try {
        return other->read(kind, id);
      } catch (const Error& error) {
        if (error.kind() == ErrorKind::kCancelled) throw;
      }
    }
    throw Error(*lost);
  }

  // Stores again what has no live location. Throws when it cannot be read.
  void rescue(crypto::BlobKind kind, const crypto::BlobId& id) {
    const Bytes content = read(kind, id);
    if (kind == crypto::BlobKind::kData) {
      writer_.put(0, id, content);
    } else {
      writer_.put_metadata(kind, id, content);
    }
  }

 private:
  store::Repository& repository_;
  store::BlobWriter& writer_;
  const std::vector<store::BlobSource*>& others_;
};

}  // namespace

std::optional<std::set<store::ObjectName>> settle(store::Repository& repository, unsigned number,
                                                  store::BlobWriter& writer, const v1::Snapshot& snapshot,
                                                  const std::vector<store::BlobSource*>& others) {
  RescueSource source(repository, writer, others);
  std::set<store::ObjectName> names;
  boost::unordered_flat_set<crypto::BlobId, crypto::BlobIdHash> inner;  // trees and lists, each walked once
  bool lost = false;
  snapshot::ClosureVisitor visitor;
  visitor.visit = [&](crypto::BlobKind kind, const crypto::BlobId& id, const std::string&) {
    if (kind != crypto::BlobKind::kData && !inner.insert(id).second) return false;
    if (const auto location = repository.index().find(id)) {
      names.insert(location->pack);
    } else if (!writer.holds(number, id)) {
      try {
        source.rescue(kind, id);
      } catch (const Error& error) {
        if (!is_missing(error)) throw;
        lost = true;
      }
    }
    return !lost;
  };
  visitor.unreadable = [&](crypto::BlobKind, const crypto::BlobId&, const std::string&, const std::string&) {
    lost = true;
  };
  snapshot::walk_closure(snapshot, source, visitor);
  if (lost) return std::nullopt;
  return names;
}

}  // namespace garner::backup
