#include "source/track_file.h"

#include <fcntl.h>

#include <cerrno>

#include "base/error.h"
#include "source/metadata.h"
#include "source/open.h"

namespace garner::source {

namespace {

std::shared_ptr<const RuleList> read(int folder_fd, const std::string& folder_path) {
  // Looked at before it is opened: opening a device or a pipe can already do something.
  const Fd named = open_as_path(folder_fd, kTrackFileName);
  if (!named.valid()) {
    if (errno == ENOENT) return nullptr;
    throw system_error(errno, "its rules cannot be read", ErrorKind::kReadFailed);
  }
  const FileStatus status = read_status(named.get(), "");
  if (status.type == v1::NODE_TYPE_FOLDER) return nullptr;
  if (status.type != v1::NODE_TYPE_FILE)
    throw Error(ErrorKind::kReadFailed, "it is no regular file, so no rules are read from it");
  const Fd fd = open_following(AT_FDCWD, descriptor_path(named.get()).c_str());
  if (!fd.valid()) throw system_error(errno, "its rules cannot be read", ErrorKind::kReadFailed);
  const std::string path = path_in(folder_path, kTrackFileName);
  Bytes text(kMostTrackFileBytes + 1);
  text.resize(read_at(fd.get(), text, 0, path));
  if (text.size() > kMostTrackFileBytes)
    throw Error(ErrorKind::kReadFailed, "it is longer than 1 MiB, so no rules are read from it");
  return std::make_shared<RuleList>(parse_track_file(path, as_text(text)));
}

}  // namespace

std::shared_ptr<const RuleList> read_track_file(const FolderView& folder) {
  return folder.ask([path = folder.folder().path()](int fd) { return read(fd, path); });
}

}  // namespace garner::source
