// Sixteen random bytes that name a repository, a writer, a run, a set, a key slot.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/bytes.h"

namespace garner {

struct Uuid {
  std::array<std::uint8_t, 16> value{};

  static Uuid random();                      // version 4, from getrandom
  static Uuid from_bytes(ByteView bytes);    // Error(kDamaged) unless 16 bytes
  static Uuid parse(std::string_view text);  // the usual 8-4-4-4-12 form; Error(kInvalidInput)
  std::string text() const;
  ByteView view() const { return value; }
  bool is_nil() const { return *this == Uuid{}; }
  auto operator<=>(const Uuid&) const = default;
};

}  // namespace garner
