// What every fuzz target is made of. A target defines try_one(), which gives the bytes to a parser. What it
// may do with them: take them, or throw garner::Error of any kind but kInternal. Everything else (another
// exception, a failed require(), whatever the sanitizers find, more memory or time than `run` allows) is a
// finding.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <utility>

#include "base/bytes.h"
#include "base/error.h"

namespace garner::fuzz {

void try_one(ByteView bytes);

inline void require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "It does not hold that %s\n", what);
  std::abort();
}

// Whether `parse` takes what it is given.
template <typename Parse>
bool accepts(Parse&& parse) {
  try {
    std::forward<Parse>(parse)();
    return true;
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::kInternal) std::fprintf(stderr, "%s\n", error.what());
    require(error.kind() != ErrorKind::kInternal, "what comes from outside is no bug of the program's");
    return false;
  }
}

// Takes numbers and pieces off the front of the bytes; what is not there is zero, or shorter.
class Input {
 public:
  explicit Input(ByteView bytes) : rest_(bytes) {}
  std::uint64_t number(std::size_t bytes) {
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < bytes && !rest_.empty(); ++i) {
      value |= std::uint64_t{rest_.front()} << (8 * i);
      rest_ = rest_.subspan(1);
    }
    return value;
  }
  ByteView piece(std::uint64_t length) {
    const ByteView taken =
        rest_.first(static_cast<std::size_t>(std::min<std::uint64_t>(length, rest_.size())));
    rest_ = rest_.subspan(taken.size());
    return taken;
  }
  ByteView rest() const { return rest_; }
  bool at_end() const { return rest_.empty(); }

 private:
  ByteView rest_;
};

}  // namespace garner::fuzz

#ifndef GARNER_FUZZ_SEEDS
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  garner::fuzz::try_one({data, size});
  return 0;
}
#endif
