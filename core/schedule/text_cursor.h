// Reads an expression from left to right, and says where it cannot go on.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace garner::schedule {

// One thread. `whole` outlives it.
class TextCursor {
 public:
  // Reads from `begin` (inclusive) to `end` (exclusive) of `whole`.
  TextCursor(std::string_view whole, std::size_t begin, std::size_t end)
      : whole_(whole), at_(begin), end_(end) {}

  bool at_end() const { return at_ == end_; }
  // NUL at the end.
  char peek(std::size_t ahead = 0) const { return ahead < end_ - at_ ? whole_[at_ + ahead] : '\0'; }
  bool is_digit() const { return peek() >= '0' && peek() <= '9'; }
  std::size_t position() const { return at_; }
  void skip(std::size_t count = 1) { at_ += count; }
  void skip_blanks();
  // Goes past `text` if it stands here; letters compare without case.
  bool take(std::string_view text);
  // Letters, as they are.
  std::string_view take_letters();
  // Decimal digits; `expected` ("an hour") is for the error when there are none, or the number is above 2^31.
  int take_number(std::string_view expected);

  // Error(kInvalidInput): "'TEXT': character 7: WHAT". The position counts from 1 and is that of what comes
  // next.
  [[noreturn]] void fail(std::string_view what) const { fail_at(at_, what); }
  [[noreturn]] void fail_at(std::size_t position, std::string_view what) const;

 private:
  std::string_view whole_;
  std::size_t at_;
  std::size_t end_;
};

// Whether they are the same but for the case of letters.
bool same_word(std::string_view a, std::string_view b);

}  // namespace garner::schedule
