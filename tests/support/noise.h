// Content for tests.
#pragma once

#include <cstdint>
#include <string>

namespace garner::testing {

// Deterministic bytes that do not compress.
inline std::string noise(std::size_t size, std::uint64_t seed) {
  std::string text;
  text.reserve(size + 8);
  std::uint64_t state = seed * 0x9e3779b97f4a7c15u + 1;
  while (text.size() < size) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    text.append(reinterpret_cast<const char*>(&state), sizeof state);
  }
  text.resize(size);
  return text;
}

}  // namespace garner::testing
