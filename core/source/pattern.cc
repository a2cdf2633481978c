#include "source/pattern.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "base/error.h"

namespace garner::source {

namespace {

[[noreturn]] void refuse(const std::string& what) { throw Error(ErrorKind::kInvalidInput, what); }

bool in_range(int byte, char first, char last) { return byte >= first && byte <= last; }

unsigned char lower(unsigned char byte) {
  return in_range(byte, 'A', 'Z') ? static_cast<unsigned char>(byte - 'A' + 'a') : byte;
}

// The classes of POSIX by name, of ASCII alone: file names are bytes and have no locale.
bool is_in_named(std::string_view name, int byte) {
  const bool upper = in_range(byte, 'A', 'Z');
  const bool lower = in_range(byte, 'a', 'z');
  const bool digit = in_range(byte, '0', '9');
  const bool graphic = byte > ' ' && byte < 127;
  if (name == "alpha") return upper || lower;
  if (name == "digit") return digit;
  if (name == "alnum") return upper || lower || digit;
  if (name == "upper") return upper;
  if (name == "lower") return lower;
  if (name == "space") return byte == ' ' || in_range(byte, '\t', '\r');
  if (name == "blank") return byte == ' ' || byte == '\t';
  if (name == "punct") return graphic && !upper && !lower && !digit;
  if (name == "cntrl") return byte < ' ' || byte == 127;
  if (name == "graph") return graphic;
  if (name == "print") return graphic || byte == ' ';
  if (name == "xdigit") return digit || in_range(byte, 'a', 'f') || in_range(byte, 'A', 'F');
  refuse("there is no class [:" + std::string(name.substr(0, 20)) + ":]");
}

// The first slash at or after `at` that is not escaped, or the end.
std::size_t find_slash(std::string_view text, std::size_t at) {
  for (; at < text.size(); ++at) {
    if (text[at] == '\\') {
      ++at;
    } else if (text[at] == '/') {
      return at;
    }
  }
  return text.size();
}

}  // namespace

Pattern::Pattern(std::string_view text, bool ignore_case) : ignore_case_(ignore_case) {
  if (text.find('\0') != text.npos) refuse("a pattern cannot hold a zero byte");
  if (text.empty() || text == "/") refuse("the pattern names nothing");
  bool anchored = text.front() == '/';
  if (anchored) text.remove_prefix(1);
  if (const std::size_t slash = find_slash(text, 0); slash < text.size()) {
    anchored = anchored || slash + 1 < text.size();
  }
  // A slash at the end that is escaped is found as no separator, and refused with its segment.
  std::vector<std::string_view> parts;
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t slash = find_slash(text, at);
    parts.push_back(text.substr(at, std::min(slash, text.size()) - at));
    at = slash + 1;
  }
  if (parts.back().empty()) {
    folders_only_ = true;
    parts.pop_back();
  }
  if (!anchored) segments_.push_back({true, {}, 0});
  for (const std::string_view part : parts) add_segment(part);
  // `a/**` is what is in `a`, not `a` itself.
  if (segments_.back().any_folders) add_segment("*");
  if (segments_.size() > kMostSegments) {
    refuse("the pattern has more than " + std::to_string(kMostSegments) + " names");
  }
  start_ = closure(1);
}

void Pattern::add_segment(std::string_view text) {
  if (text.empty()) refuse("the pattern has two slashes side by side");
  if (text == "." || text == "..") refuse("a pattern names no folder by . or ..");
  if (text == "**") {
    if (segments_.empty() || !segments_.back().any_folders) segments_.push_back({true, {}, 0});
    return;
  }
  Segment segment;
  auto add = [&](Token token) {
    const bool star = token.kind == Token::Kind::kStar;
    if (star && !segment.tokens.empty() && segment.tokens.back().kind == Token::Kind::kStar) return;
    if (!star) ++segment.least_length;
    segment.tokens.push_back(token);
  };
  for (std::size_t at = 0; at < text.size(); ++at) {
    const char byte = text[at];
    if (byte == '*') {
      add({Token::Kind::kStar, 0, 0});
    } else if (byte == '?') {
      add({Token::Kind::kAny, 0, 0});
    } else if (byte == '[') {
      at = parse_class(text, at + 1);
      add({Token::Kind::kClass, 0, static_cast<std::uint32_t>(classes_.size() - 1)});
    } else {
      if (byte == '\\' && ++at == text.size()) refuse("a backslash stands for nothing at the end of a name");
      if (text[at] == '/') refuse("no name holds a slash");
      const auto value = static_cast<unsigned char>(text[at]);
      add({Token::Kind::kByte, ignore_case_ ? lower(value) : value, 0});
    }
  }
  segments_.push_back(std::move(segment));
}

