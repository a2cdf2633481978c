// Little-endian integers at any address, for tables that are read in place. Compiles to plain loads and
// stores.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>

namespace garner::store {

template <std::unsigned_integral T>
T load_le(const std::uint8_t* from) {
  T value = 0;
  for (std::size_t i = 0; i < sizeof(T); ++i)
    value = static_cast<T>(value | (static_cast<T>(from[i]) << (8 * i)));
  return value;
}

template <std::unsigned_integral T>
void store_le(std::uint8_t* to, T value) {
  for (std::size_t i = 0; i < sizeof(T); ++i) to[i] = static_cast<std::uint8_t>(value >> (8 * i));
}

}  // namespace garner::store
