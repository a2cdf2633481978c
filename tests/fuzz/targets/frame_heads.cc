// Heads of HTTP/2's frames, as callers send them. Layout: the length of the pieces less 1 (1 byte), the
// bytes.
#include <string_view>
#include <tuple>
#include <vector>

#include "frame_scanner.h"
#include "fuzz/fuzz.h"

namespace garner::fuzz {

namespace {

std::vector<std::tuple<int, int, std::uint32_t>> heads_in(std::string_view bytes, std::size_t piece) {
  std::vector<std::tuple<int, int, std::uint32_t>> heads;
  daemon::FrameScanner scanner(daemon::FrameScanner::kPreface);
  for (std::size_t at = 0; at < bytes.size(); at += piece) {
    scanner.feed(bytes.substr(at, piece), [&](const daemon::FrameHead& head) {
      heads.emplace_back(head.type, head.flags, head.stream);
    });
  }
  return heads;
}

}  // namespace

void try_one(ByteView bytes) {
  Input input(bytes);
  const std::size_t piece = input.number(1) + 1;
  const std::string_view text = as_text(input.rest());
  const auto heads = heads_in(text, text.size() + 1);
  require(heads == heads_in(text, piece), "pieces are no matter");
  require(heads.size() <= text.size() / 9, "each head has its bytes");
}

}  // namespace garner::fuzz