// From behind the `[`; returns where its `]` stands.
std::size_t Pattern::parse_class(std::string_view text, std::size_t at) {
  std::bitset<256> bytes;
  const bool negated = at < text.size() && (text[at] == '!' || text[at] == '^');
  if (negated) ++at;
  auto literal = [&]() -> std::size_t {
    if (text[at] == '\\') ++at;
    if (at >= text.size()) refuse("a [ has no ]");
    return static_cast<unsigned char>(text[at++]);
  };
  for (bool first = true;; first = false) {
    if (at >= text.size()) refuse("a [ has no ]");
    if (text[at] == ']' && !first) break;
    if (text.substr(at).starts_with("[:")) {
      const std::size_t end = text.find(":]", at + 2);
      if (end == text.npos) refuse("a [: has no :]");
      for (int byte = 0; byte < 256; ++byte) {
        if (is_in_named(text.substr(at + 2, end - at - 2), byte)) bytes.set(static_cast<std::size_t>(byte));
      }
      at = end + 2;
      continue;
    }
    const std::size_t from = literal();
    std::size_t to = from;
    if (at + 1 < text.size() && text[at] == '-' && text[at + 1] != ']') {
      ++at;
      to = literal();
    }
    for (std::size_t byte = from; byte <= to; ++byte) bytes.set(byte);
  }
  for (std::size_t upper = 'A'; ignore_case_ && upper <= 'Z'; ++upper) {
    const std::size_t other = upper - 'A' + 'a';
    bytes[upper] = bytes[other] = bytes[upper] || bytes[other];
  }
  classes_.push_back(negated ? ~bytes : bytes);
  return at;
}

bool Pattern::fits(const Token& token, char byte) const {
  const auto value = static_cast<unsigned char>(byte);
  if (token.kind == Token::Kind::kByte) return token.byte == (ignore_case_ ? lower(value) : value);
  return token.kind == Token::Kind::kAny || classes_[token.byte_class][value];
}

// With several stars only the last one need be tried at other lengths, for what an earlier one could give up
// the later one takes: so the time is at most length times tokens.
bool Pattern::matches(const Segment& segment, std::string_view name) const {
  if (name.size() < segment.least_length) return false;
  const std::vector<Token>& tokens = segment.tokens;
  std::size_t at = 0;
  std::size_t token = 0;
  std::optional<std::pair<std::size_t, std::size_t>> star;  // its token, and where its bytes end
  while (at < name.size()) {
    if (token < tokens.size() && tokens[token].kind == Token::Kind::kStar) {
      star.emplace(token++, at);
    } else if (token < tokens.size() && fits(tokens[token], name[at])) {
      ++token;
      ++at;
    } else if (star) {
      token = star->first + 1;
      at = ++star->second;
    } else {
      return false;
    }
  }
  while (token < tokens.size() && tokens[token].kind == Token::Kind::kStar) ++token;
  return token == tokens.size();
}

// A `**` may stand for no folder at all.
PatternState Pattern::closure(PatternState state) const {
  for (std::size_t place = 0; place < segments_.size(); ++place) {
    if ((state >> place & 1) != 0 && segments_[place].any_folders) state |= PatternState{1} << (place + 1);
  }
  return state;
}

PatternState Pattern::step(PatternState above, std::string_view name) const {
  PatternState state = 0;
  for (std::size_t place = 0; place < segments_.size() && above >> place != 0; ++place) {
    if ((above >> place & 1) == 0) continue;
    if (segments_[place].any_folders) {
      state |= PatternState{1} << place;
    } else if (matches(segments_[place], name)) {
      state |= PatternState{1} << (place + 1);
    }
  }
  return closure(state);
}

std::string escaped_pattern(std::string_view path) {
  std::string pattern = "/";
  for (const char byte : path) {
    if (byte == '\r') {  // at the end of a line it would be taken for a part of that
      pattern += "[\r]";
      continue;
    }
    if (std::string_view("*?[]\\ \t").find(byte) != std::string_view::npos) pattern += '\\';
    pattern += byte;
  }
  return pattern;
}

}  // namespace garner::source
