// Stores chunks of changed files as differences from what stood in their place before (store/difference.h).
//
// The base is always a blob that is stored itself: of a chunk that was a difference already, the base of
// that. So a patch grows from version to version until it does not pay any more; then the chunk is stored
// whole and becomes the base of those to come.
#pragma once

#include <cstdint>
#include <optional>

#include "backup/known_chunks.h"
#include "backup/run_context.h"
#include "store/difference.h"

namespace garner::backup {

// The one place that decides whether a run makes differences at all: from where it reads their bases; null:
// it makes none. Every few of them take a frame of an earlier backup: that must be as quick as reading the
// source, so one of the destinations is to be in this machine's file system, which is what a staging folder
// tells. And all of their logs must say that there are differences, or may be made to.
store::Repository* source_of_differences(const std::vector<store::Repository*>& targets);

// Belongs to one reading thread; `lane` is that thread's lane of the BlobWriter.
class DifferenceMaker {
 public:
  DifferenceMaker(RunContext& context, unsigned lane);

  // Before the chunks of a file of this size.
  void begin_file(std::uint64_t size);

  struct Made {
    snapshot::Difference difference;
    store::TargetSet new_to = 0;  // none: the file had it before
  };
  // The chunk as a difference, which is stored. Nothing where it is to be stored whole, or is so already.
  std::optional<Made> make(KnownChunks& known, const crypto::BlobId& id, std::uint64_t offset,
                           ByteView chunk);

 private:
  std::optional<Made> take_over(const snapshot::Difference& difference);
  std::optional<Made> make_from(const crypto::BlobId& base, const crypto::BlobId& id, ByteView chunk);
  Bytes read_base(const crypto::BlobId& id);

  RunContext& context_;
  const unsigned lane_;
  bool wanted_ = false;    // for this file
  unsigned failures_ = 0;  // in a row, of this file
  store::DifferenceCodec codec_;
};

}  // namespace garner::backup
