// Secret bytes in memory of libsodium's: between guard pages, never swapped, never in a core dump, wiped when
// freed. Where the limit on locked memory (RLIMIT_MEMLOCK) is reached it is not locked, and all else holds.
// Values are moved or explicitly copied. Keys share pages with each other: the guard pages are around them
// all, and a page stays locked, or not, as it was made. What is larger has pages of its own, which takes a
// dozen system calls. Call initialize_crypto() once before anything in this folder.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/bytes.h"

namespace garner::crypto {

// Idempotent, any thread. Throws Error(kInternal) if the library cannot start.
void initialize_crypto();

class Secret {
 public:
  Secret() = default;
  explicit Secret(std::size_t size);  // zero bytes
  explicit Secret(ByteView bytes);    // a copy; wiping the original is the caller's
  Secret(Secret&& other) noexcept;
  Secret& operator=(Secret&& other) noexcept;
  ~Secret();

  Secret copy() const { return Secret(view()); }
  ByteView view() const { return {data_, size_}; }
  MutableByteView mutable_view() { return {data_, size_}; }
  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }

 private:
  std::uint8_t* data_ = nullptr;
  std::size_t size_ = 0;
};

// Fills with bytes of getrandom(2).
void fill_random(MutableByteView out);
Secret random_secret(std::size_t size);
// Overwrites in a way the compiler keeps.
void wipe(MutableByteView bytes);
bool equal_constant_time(ByteView a, ByteView b);

}  // namespace garner::crypto
