#include "source/rules.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/bytes.h"
#include "base/error.h"

namespace garner::source {

namespace {

constexpr std::array<std::pair<std::string_view, TrackClass>, 4> kClasses = {{
    {"ignore", TrackClass::kIgnore},
    {"once", TrackClass::kOnce},
    {"auto", TrackClass::kAuto},
    {"always", TrackClass::kAlways},
}};

bool is_blank(char byte) { return byte == ' ' || byte == '\t'; }

std::string_view skip_blanks(std::string_view text) {
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  return text;
}

// The next word, up to a blank that is not escaped; it is taken off `text`.
std::string_view take_word(std::string_view& text) {
  text = skip_blanks(text);
  std::size_t end = 0;
  while (end < text.size() && !is_blank(text[end])) end += text[end] == '\\' ? 2 : 1;
  const std::string_view word = text.substr(0, std::min(end, text.size()));
  text.remove_prefix(word.size());
  return word;
}

TrackClass to_class(std::string_view word) {
  for (const auto& [name, track_class] : kClasses) {
    if (name == word) return track_class;
  }
  throw Error(ErrorKind::kInvalidInput, "'" + printable(std::string(word.substr(0, 40))) +
                                            "' is no class; there are ignore, once, auto and always");
}

void read_attribute(Rule& rule, std::string_view word) {
  if (word == "extract=yes") {
    rule.extract = Extract::kYes;
  } else if (word == "extract=no") {
    rule.extract = Extract::kNo;
  } else {
    throw Error(ErrorKind::kInvalidInput,
                "'" + printable(std::string(word.substr(0, 40))) +
                    "' is no attribute; there is extract=yes|no. A space in a pattern is written \"\\ \"");
  }
}

// Begins with \xNN.
bool is_escaped_byte(std::string_view text) {
  constexpr std::string_view kDigits = "0123456789abcdefABCDEF";
  return text.size() >= 4 && text.starts_with("\\x") && kDigits.find(text[2]) != kDigits.npos &&
         kDigits.find(text[3]) != kDigits.npos;
}

bool is_rule(std::string_view line) {
  line = skip_blanks(line);
  return !line.empty() && line.front() != '#';
}

}  // namespace

std::string_view to_string(TrackClass track_class) {
  for (const auto& [name, value] : kClasses) {
    if (value == track_class) return name;
  }
  return "auto";
}

Rule parse_rule(std::string_view text, std::uint32_t line) {
  if (text.size() > kMostRuleBytes) {
    throw Error(ErrorKind::kInvalidInput,
                "a rule has at most " + std::to_string(kMostRuleBytes) + " bytes; this one is longer");
  }
  if (text.find('\n') != text.npos) throw Error(ErrorKind::kInvalidInput, "a rule is one line");
  std::string_view rest = text;
  const std::string_view class_word = take_word(rest);
  const TrackClass track_class = to_class(class_word);
  const std::string_view pattern = take_word(rest);
  if (pattern.empty()) throw Error(ErrorKind::kInvalidInput, "the rule has no pattern");
  if (pattern.front() == '!') {
    throw Error(ErrorKind::kInvalidInput,
                "there is no negation by !: a later rule of another class makes an exception (a name that "
                "begins with ! is written \\!)");
  }
  Rule rule{track_class, Pattern(pattern), Extract::kUnset, std::string(text), line};
  for (std::string_view word = take_word(rest); !word.empty(); word = take_word(rest))
    read_attribute(rule, word);
  return rule;
}

std::string rule_text(std::string_view rule) {
  std::string text;
  for (std::size_t at = 0; at < rule.size();) {
    const std::size_t backslash = std::min(rule.find('\\', at), rule.size());
    text += printable(rule.substr(at, backslash - at));
    if (backslash < rule.size()) text += is_escaped_byte(rule.substr(backslash)) ? "\\x5c" : "\\";
    at = backslash + 1;
  }
  return text;
}

std::string rule_from_text(std::string_view text) {
  std::string rule;
  for (std::size_t at = 0; at < text.size();) {
    if (is_escaped_byte(text.substr(at))) {
      rule += as_text(from_hex(text.substr(at + 2, 2)));
      at += 4;
    } else {
      rule += text[at++];
    }
  }
  return rule;
}

RuleList parse_set_rules(const std::vector<std::string>& lines) {
  if (lines.size() > kMostRules) {
    throw Error(ErrorKind::kInvalidInput, "a set has at most " + std::to_string(kMostRules) + " rules");
  }
  RuleList list;
  for (const std::string& line : lines) {
    const auto number = static_cast<std::uint32_t>(list.rules.size() + 1);
    try {
      list.rules.push_back(parse_rule(line, number));
    } catch (const Error& error) {
      throw Error(ErrorKind::kInvalidInput, "rule " + std::to_string(number) + ", '" +
                                                printable(line.substr(0, 200)) + "': " + error.what());
    }
  }
  return list;
}

RuleList parse_track_file(std::string file, std::string_view text) {
  RuleList list{std::move(file), {}, {}};
  std::uint32_t number = 0;
  while (!text.empty()) {
    ++number;
    const std::size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    text.remove_prefix(end == text.npos ? text.size() : end + 1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (!is_rule(line)) continue;
    if (list.rules.size() + list.bad.size() == kMostRules) {
      list.bad.push_back({number, "from this line on nothing counts: a file has at most " +
                                      std::to_string(kMostRules) + " rules"});
      break;
    }
    try {
      list.rules.push_back(parse_rule(line, number));
    } catch (const Error& error) {
      list.bad.push_back({number, error.what()});
    }
  }
  return list;
}

}  // namespace garner::source
