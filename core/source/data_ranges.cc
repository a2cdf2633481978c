#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/bytes.h"
#include "base/error.h"
#include "source/metadata.h"

namespace garner::source {

std::vector<DataRange> data_ranges(int fd, std::uint64_t size, const std::string& path) {
  std::vector<DataRange> ranges;
  std::uint64_t offset = 0;
  while (offset < size) {
    const off_t data = lseek(fd, static_cast<off_t>(offset), SEEK_DATA);
    if (data < 0 && errno == ENXIO) break;  // nothing but a hole until the end
    const off_t hole = data < 0 ? -1 : lseek(fd, data, SEEK_HOLE);
    if (data < 0 || hole < 0) {
      if (hole < 0 && errno == ENXIO) break;  // it has become shorter in between
      // A file system that does not tell: all that is left is data.
      if (errno == EINVAL || errno == ENOTSUP) {
        ranges.push_back({offset, size - offset});
        break;
      }
      throw system_error(errno, "looking for holes in " + printable(path), ErrorKind::kReadFailed);
    }
    const std::uint64_t begin = static_cast<std::uint64_t>(data);
    const std::uint64_t end = std::min(static_cast<std::uint64_t>(hole), size);
    if (begin >= end) break;  // beyond `size`: it has become longer
    ranges.push_back({begin, end - begin});
    offset = end;
  }
  return ranges;
}

}  // namespace garner::source
