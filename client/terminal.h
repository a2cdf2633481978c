// What the client may do on an output: how wide it is, and whether it takes colours and redrawing.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace garner::client {

enum class Style { kPlain, kBold, kDim, kGood, kWarning, kBad };

struct Terminal {
  bool interactive = false;  // a terminal that understands cursor movement
  bool colour = false;       // a terminal, and NO_COLOR is not set
  bool unicode = false;      // its locale is UTF-8
  std::size_t width = 80;    // columns

  // `text` in `style` where there are colours.
  std::string styled(std::string_view text, Style style) const;
  // What stands for text that was cut off.
  std::string_view mark() const { return unicode ? "…" : "..."; }
  std::string_view dot() const { return unicode ? " · " : " | "; }
};

// `locale_is_utf8` is found out once, before the client sets a locale of its own.
Terminal inspect_terminal(int descriptor, bool locale_is_utf8);

// The width now, for an output that may have been resized; 80 where nobody knows.
std::size_t terminal_width(int descriptor);
std::size_t terminal_rows(int descriptor);  // 24 where nobody knows

}  // namespace garner::client
