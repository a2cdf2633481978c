// Copies the blobs that are in use out of packs into new ones. Frames that are in use whole are sealed anew
// as they are; of the others the blobs in use are gathered into frames of the usual size. Every blob is held
// against its id on the way. One thread at a time.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "maintenance/mark.h"
#include "store/frame.h"
#include "store/pack.h"
#include "store/repository.h"

namespace garner::maintenance {

class PackCopier {
 public:
  // `prefix`: path that the names of the new packs' files begin with.
  PackCopier(store::Repository& repository, const Marks& marks, std::string prefix);
  ~PackCopier();

  // What was not copied: should one of these be in use after all, the pack must stay.
  struct Left {
    std::vector<crypto::BlobId> blobs;
  };
  // Error(kDamaged) when a blob in use can be read neither here nor elsewhere: then the pack must stay. What
  // was copied of it before is a second copy.
  Left copy(const store::ObjectName& pack, store::PackKind kind);
  // Bytes of the new packs so far.
  std::uint64_t bytes() const;
  // Closes the new packs and publishes them: durable, and in no record.
  std::vector<store::FinishedPack> finish();

 private:
  struct Output;
  Output& output(store::PackKind kind) { return *outputs_[kind == store::PackKind::kData ? 0 : 1]; }
  void add(Output& output, const store::FrameBlob& blob, ByteView content);
  void flush(Output& output);
  void append(Output& output, ByteView encoded, std::uint32_t raw_length,
              std::vector<store::FrameBlob> blobs);
  void close(Output& output);

  store::Repository& repository_;
  const Marks& marks_;
  const std::string prefix_;
  const store::PackContext context_;
  store::FrameCodec codec_;
  std::unique_ptr<Output> outputs_[2];
  std::vector<store::FinishedPack> finished_;
  std::vector<std::string> paths_;  // of finished_
  std::uint64_t finished_bytes_ = 0;
};

}  // namespace garner::maintenance
