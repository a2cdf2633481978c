// Lines at the end of a terminal that are drawn again and again in place. Owned by the thread that draws.
#pragma once

#include <string>
#include <vector>

#include "terminal.h"

namespace garner::client {

class LiveLines {
 public:
  explicit LiveLines(int descriptor) : descriptor_(descriptor) {}
  // Replaces what was drawn before. Each line fits into the terminal's width.
  void draw(const std::vector<std::string>& lines);
  // Takes them away: what is printed next stands in their place.
  void clear();

 private:
  std::string erase() const;

  int descriptor_;
  std::vector<std::size_t> drawn_;  // the widths of the lines that are shown
};

}  // namespace garner::client
