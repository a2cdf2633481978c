#include "browse/dialog.h"

#include <algorithm>

#include "browse/cursor.h"
#include "text.h"

namespace garner::client::browse {
namespace {

bool is_end(const Key& key) {
  return key.name == KeyName::kEnter || key.name == KeyName::kEscape || key.name == KeyName::kClosed ||
         key.is("q") || key.is(" ");
}

// `width`: that of the widest character at least.
std::vector<std::string> wrapped(const std::string& text, std::size_t width) {
  std::vector<std::string> lines;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    for (std::string_view rest : wrap(printable(std::string_view(text).substr(begin, end - begin)), width)) {
      // A word that is longer than a line.
      while (!rest.empty()) {
        lines.push_back(cut_end(rest, width, ""));
        rest.remove_prefix(lines.back().size());
      }
    }
    begin = end + 1;
  }
  return lines;
}

void draw_box(Screen& screen, const std::string& title, const std::string& text) {
  constexpr std::size_t kWidest = 72;
  // It may be made as small as that while the box is there, and larger again.
  if (screen.columns() < 20 || screen.rows() < 5) {
    screen.put(0, 0, screen.columns(), title, Look::kBar);
    screen.show();
    return;
  }
  const std::size_t width = std::min(screen.columns(), kWidest) - 4;
  std::vector<std::string> lines = wrapped(text, width);
  lines.resize(std::min(lines.size(), screen.rows() - 3));
  const std::size_t left = (screen.columns() - width - 4) / 2;
  std::size_t row = (screen.rows() - lines.size() - 3) / 2;
  screen.put(row++, left, width + 4, "  " + title, Look::kBar);
  for (const std::string& line : lines) {
    screen.put(row, left, 2, "", Look::kBar);
    screen.put(row, left + 2, width, line);
    screen.put(row++, left + width + 2, 2, "", Look::kBar);
  }
  screen.put(row, left, width + 4, "  Enter goes on", Look::kBar);
  screen.show();
}

}  // namespace

void tell(Screen& screen, const std::string& title, const std::string& text) {
  do {
    draw_box(screen, title, text);
  } while (!is_end(screen.next_key()));
}

void take_last_character(std::string& text) {
  while (!text.empty() && (text.back() & 0xC0) == 0x80) text.pop_back();
  if (!text.empty()) text.pop_back();
}

std::optional<std::string> ask(Screen& screen, const std::string& question, std::string text) {
  while (true) {
    // Of a long line the end is seen, where it is typed.
    std::string seen = printable(text);
    const std::size_t room = screen.columns() - std::min(screen.columns(), display_width(question) + 2);
    while (display_width(seen) > room && !seen.empty()) {
      std::size_t first = 1;
      while (first < seen.size() && (seen[first] & 0xC0) == 0x80) ++first;
      seen.erase(0, first);
    }
    const std::size_t row = screen.rows() < 2 ? 0 : screen.rows() - 2;
    screen.put(row, 0, screen.columns(), question + " " + seen, Look::kBold);
    screen.put(row + 1, 0, screen.columns(), " Enter:do it  Esc:give up  ^U:erase", Look::kBar);
    screen.show(row, display_width(question) + 1 + display_width(seen));
    const Key key = screen.next_key();
    if (key.name == KeyName::kEscape || key.name == KeyName::kClosed) return std::nullopt;
    if (key.name == KeyName::kEnter) return text;
    if (key.name == KeyName::kBackspace) take_last_character(text);
    if (key.name == KeyName::kErase) text.clear();
    if (key.name == KeyName::kText) text += key.text;
  }
}

void read(Screen& screen, const std::string& title,
          const std::function<std::vector<std::string>(std::size_t width)>& lines) {
  constexpr std::size_t kNarrowest = 20;
  std::size_t top = 0;
  while (true) {
    const std::vector<std::string> text = lines(std::max(screen.columns(), kNarrowest));
    const std::size_t height = screen.rows() - std::min<std::size_t>(screen.rows() - 1, 2);
    const std::size_t last_top = text.size() - std::min(text.size(), height);
    top = std::min(top, last_top);
    screen.clear();
    screen.put(0, 0, screen.columns(), " " + title, Look::kBar);
    for (std::size_t i = 0; i < height && top + i < text.size(); ++i)
      screen.put(1 + i, 0, screen.columns(), text[top + i]);
    const std::string share = std::to_string(percent(std::min(top + height, text.size()), text.size())) + '%';
    screen.put(height + 1, 0, screen.columns(), " Up Down PgUp PgDn Home End:scroll  q:back   " + share,
               Look::kBar);
    screen.show();
    const Key key = screen.next_key();
    if (key.is(" ") || key.name == KeyName::kPageDown) {
      top += height;
    } else if (is_end(key) || key.name == KeyName::kLeft || key.name == KeyName::kBackspace || key.is("?")) {
      return;
    } else if (key.name == KeyName::kDown) {
      ++top;
    } else if (key.name == KeyName::kUp) {
      top -= std::min<std::size_t>(top, 1);
    } else if (key.name == KeyName::kPageUp) {
      top -= std::min(top, height);
    } else if (key.name == KeyName::kHome) {
      top = 0;
    } else if (key.name == KeyName::kEnd) {
      top = last_top;
    }
  }
}

}  // namespace garner::client::browse
