// A folder of the source while one thread looks at it. What is asked of a folder that may hang is asked with
// a time limit; of others directly.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "source/folder_handle.h"
#include "source/metadata.h"

namespace garner::source {

class FolderView {
 public:
  // Keeps its descriptor open. Error(kReadFailed), kNotFound, as FolderHandle::Use.
  explicit FolderView(std::shared_ptr<FolderHandle> folder);
  ~FolderView();
  FolderView(const FolderView&) = delete;
  FolderView& operator=(const FolderView&) = delete;

  int fd() const { return use_->fd(); }
  const FolderHandle& folder() const { return *folder_; }
  const std::shared_ptr<SlowFileSystem>& slow() const { return folder_->slow(); }

  // As the functions of metadata.h, of the folder itself or of an entry.
  FileStatus status() const;
  FileStatus status_of(const std::string& name) const;
  std::vector<FolderEntry> list() const;
  bool is_cache() const;
  v1::Node capture(const FileStatus& status, const std::function<void(const std::string&)>& warn) const;
  v1::Node capture_entry(const std::string& name, const FileStatus& status,
                         const std::function<void(const std::string&)>& warn) const;

  // Anything else: `work` gets the descriptor, and owns whatever else it uses.
  template <typename Work>
  auto ask(Work work) const {
    if (!slow()) return work(use_->fd());
    return slow()->call([folder = folder_, use = use_, work = std::move(work)] { return work(use->fd()); });
  }

 private:
  const std::shared_ptr<FolderHandle> folder_;
  std::shared_ptr<const FolderHandle::Use> use_;
};

}  // namespace garner::source
