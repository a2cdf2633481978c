// Descriptors of the files that content is being written to: the last used of a bounded number stay open.
// Safe from any thread.
#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <unordered_map>

#include "base/file.h"
#include "restore/content_batch.h"

namespace garner::restore {

// Opens an unfinished file of the batch again for writing. It must be the file that was created:
// Error(kWriteFailed) when it is not there any more or another has its name.
Fd open_pending(ContentBatch& batch, std::uint32_t file, const std::string& name);

class OpenFiles {
 public:
  explicit OpenFiles(ContentBatch& batch) : batch_(batch) {}
  std::shared_ptr<const Fd> open(std::uint32_t file);
  void close(std::uint32_t file);

 private:
  struct Entry {
    std::shared_ptr<const Fd> fd;
    std::list<std::uint32_t>::iterator place;
  };
  ContentBatch& batch_;
  std::mutex mutex_;
  std::unordered_map<std::uint32_t, Entry> entries_;
  std::list<std::uint32_t> by_use_;  // the last used first
};

}  // namespace garner::restore
