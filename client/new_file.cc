#include "new_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "failure.h"
#include "text.h"

namespace garner::client {

NewFile::NewFile(std::string path)
    : path_(std::move(path)),
      descriptor_(open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600)) {
  if (descriptor_ >= 0) return;
  if (errno == EEXIST)
    throw Failure(kExitFailed, printable(path_) + " is there already, and is not overwritten");
  fail("made");
}

NewFile::~NewFile() {
  close(descriptor_);
  if (!written_) unlink(path_.c_str());
}

void NewFile::fail(const std::string& doing) const {
  throw Failure(kExitFailed, printable(path_) + " cannot be " + doing + ": " + std::strerror(errno));
}

void NewFile::write_durably(const std::string& content) {
  for (std::size_t done = 0; done < content.size();) {
    const ssize_t count = write(descriptor_, content.data() + done, content.size() - done);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) fail("written");
    done += static_cast<std::size_t>(count);
  }
  if (fsync(descriptor_) != 0) fail("made durable");
  const std::string folder = path_.substr(0, path_.rfind('/') + 1);
  const int parent = open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const bool durable = parent >= 0 && fsync(parent) == 0;
  if (parent >= 0) close(parent);
  if (!durable) fail("made durable");
  written_ = true;
}

}  // namespace garner::client
