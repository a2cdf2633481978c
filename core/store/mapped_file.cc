#include "store/mapped_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>

#include "base/error.h"

namespace garner::store {
namespace {

// The least that the kernel maps around a page that faults: aligned by address.
constexpr unsigned kWindowBits = 16;
constexpr std::uint64_t kWindow = std::uint64_t{1} << kWindowBits;
constexpr std::uint64_t kMeasuredEvery = 4;  // windows

// Bytes of files that this process has mapped and resident; 0 where that cannot be known.
std::uint64_t resident_file_bytes(int statm) {
  std::array<char, 128> text{};
  ssize_t length = pread(statm, text.data(), text.size() - 1, 0);
  unsigned long long shared = 0;
  if (length <= 0 || std::sscanf(text.data(), "%*u %*u %llu", &shared) != 1) return 0;
  return shared * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
}

}  // namespace

MappingBudget::MappingBudget(std::uint64_t limit) : limit_(limit) {
  int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
  if (fd >= 0) statm_ = Fd(fd);
  baseline_ = resident_file_bytes(statm_.get());
}

void MappingBudget::add(MappedFile* file) {
  std::lock_guard lock(mutex_);
  files_.push_back(file);
}

void MappingBudget::remove(MappedFile* file) {
  std::lock_guard lock(mutex_);
  std::erase(files_, file);
}

void MappingBudget::take_window() {
  std::uint64_t windows = windows_.fetch_add(1, std::memory_order_relaxed) + 1;
  if (windows * kWindow > limit_ || (windows % kMeasuredEvery == 0 && is_exceeded())) give_back();
}

bool MappingBudget::is_exceeded() const {
  return resident_file_bytes(statm_.get()) > baseline_.load(std::memory_order_relaxed) + limit_;
}

void MappingBudget::give_back() {
  std::unique_lock lock(mutex_, std::try_to_lock);
  if (!lock) return;                             // another thread is at it
  windows_.store(1, std::memory_order_relaxed);  // the one that is about to be touched
  for (MappedFile* file : files_) file->give_back();
  baseline_.store(resident_file_bytes(statm_.get()), std::memory_order_relaxed);
}

MappedFile::MappedFile(int fd, std::uint64_t size, const std::string& path,
                       std::shared_ptr<MappingBudget> budget)
    : budget_(std::move(budget)), size_(size) {
  if (size_ == 0) return;
  void* address = mmap(nullptr, size_, PROT_READ, MAP_SHARED, fd, 0);
  if (address == MAP_FAILED) throw system_error(errno, "mapping " + printable(path), ErrorKind::kReadFailed);
  base_ = static_cast<std::uint8_t*>(address);
  madvise(base_, size_, MADV_RANDOM);
  skew_ = reinterpret_cast<std::uintptr_t>(base_) & (kWindow - 1);
  touched_ = std::vector<std::atomic<std::uint64_t>>(((skew_ + size_) >> kWindowBits) / 64 + 1);
  budget_->add(this);
}

MappedFile::~MappedFile() {
  if (base_ == nullptr) return;
  budget_->remove(this);
  munmap(base_, size_);
}

const std::uint8_t* MappedFile::at(std::uint64_t offset, std::uint64_t length) const {
  std::uint64_t first = (skew_ + offset) >> kWindowBits;
  std::uint64_t last = (skew_ + offset + std::max<std::uint64_t>(length, 1) - 1) >> kWindowBits;
  for (std::uint64_t window = first; window <= last; ++window) {
    std::atomic<std::uint64_t>& word = touched_[window / 64];
    std::uint64_t bit = std::uint64_t{1} << (window % 64);
    if ((word.load(std::memory_order_relaxed) & bit) != 0) continue;
    budget_->take_window();
    word.fetch_or(bit, std::memory_order_relaxed);
  }
  return base_ + offset;
}

void MappedFile::give_back() {
  for (std::atomic<std::uint64_t>& word : touched_) word.store(0, std::memory_order_relaxed);
  madvise(base_, size_, MADV_DONTNEED);
}

}  // namespace garner::store
