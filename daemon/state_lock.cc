#include "state_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>

#include "base/error.h"

namespace garner::daemon {

StateLock::StateLock(const std::string& state_folder) {
  const std::string path = state_folder + "/lock";
  file_ = open_file(path, O_RDWR | O_CREAT, 0600);
  if (flock(file_.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) throw system_error(errno, "locking " + printable(path));
    const Bytes holder = read_file(path, 100);
    const std::string pid(as_text(holder).substr(0, as_text(holder).find('\n')));
    throw Error(ErrorKind::kConflict, "another garnerd" +
                                          (pid.empty() ? "" : " (process " + printable(pid) + ")") +
                                          " uses the state folder " + printable(state_folder));
  }
  // For the message above only: the lock itself is the kernel's.
  const std::string pid = std::to_string(getpid()) + "\n";
  if (ftruncate(file_.get(), 0) != 0) throw system_error(errno, "writing " + printable(path));
  write_at(file_.get(), as_bytes(pid), 0, path);
}

void StateLock::release() const { flock(file_.get(), LOCK_UN); }

}  // namespace garner::daemon
