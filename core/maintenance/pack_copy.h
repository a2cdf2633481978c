// Copies the blobs that are in use out of packs into new ones. Frames that are in use whole are sealed anew
// as they are; of the others the blobs in use are gathered into frames of the usual size. Every blob is held
// against its id on the way. One thread at a time.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "maintenance/mark.h"
#include "maintenance/pack_output.h"
#include "store/frame.h"
#include "store/pack.h"
#include "store/repository.h"

namespace garner::maintenance {

class PackCopier {
 public:
  // `prefix`: path that the names of the new packs' files begin with.
  PackCopier(store::Repository& repository, const Marks& marks, std::string prefix)
      : repository_(repository), marks_(marks), output_(repository, std::move(prefix)) {}

  // What was not copied: should one of these be in use after all, the pack must stay.
  struct Left {
    std::vector<crypto::BlobId> blobs;
  };
  // Error(kDamaged) when a blob in use can be read neither here nor elsewhere: then the pack must stay. What
  // was copied of it before is a second copy.
  Left copy(const store::ObjectName& pack, store::PackKind kind);
  // Bytes of the new packs so far.
  std::uint64_t bytes() const { return output_.bytes(); }
  // Closes the new packs and publishes them: durable, and in no record.
  std::vector<store::FinishedPack> finish() { return output_.finish(); }

 private:
  store::Repository& repository_;
  const Marks& marks_;
  PackOutput output_;
  store::FrameCodec codec_;
};

}  // namespace garner::maintenance
