// Copies the blobs that are in use out of packs into new ones, on several threads. Frames that are in use
// whole are sealed anew as they are; of the others the blobs in use are gathered into frames of the usual
// size. Every blob is held against its id on the way.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "maintenance/mark.h"
#include "maintenance/pack_use.h"
#include "store/pack.h"
#include "store/repository.h"

namespace garner::maintenance {

// One thread at a time calls it.
class PackCopier {
 public:
  // `prefix`: path that the names of the new packs' files begin with. `threads`: 0: one for each core.
  PackCopier(store::Repository& repository, const Marks& marks, std::string prefix, unsigned threads);
  ~PackCopier();

  // For each pack, empty when it was copied; otherwise why not: a blob in use can be read neither here nor
  // elsewhere. Then the pack must stay, and what was copied of it before is a second copy. `done` is called
  // for each pack, on any thread; what it throws ends the work and is thrown here.
  std::vector<std::string> copy(const std::vector<PackUse>& packs, const std::function<void()>& done);
  // Closes the new packs and publishes them: durable, and in no record.
  std::vector<store::FinishedPack> finish();

 private:
  struct Lane;
  std::unique_ptr<Lane> take();
  void give_back(std::unique_ptr<Lane> lane);
  void copy(Lane& lane, const PackUse& pack);

  store::Repository& repository_;
  const Marks& marks_;
  const std::string prefix_;
  const unsigned threads_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<Lane>> idle_;  // from one call to the next
};

}  // namespace garner::maintenance
