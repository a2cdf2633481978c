// Several repositories of one keyring as one place to read from: what one of them lacks, or cannot give, the
// next one does.
#pragma once

#include <atomic>
#include <cstddef>
#include <functional>
#include <memory>
#include <vector>

#include "store/blob_source.h"
#include "store/repository.h"

namespace garner::store {

class UnionSource final : public BlobSource {
 public:
  // Asked in this order, and outlive it; those of which `is_last` says so after all others.
  explicit UnionSource(std::vector<Repository*> repositories,
                       std::function<bool(const Repository&)> is_last = nullptr);

  // Those that know where the blob is are asked before those that would have to look for it in their logs;
  // one that was away when it was asked last comes after them, for waiting for it takes minutes. When none
  // gives it, the error that says most: one that has it is away (kDestinationAway: it is worth coming again),
  // or it is damaged, or cannot be read, or nobody has it.
  Bytes read(crypto::BlobKind kind, const crypto::BlobId& id) override;
  // Whether the one at that place of the list has given anything.
  bool has_given(std::size_t place) const { return places_[place].has_given; }

 private:
  struct Place {
    Repository* repository = nullptr;
    std::atomic<bool> was_away = false;
    std::atomic<bool> has_given = false;
  };
  unsigned rank(const Place& place, const crypto::BlobId& id) const;

  const std::size_t count_;
  const std::unique_ptr<Place[]> places_;
  const std::function<bool(const Repository&)> is_last_;
};

}  // namespace garner::store
