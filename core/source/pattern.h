// Patterns of names in a tree, in gitignore's syntax, on bytes: `*` any bytes of one name, `?` one byte,
// `[...]` one of some, `**` any number of folders, `\` takes the next byte as it is. A slash at the front or
// in the middle anchors a pattern to the folder where its rule stands; without one it matches at any depth. A
// slash at the end means folders only.
//
// A pattern is matched name by name on the way down, as an automaton whose states are places between its
// segments: no path is put together, nothing is tried twice, and what could still match below a folder is
// known there.
#pragma once

#include <bitset>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace garner::source {

// A set of places in a pattern.
using PatternState = std::uint64_t;

class Pattern {
 public:
  static constexpr std::size_t kMostSegments = 60;

  // `ignore_case`: of the letters of ASCII, for names are bytes. Error(kInvalidInput) says what is wrong
  // with it.
  explicit Pattern(std::string_view text, bool ignore_case = false);

  bool folders_only() const { return folders_only_; }
  // In the folder where the rule stands.
  PatternState start() const { return start_; }
  // In the folder or file `name` of a folder where the state is `above`. 0: nothing below can match.
  PatternState step(PatternState above, std::string_view name) const;
  // The thing whose state this is matches.
  bool is_match(PatternState state) const { return (state >> segments_.size() & 1) != 0; }
  // Something below the folder whose state this is could match.
  bool may_match_below(PatternState state) const {
    return (state & ((PatternState{1} << segments_.size()) - 1)) != 0;
  }

 private:
  struct Token {
    enum class Kind { kByte, kAny, kStar, kClass } kind = Kind::kByte;
    unsigned char byte = 0;
    std::uint32_t byte_class = 0;  // number in classes_
  };
  struct Segment {
    bool any_folders = false;  // `**`
    std::vector<Token> tokens;
    std::size_t least_length = 0;
  };
  void add_segment(std::string_view text);
  std::size_t parse_class(std::string_view text, std::size_t at);
  bool matches(const Segment& segment, std::string_view name) const;
  bool fits(const Token& token, char byte) const;
  PatternState closure(PatternState state) const;

  bool ignore_case_ = false;
  bool folders_only_ = false;
  std::vector<Segment> segments_;
  std::vector<std::bitset<256>> classes_;
  PatternState start_ = 0;
};

// The pattern that matches this path and no other; `path` has no slash at front or end.
std::string escaped_pattern(std::string_view path);

}  // namespace garner::source
