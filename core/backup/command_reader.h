// Takes the output of a command as it comes: cuts it into chunks and stores what is new, without ever keeping
// it anywhere else. Only when the command has ended well does its output become a file of the snapshot.
#pragma once

#include "backup/run_context.h"

namespace garner::backup {

// Belongs to one thread; `lane` is that thread's lane of the BlobWriter.
class CommandReader {
 public:
  CommandReader(RunContext& context, unsigned lane);
  void read(const CommandTask& task);

 private:
  // Nothing when the run is to stop. Error(kReadFailed) when the command failed.
  std::optional<v1::Node> take_output(const CommandSource& source);
  void store_chunk(snapshot::ContentListBuilder& list, ByteView chunk);

  RunContext& context_;
  const unsigned lane_;
  Bytes buffer_;  // made when there is a command
};

// Has the output of a command taken, the set's `number`-th, or what an earlier attempt of the run took.
// Returns what stands above it. `base`: the snapshot to compare with, if there is one.
std::shared_ptr<Folder> queue_command(RunContext& context, std::size_t number, const v1::Snapshot* base);

}  // namespace garner::backup
