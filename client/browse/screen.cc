#include "browse/screen.h"

#define NCURSES_NOMACROS  // they would be called clear, move and timeout
#include <curses.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <clocale>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "failure.h"
#include "text.h"

namespace garner::client::browse {
namespace {

// How long the rest of a key that begins with Escape may be on its way, in milliseconds: over ssh some time.
constexpr int kEscapeDelay = 100;
constexpr short kDefault = -1;  // the terminal's own colour

enum Pair : short { kGreen = 1, kRed, kYellow, kCyan };

sigset_t resize_signal() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGWINCH);
  return set;
}

bool start_colours() {
  if (!has_colors() || start_color() != OK) return false;
  const short background = use_default_colors() == OK ? kDefault : COLOR_BLACK;
  init_pair(kGreen, COLOR_GREEN, background);
  init_pair(kRed, COLOR_RED, background);
  init_pair(kYellow, COLOR_YELLOW, background);
  init_pair(kCyan, COLOR_CYAN, background);
  return true;
}

// For a terminal whose locale is not UTF-8.
std::string in_ascii(const std::string& text) {
  std::string plain;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x80) plain += c;
    if (byte >= 0xC0) plain += '?';
  }
  return plain;
}

std::string to_utf8(wint_t code) {
  std::array<char, 16> bytes{};
  const int length = std::wctomb(bytes.data(), static_cast<wchar_t>(code));
  return length <= 0 ? std::string() : std::string(bytes.data(), static_cast<std::size_t>(length));
}

KeyName name_of_code(wint_t code) {
  switch (code) {
    case KEY_UP:
      return KeyName::kUp;
    case KEY_DOWN:
      return KeyName::kDown;
    case KEY_LEFT:
      return KeyName::kLeft;
    case KEY_RIGHT:
      return KeyName::kRight;
    case KEY_PPAGE:
      return KeyName::kPageUp;
    case KEY_NPAGE:
      return KeyName::kPageDown;
    case KEY_HOME:
      return KeyName::kHome;
    case KEY_END:
      return KeyName::kEnd;
    case KEY_BACKSPACE:
      return KeyName::kBackspace;
    case KEY_ENTER:
      return KeyName::kEnter;
    case KEY_F(1):
      return KeyName::kHelp;
    case KEY_RESIZE:
      return KeyName::kResized;
    default:
      return KeyName::kOther;
  }
}

// Escape by itself, or what a key sends that the terminal is not said to have: all of that is taken, so that
// no part of it is a command. Waits for nothing, for what belongs together comes together.
Key escape_or_sequence() {
  wint_t code = 0;
  const int kind = get_wch(&code);
  if (kind == KEY_CODE_YES) ungetch(static_cast<int>(code));
  if (kind != OK) return {KeyName::kEscape, ""};
  std::string sequence;
  wint_t next = 0;
  while ((code == '[' || code == 'O') && get_wch(&next) == OK) {
    sequence += static_cast<char>(next);
    if (next >= 0x40 && next <= 0x7E) break;
  }
  if (sequence.empty()) {
    // Another key that was pressed behind it.
    unget_wch(static_cast<wchar_t>(code));
    return {KeyName::kEscape, ""};
  }
  if (sequence == "H" || sequence == "1~" || sequence == "7~") return {KeyName::kHome, ""};
  if (sequence == "F" || sequence == "4~" || sequence == "8~") return {KeyName::kEnd, ""};
  if (sequence == "5~") return {KeyName::kPageUp, ""};
  if (sequence == "6~") return {KeyName::kPageDown, ""};
  return {};
}

Key character(wint_t code) {
  switch (code) {
    case '\r':
    case '\n':
      return {KeyName::kEnter, ""};
    case '\t':
      return {KeyName::kTab, ""};
    case 0x1B:
      return escape_or_sequence();
    case 0x08:
    case 0x7F:
      return {KeyName::kBackspace, ""};
    case 'L' & 0x1F:
      return {KeyName::kRefresh, ""};
    case 'U' & 0x1F:
      return {KeyName::kErase, ""};
    default:
      if (code < 0x20) return {};
      return {KeyName::kText, to_utf8(code)};
  }
}

}  // namespace

ResizeSignal::ResizeSignal() {
  const sigset_t set = resize_signal();
  pthread_sigmask(SIG_BLOCK, &set, &before_);
}

