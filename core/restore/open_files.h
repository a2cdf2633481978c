// Files that content is being written to: made when first written to, and the last used of a bounded number
// stay open. Safe from any thread.
#pragma once

#include <array>
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <unordered_map>

#include "base/file.h"
#include "restore/content_batch.h"

namespace garner::restore {

// Makes an unfinished file (existing.h) with the node's storage flags and size, under its temporary name if
// `is_temporary`, where nothing is then; that becomes true where modes are not kept. `whole`: one write gives
// it its size.
// Error(kAlreadyExists), Error(kTargetFull) and others of the target.
Fd create_unfinished(int folder_fd, const v1::Node& node, bool whole, bool& is_temporary);
// Opens an unfinished file of the batch again for writing; `name`: of its node. It must be the file that was
// created: Error(kWriteFailed) when it is not there any more or another has its name.
Fd open_pending(ContentBatch& batch, std::uint32_t file, const std::string& name);

class OpenFiles {
 public:
  explicit OpenFiles(ContentBatch& batch) : batch_(batch) {}
  // The file that the piece belongs to.
  std::shared_ptr<const Fd> open(const Piece& piece);
  void close(std::uint32_t file);

 private:
  struct Entry {
    std::shared_ptr<const Fd> fd;
    std::list<std::uint32_t>::iterator place;
  };
  // Files that are next to each other have different ones: threads make them at the same time.
  struct Shard {
    std::mutex mutex;
    std::unordered_map<std::uint32_t, Entry> entries;
    std::list<std::uint32_t> by_use;  // the last used first
  };
  Shard& shard(std::uint32_t file) { return shards_[file % shards_.size()]; }
  Fd make(const Piece& piece);

  ContentBatch& batch_;
  std::array<Shard, 16> shards_;
};

}  // namespace garner::restore
