#include "store/padding.h"

#include <bit>
#include <cstring>
#include <string>

#include "base/error.h"

namespace garner::store {
namespace {

constexpr std::uint64_t kPackStep = 1u << 20;
constexpr std::uint64_t kSmallestObject = 1u << 10;
constexpr std::uint64_t kLargest = std::uint64_t{1} << 62;  // so that rounding up cannot overflow

void check_size(std::uint64_t size) {
  if (size > kLargest) throw Error(ErrorKind::kInternal, "no object has " + std::to_string(size) + " bytes");
}

std::uint64_t round_up(std::uint64_t size, std::uint64_t step) { return (size + step - 1) & ~(step - 1); }

}  // namespace

std::uint64_t padded_pack_size(std::uint64_t size) {
  check_size(size);
  if (size <= kSmallestPack) return kSmallestPack;
  if (size <= kPackStep) return std::bit_ceil(size);
  return round_up(size, kPackStep);
}

std::uint64_t padded_object_size(std::uint64_t size) {
  check_size(size);
  if (size <= kSmallestObject) return kSmallestObject;
  unsigned exponent = static_cast<unsigned>(std::bit_width(size)) - 1;
  unsigned kept_bits = static_cast<unsigned>(std::bit_width(exponent));
  return round_up(size, std::uint64_t{1} << (exponent - kept_bits));
}

// Each byte is what the one before it is: memcmp looks at many at once.
bool is_padding(ByteView bytes) {
  return bytes.empty() ||
         (bytes[0] == 0 && std::memcmp(bytes.data(), bytes.data() + 1, bytes.size() - 1) == 0);
}

}  // namespace garner::store
