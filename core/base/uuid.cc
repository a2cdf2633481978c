#include "base/uuid.h"

#include <sys/random.h>

#include <algorithm>
#include <cerrno>

#include "base/error.h"

namespace garner {

namespace {

constexpr std::size_t kTextLength = 36;

bool is_dash_place(std::size_t at) { return at == 8 || at == 13 || at == 18 || at == 23; }

}  // namespace

Uuid Uuid::random() {
  Uuid uuid;
  // Up to 256 bytes getrandom(2) never gives fewer than asked for.
  while (getrandom(uuid.value.data(), uuid.value.size(), 0) < 0) {
    if (errno != EINTR) throw system_error(errno, "getrandom", ErrorKind::kInternal);
  }
  uuid.value[6] = static_cast<std::uint8_t>((uuid.value[6] & 0x0f) | 0x40);  // version 4
  uuid.value[8] = static_cast<std::uint8_t>((uuid.value[8] & 0x3f) | 0x80);  // RFC 4122's variant
  return uuid;
}

Uuid Uuid::from_bytes(ByteView bytes) {
  Uuid uuid;
  if (bytes.size() != uuid.value.size()) throw Error(ErrorKind::kDamaged, "a uuid that has not 16 bytes");
  std::copy(bytes.begin(), bytes.end(), uuid.value.begin());
  return uuid;
}

Uuid Uuid::parse(std::string_view text) {
  const auto fail = [&] { return Error(ErrorKind::kInvalidInput, "not a uuid: " + printable(text)); };
  if (text.size() != kTextLength) throw fail();
  std::string digits;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (is_dash_place(i) != (text[i] == '-')) throw fail();
    if (text[i] != '-') digits.push_back(text[i]);
  }
  try {
    return from_bytes(from_hex(digits));
  } catch (const Error&) {
    throw fail();
  }
}

std::string Uuid::text() const {
  std::string text = to_hex(value);
  for (const std::size_t at : {8, 13, 18, 23}) text.insert(at, 1, '-');
  return text;
}

}  // namespace garner
