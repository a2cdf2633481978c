// Writes blobs that stand in packs already, or frames of them, into new packs and publishes these. What it
// holds in memory is a frame of each kind. One thread at a time.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "store/frame.h"
#include "store/pack.h"
#include "store/repository.h"

namespace garner::maintenance {

class PackOutput {
 public:
  // `prefix`: path that the names of the new packs' files begin with.
  PackOutput(store::Repository& repository, std::string prefix);
  ~PackOutput();

  // A blob, verified by the caller.
  void add(const store::FrameBlob& blob, ByteView content);
  // A frame as FrameCodec encoded it.
  void append(store::PackKind kind, ByteView encoded, std::uint32_t raw_length,
              std::vector<store::FrameBlob> blobs);
  // Closes the new packs and publishes them: durable, and in no record.
  std::vector<store::FinishedPack> finish();

 private:
  struct Output;
  Output& output(store::PackKind kind) { return *outputs_[kind == store::PackKind::kData ? 0 : 1]; }
  void flush(Output& output);
  void close(Output& output);

  store::Repository& repository_;
  const std::string prefix_;
  const store::PackContext context_;
  store::FrameCodec codec_;
  std::unique_ptr<Output> outputs_[2];
  std::vector<store::FinishedPack> finished_;
  std::vector<std::string> paths_;  // of finished_
};

}  // namespace garner::maintenance
