#include "source/folder_view.h"

namespace garner::source {

namespace {

// Warnings of a call that may be left behind are kept with it, and told when it has ended well.
template <typename Capture>
v1::Node capture_with(const FolderView& view, const std::function<void(const std::string&)>& warn,
                      Capture capture) {
  if (!view.slow()) return capture(view.fd(), warn);
  using Result = std::pair<v1::Node, std::vector<std::string>>;
  Result result = view.ask([capture = std::move(capture)](int fd) {
    std::vector<std::string> warnings;
    v1::Node node = capture(fd, [&](const std::string& message) { warnings.push_back(message); });
    return Result(std::move(node), std::move(warnings));
  });
  for (const std::string& message : result.second) warn(message);
  return std::move(result.first);
}

}  // namespace

FolderView::FolderView(std::shared_ptr<FolderHandle> folder) : folder_(std::move(folder)) {
  if (!slow()) {
    use_ = std::make_shared<const FolderHandle::Use>(*folder_);
    return;
  }
  // The folder outlives its use, also where both are left behind.
  use_ = slow()->call([folder = folder_] {
    return std::shared_ptr<const FolderHandle::Use>(new FolderHandle::Use(*folder),
                                                    [folder](const FolderHandle::Use* use) { delete use; });
  });
}

FolderView::~FolderView() {
  if (slow() && use_) slow()->let_go(std::move(use_));
}

FileStatus FolderView::status() const {
  FileStatus status = ask([](int fd) { return read_status(fd, ""); });
  status.foreign_clock = slow() != nullptr;
  return status;
}

FileStatus FolderView::status_of(const std::string& name) const {
  if (!slow()) return read_status(use_->fd(), name);
  FileStatus status = ask([name](int fd) { return read_status(fd, name); });
  status.foreign_clock = true;
  return status;
}

std::vector<FolderEntry> FolderView::list() const {
  return ask([path = folder_->path()](int fd) { return list_folder(fd, path); });
}

bool FolderView::is_cache() const {
  return ask([](int fd) { return is_cache_folder(fd); });
}

v1::Node FolderView::capture(const FileStatus& status,
                             const std::function<void(const std::string&)>& warn) const {
  return capture_with(
      *this, warn, [status](int fd, const auto& tell) { return source::capture(fd, "", status, fd, tell); });
}

v1::Node FolderView::capture_entry(const std::string& name, const FileStatus& status,
                                   const std::function<void(const std::string&)>& warn) const {
  return capture_with(*this, warn, [name, status](int fd, const auto& tell) {
    return source::capture(fd, name, status, -1, tell);
  });
}

}  // namespace garner::source
