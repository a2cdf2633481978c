#include "crypto/secret.h"

#include <sodium.h>
#include <sys/random.h>

#include <algorithm>
#include <cerrno>
#include <new>
#include <utility>

#include "base/error.h"

namespace garner::crypto {

namespace {

std::uint8_t* allocate(std::size_t size) {
  if (size == 0) return nullptr;
  initialize_crypto();
  // Where the limit on locked memory is reached sodium_malloc gives memory that is not locked.
  auto* data = static_cast<std::uint8_t*>(sodium_malloc(size));
  if (data == nullptr) throw std::bad_alloc();
  return data;
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
    sodium_free(data_);
    data_ = std::exchange(other.data_, nullptr);
    size_ = std::exchange(other.size_, 0);
  }
  return *this;
}

Secret::~Secret() { sodium_free(data_); }  // wipes; nullptr is no error

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
