#include "schedule/text_cursor.h"

#include <algorithm>

#include "base/bytes.h"
#include "base/error.h"

namespace garner::schedule {

namespace {

constexpr std::int64_t kMostNumber = 2'147'483'647;

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

}  // namespace

bool same_word(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return lower(x) == lower(y); });
}

void TextCursor::skip_blanks() {
  while (peek() == ' ' || peek() == '\t') skip();
}

bool TextCursor::take(std::string_view text) {
  if (text.size() > end_ - at_ || !same_word(whole_.substr(at_, text.size()), text)) return false;
  skip(text.size());
  return true;
}

std::string_view TextCursor::take_letters() {
  const std::size_t begin = at_;
  while (is_letter(peek())) skip();
  return whole_.substr(begin, at_ - begin);
}

int TextCursor::take_number(std::string_view expected) {
  if (!is_digit()) fail(std::string(expected) + " is expected");
  const std::size_t begin = at_;
  std::int64_t number = 0;
  while (is_digit()) {
    number = number * 10 + (peek() - '0');
    if (number > kMostNumber) fail_at(begin, "the number is too large");
    skip();
  }
  return static_cast<int>(number);
}

void TextCursor::fail_at(std::size_t position, std::string_view what) const {
  throw Error(ErrorKind::kInvalidInput, "'" + printable(whole_) + "': character " +
                                            std::to_string(position + 1) + ": " + std::string(what));
}

}  // namespace garner::schedule
