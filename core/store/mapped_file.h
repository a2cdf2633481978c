// Files that are mapped to be searched, with a bound on how much of them stays resident. The kernel counts
// mapped pages to a process once they were touched and takes them back only under pressure. How much one
// touch maps differs: 64 KiB around it, or the whole piece of page cache it lies in, up to 2 MiB. So what
// touches map is measured every few of them, and when it exceeds the bound all is given back at once. The
// content stays in the page cache.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/file.h"

namespace garner::store {

class MappedFile;

// Shared by all mappings that are bounded together; best by all of the process, since what is measured is
// its. Any thread.
class MappingBudget {
 public:
  // Bytes. It is exceeded by what four touches map at most.
  explicit MappingBudget(std::uint64_t limit = 64u << 20);

 private:
  friend class MappedFile;
  void add(MappedFile* file);
  void remove(MappedFile* file);
  void take_window();
  bool is_exceeded() const;
  void give_back();

  const std::uint64_t limit_;
  Fd statm_;
  std::atomic<std::uint64_t> windows_ = 0;   // touched since the last give_back()
  std::atomic<std::uint64_t> baseline_ = 0;  // bytes of other files that the process had mapped then
  std::mutex mutex_;
  std::vector<MappedFile*> files_;
};

// A whole file, mapped read-only for random access. Const use is safe from any thread.
class MappedFile {
 public:
  // Maps the first `size` bytes of the open file, which it must have. Error(kReadFailed).
  MappedFile(int fd, std::uint64_t size, const std::string& path, std::shared_ptr<MappingBudget> budget);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  // `length` bytes at `offset`, for use at once: every use that may come later asks again, so that it is
  // counted. The range is within the file.
  const std::uint8_t* at(std::uint64_t offset, std::uint64_t length) const;

 private:
  friend class MappingBudget;
  void give_back();

  std::shared_ptr<MappingBudget> budget_;
  std::uint8_t* base_ = nullptr;
  std::uint64_t size_ = 0;
  std::uint64_t skew_ = 0;                                   // of base_ to the window boundary before it
  mutable std::vector<std::atomic<std::uint64_t>> touched_;  // a bit a window
};

}  // namespace garner::store
