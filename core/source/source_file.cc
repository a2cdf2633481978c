#include "source/source_file.h"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "base/error.h"
#include "source/open.h"

namespace garner::source {

SourceFile::SourceFile(const FolderView& folder, const std::string& name) : slow_(folder.slow()) {
  fd_ = folder.ask([name](int folder_fd) {
    auto fd = std::make_shared<const Fd>(open_for_reading(folder_fd, name.c_str()));
    if (!fd->valid()) {
      throw system_error(errno, "cannot open it for reading",
                         errno == ENOENT ? ErrorKind::kNotFound : ErrorKind::kReadFailed);
    }
    return fd;
  });
}

// Closing it can be what hangs.
SourceFile::~SourceFile() {
  if (slow_ && fd_) slow_->let_go(std::move(fd_));
}

FileStatus SourceFile::status() const {
  FileStatus status = ask([](int fd) { return read_status(fd, ""); });
  status.foreign_clock = slow_ != nullptr;
  return status;
}

bool SourceFile::is_stored() const {
  return ask([](int fd) { return stores_files(fd); });
}

v1::Node SourceFile::capture(const FolderView& folder, const std::string& name, const FileStatus& status,
                             const std::function<void(const std::string&)>& warn) const {
  if (!slow_) return source::capture(folder.fd(), name, status, fd_->get(), warn);
  using Result = std::pair<v1::Node, std::vector<std::string>>;
  Result result = folder.ask([name, status, file = fd_](int folder_fd) {
    std::vector<std::string> warnings;
    v1::Node node = source::capture(folder_fd, name, status, file->get(),
                                    [&](const std::string& message) { warnings.push_back(message); });
    return Result(std::move(node), std::move(warnings));
  });
  for (const std::string& message : result.second) warn(message);
  return std::move(result.first);
}

std::vector<DataRange> SourceFile::data_ranges(std::uint64_t size, const std::string& path) const {
  return ask([size, path](int fd) { return source::data_ranges(fd, size, path); });
}

// Pages are made clean, and their mappings read-only, when they are sent to the disk (by btrfs when they have
// been compressed). Nothing is waited for: that made new small files five times as slow, could last as long
// as others go on writing, and would take away an error of writing that belongs to whoever calls fsync next.
// A page that is being written at this moment and was stored to since is passed over.
void SourceFile::write_out(std::uint64_t size) const {
  if (slow_ || size == 0) return;
  sync_file_range(fd_->get(), 0, static_cast<off_t>(size), SYNC_FILE_RANGE_WRITE);
}

std::size_t SourceFile::read(MutableByteView data, std::uint64_t offset, const std::string& path) const {
  if (!slow_) return read_at(fd_->get(), data, offset, path);
  // Into memory of its own: what is left behind must not write into ours.
  const Bytes got = ask([size = data.size(), offset, path](int fd) {
    Bytes buffer(size);
    buffer.resize(read_at(fd, buffer, offset, path));
    return buffer;
  });
  // From bytes that are const GCC 12's std::ranges::copy goes one by one.
  std::copy(got.begin(), got.end(), data.begin());
  return got.size();
}

}  // namespace garner::source