ResizeSignal::~ResizeSignal() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

Screen::Screen(const Terminal& terminal) : unicode_(terminal.unicode) {
  screen_ = newterm(nullptr, stdout, stdin);
  if (screen_ == nullptr) {
    const char* type = std::getenv("TERM");
    throw usage_failure(
        "the terminal \"" + printable(type == nullptr ? "" : type) + "\" cannot be used as a full screen",
        "Set TERM to what it is, or use garner snapshots and garner ls.");
  }
  set_term(screen_);
  set_escdelay(kEscapeDelay);
  cbreak();
  noecho();
  keypad(stdscr, TRUE);
  timeout(0);
  curs_set(0);
  colour_ = terminal.colour && start_colours();
}

Screen::~Screen() {
  endwin();
  delscreen(screen_);
}

std::size_t Screen::rows() const { return static_cast<std::size_t>(LINES); }
std::size_t Screen::columns() const { return static_cast<std::size_t>(COLS); }

void Screen::clear() { erase(); }

int Screen::attributes(Look look, Ground ground) const {
  chtype attributes = A_NORMAL;
  const auto coloured = [&](Pair pair, chtype otherwise) {
    attributes |= colour_ ? static_cast<chtype>(COLOR_PAIR(pair)) : otherwise;
  };
  switch (look) {
    case Look::kPlain:
      break;
    case Look::kBold:
      attributes |= A_BOLD;
      break;
    case Look::kDim:
      attributes |= A_DIM;
      break;
    case Look::kAdded:
      coloured(kGreen, A_BOLD);
      break;
    case Look::kRemoved:
      coloured(kRed, A_DIM);
      break;
    case Look::kChanged:
      coloured(kYellow, A_BOLD);
      break;
    case Look::kMetadata:
      coloured(kCyan, A_NORMAL);
      break;
    case Look::kBar:
      attributes |= A_REVERSE;
      break;
    case Look::kBad:
      coloured(kRed, A_BOLD);
      break;
  }
  if (ground == Ground::kCursor) attributes |= A_REVERSE;
  if (ground == Ground::kOtherCursor) attributes |= A_UNDERLINE;
  return static_cast<int>(attributes);
}

void Screen::put(std::size_t row, std::size_t column, std::size_t width, std::string_view text, Look look,
                 Ground ground) {
  if (row >= rows() || column >= columns()) return;
  width = std::min(width, columns() - column);
  std::string shown = printable(text);
  if (!unicode_) shown = in_ascii(shown);
  shown = pad_right(cut_end(shown, width, mark()), width);
  attrset(attributes(look, ground));
  mvaddstr(static_cast<int>(row), static_cast<int>(column), shown.c_str());
  attrset(A_NORMAL);
}

void Screen::show() {
  curs_set(0);
  refresh();
}

void Screen::show(std::size_t row, std::size_t column) {
  curs_set(1);
  move(static_cast<int>(row), static_cast<int>(std::min(column, columns() - 1)));
  refresh();
}

void Screen::renew() { clearok(curscr, TRUE); }

std::optional<Key> Screen::key() {
  wint_t code = 0;
  switch (get_wch(&code)) {
    case OK:
      return character(code);
    case KEY_CODE_YES:
      return Key{name_of_code(code), ""};
    default:
      // What it had still to say came first.
      return closed_ ? std::optional(Key{KeyName::kClosed, ""}) : std::nullopt;
  }
}

void Screen::wait(std::initializer_list<int> descriptors) {
  std::vector<pollfd> waited{{STDIN_FILENO, POLLIN, 0}};
  for (const int descriptor : descriptors) waited.push_back({descriptor, POLLIN, 0});
  sigset_t mask;
  pthread_sigmask(SIG_SETMASK, nullptr, &mask);
  sigdelset(&mask, SIGWINCH);
  if (ppoll(waited.data(), waited.size(), nullptr, &mask) <= 0) return;
  // A terminal that has hung up stays readable for good, and gives nothing.
  closed_ = (static_cast<unsigned>(waited[0].revents) & (POLLHUP | POLLERR | POLLNVAL)) != 0;
}

Key Screen::next_key() {
  while (true) {
    if (auto pressed = key()) return *pressed;
    wait();
  }
}

}  // namespace garner::client::browse
