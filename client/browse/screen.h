// The terminal as a full screen, by ncurses: text at places, and keys. Whatever is put there is made
// printable first. One at a time, used by the thread that made it.
#pragma once

#include <csignal>
#include <cstddef>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

#include "terminal.h"

struct screen;

namespace garner::client::browse {

enum class KeyName {
  kText,  // a character
  kEnter,
  kEscape,
  kTab,
  kBackspace,
  kUp,
  kDown,
  kLeft,
  kRight,
  kPageUp,
  kPageDown,
  kHome,
  kEnd,
  kHelp,     // F1
  kRefresh,  // Ctrl-L
  kErase,    // Ctrl-U
  kResized,
  kClosed,  // there is no terminal any more
  kOther,
};

struct Key {
  KeyName name = KeyName::kOther;
  std::string text;  // of kText, in UTF-8

  bool is(std::string_view character) const { return name == KeyName::kText && text == character; }
};

enum class Look { kPlain, kBold, kDim, kAdded, kRemoved, kChanged, kMetadata, kBar, kBad };
// On what it stands: where the cursor is, in the list that takes keys or in another one.
enum class Ground { kPlain, kCursor, kOtherCursor };

// Makes a change of the terminal's size something that Screen::wait() notices. Made before other threads are,
// which inherit it, and outlives the screen.
class ResizeSignal {
 public:
  ResizeSignal();
  ~ResizeSignal();
  ResizeSignal(const ResizeSignal&) = delete;
  ResizeSignal& operator=(const ResizeSignal&) = delete;

 private:
  sigset_t before_{};
};

class Screen {
 public:
  // `terminal`: of standard output. Failure where the terminal is none that ncurses knows.
  explicit Screen(const Terminal& terminal);
  ~Screen();
  Screen(const Screen&) = delete;
  Screen& operator=(const Screen&) = delete;

  std::size_t rows() const;
  std::size_t columns() const;
  bool unicode() const { return unicode_; }
  std::string_view mark() const { return unicode_ ? "…" : "..."; }

  // Drawing: from clear() on all is new, and show() shows it.
  void clear();
  // `text`, cut and filled to `width` columns, which fit behind `column`.
  void put(std::size_t row, std::size_t column, std::size_t width, std::string_view text,
           Look look = Look::kPlain, Ground ground = Ground::kPlain);
  void show();
  // The same, with the caret there.
  void show(std::size_t row, std::size_t column);
  // The next time all is shown, also where something else may have written over it.
  void renew();

  // What was pressed; nothing when all keys have been taken.
  std::optional<Key> key();
  // Until there may be a key, or one of the descriptors (-1: none) is readable.
  void wait(std::initializer_list<int> descriptors = {});
  // The next key, however long it takes.
  Key next_key();

 private:
  int attributes(Look look, Ground ground) const;

  bool unicode_;
  bool colour_ = false;
  bool closed_ = false;
  ::screen* screen_ = nullptr;
};

}  // namespace garner::client::browse
