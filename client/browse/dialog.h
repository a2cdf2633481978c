// What stands in front of all else until a key ends it. Each draws over what is there.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "browse/screen.h"

namespace garner::client::browse {

// A box with text, each line of which is wrapped.
void tell(Screen& screen, const std::string& title, const std::string& text);

// A line that is typed below all else, beginning with `text`; nothing when it was given up.
std::optional<std::string> ask(Screen& screen, const std::string& question, std::string text);

// Text to read, on all of the screen. `lines` gives it for a width.
void read(Screen& screen, const std::string& title,
          const std::function<std::vector<std::string>(std::size_t width)>& lines);

// The end of a character that Backspace takes away.
void take_last_character(std::string& text);

}  // namespace garner::client::browse
