#include "backup/read_counter.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>

#include "base/error.h"
#include "base/file.h"

namespace garner::backup {

ReadCounter::ReadCounter(const std::string& file, std::uint64_t at_least) {
  if (!file.empty()) {
    const Fd fd = open_file(file, O_RDWR | O_CREAT);
    if (ftruncate(fd.get(), sizeof *value_) != 0) throw system_error(errno, file);
    void* mapping = mmap(nullptr, sizeof *value_, PROT_READ | PROT_WRITE, MAP_SHARED, fd.get(), 0);
    if (mapping == MAP_FAILED) throw system_error(errno, file);
    value_ = static_cast<std::uint64_t*>(mapping);
  }
  *value_ = std::max(*value_, at_least);
}

ReadCounter::~ReadCounter() {
  if (value_ != &in_memory_) munmap(value_, sizeof *value_);
}

}  // namespace garner::backup
