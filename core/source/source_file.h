// A regular file of the source, open for reading. On a file system that may hang everything about it has a
// time limit.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/file.h"
#include "source/folder_view.h"

namespace garner::source {

// One thread at a time. Messages of its errors do not name it; `path` of some is for messages.
class SourceFile {
 public:
  // The entry `name` of the folder, not followed if it is a link. Error(kNotFound) when there is none;
  // Error(kReadFailed), with ELOOP where it is a link.
  SourceFile(const FolderView& folder, const std::string& name);
  ~SourceFile();
  SourceFile(const SourceFile&) = delete;
  SourceFile& operator=(const SourceFile&) = delete;

  // As the functions of metadata.h. Error(kReadFailed).
  FileStatus status() const;
  v1::Node capture(const FolderView& folder, const std::string& name, const FileStatus& status,
                   const std::function<void(const std::string&)>& warn) const;
  bool is_stored() const;  // see stores_files()
  std::vector<DataRange> data_ranges(std::uint64_t size, const std::string& path) const;
  // After this, whatever is written to the file's first `size` bytes gives it a new time of change. Without
  // it, what a program stores through a mapping of the file does not, for as long as the page it stores to
  // has not been written out since an earlier store (up to half a minute and more): the kernel sets the time
  // when a page becomes dirty, not when it is stored to. Costs nothing where the file has no dirty pages.
  // Does nothing on a file system that may hang: times there must be older than that anyway (is_unchanged()).
  void write_out(std::uint64_t size) const;
  // Up to `data`.size() bytes from `offset`, fewer only at the end of the file.
  std::size_t read(MutableByteView data, std::uint64_t offset, const std::string& path) const;

 private:
  template <typename Work>
  auto ask(Work work) const {
    if (!slow_) return work(fd_->get());
    return slow_->call([fd = fd_, work = std::move(work)] { return work(fd->get()); });
  }

  const std::shared_ptr<SlowFileSystem> slow_;
  std::shared_ptr<const Fd> fd_;
};

}  // namespace garner::source
