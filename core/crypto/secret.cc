#include "crypto/secret.h"

#include <sodium.h>
#include <sys/random.h>

#include <algorithm>
#include <cerrno>
#include <mutex>
#include <new>
#include <utility>
#include <vector>

#include "base/error.h"

namespace garner::crypto {

namespace {

// Where the limit on locked memory is reached it is not locked.
std::uint8_t* allocate_pages(std::size_t size) {
  initialize_crypto();
  auto* data = static_cast<std::uint8_t*>(sodium_malloc(size));
  if (data == nullptr) throw std::bad_alloc();
  return data;
}

// Memory of keys, one or two of which are made for each object that is read: pages of their own would take
// most of the time of reading a small one.
class KeySlots {
 public:
  static constexpr std::size_t kSize = 64;

  std::uint8_t* take() {
    const std::lock_guard lock(mutex_);
    if (free_.empty()) add_slots();
    std::uint8_t* const slot = free_.back();
    free_.pop_back();
    return slot;
  }
  void give_back(std::uint8_t* slot) noexcept {
    sodium_memzero(slot, kSize);
    const std::lock_guard lock(mutex_);
    free_.push_back(slot);  // there is room
  }

 private:
  static constexpr std::size_t kInPage = 63;  // with libsodium's canary, a page of 4 KiB

  void add_slots() {
    free_.reserve(count_ + kInPage);
    std::uint8_t* const page = allocate_pages(kInPage * kSize);
    for (std::size_t i = 0; i < kInPage; ++i) free_.push_back(page + i * kSize);
    count_ += kInPage;
  }

  std::mutex mutex_;  // of what follows
  std::vector<std::uint8_t*> free_;
  std::size_t count_ = 0;  // of all, in use or not
};

// Never destroyed: secrets of other files' statics may live longer.
KeySlots& key_slots() {
  static auto* const slots = new KeySlots;
  return *slots;
}

std::uint8_t* allocate(std::size_t size) {
  if (size == 0) return nullptr;
  return size <= KeySlots::kSize ? key_slots().take() : allocate_pages(size);
}

// Wiped.
void release(std::uint8_t* data, std::size_t size) noexcept {
  if (size > KeySlots::kSize) {
    sodium_free(data);
  } else if (data != nullptr) {
    key_slots().give_back(data);
  }
}

}  // namespace

void initialize_crypto() {
  static const int result = sodium_init();
  if (result < 0) throw Error(ErrorKind::kInternal, "libsodium cannot start");
}

Secret::Secret(std::size_t size) : data_(allocate(size)), size_(size) {
  std::fill_n(data_, size_, std::uint8_t{0});
}

Secret::Secret(ByteView bytes) : data_(allocate(bytes.size())), size_(bytes.size()) {
  std::copy(bytes.begin(), bytes.end(), data_);
}

Secret::Secret(Secret&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}

Secret& Secret::operator=(Secret&& other) noexcept {
  if (this != &other) {
    release(data_, size_);
    data_ = std::exchange(other.data_, nullptr);
    size_ = std::exchange(other.size_, 0);
  }
  return *this;
}

Secret::~Secret() { release(data_, size_); }

void fill_random(MutableByteView out) {
  while (!out.empty()) {
    const ssize_t got = getrandom(out.data(), out.size(), 0);
    if (got < 0) {
      if (errno == EINTR) continue;
      throw system_error(errno, "getrandom", ErrorKind::kInternal);
    }
    out = out.subspan(static_cast<std::size_t>(got));
  }
}

Secret random_secret(std::size_t size) {
  Secret secret(size);
  fill_random(secret.mutable_view());
  return secret;
}

void wipe(MutableByteView bytes) { sodium_memzero(bytes.data(), bytes.size()); }

bool equal_constant_time(ByteView a, ByteView b) {
  return a.size() == b.size() && (a.empty() || sodium_memcmp(a.data(), b.data(), a.size()) == 0);
}

}  // namespace garner::crypto
