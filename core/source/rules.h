// Rules: lines "CLASS PATTERN [attribute=value]...", of a backup set or of a .track file, in their order.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "source/pattern.h"

namespace garner::source {

enum class TrackClass {
  kAuto,    // read when its metadata changed
  kIgnore,  // left out
  kOnce,    // content is read the first time only
  kAlways,  // read every time
};
std::string_view to_string(TrackClass track_class);

enum class Extract { kUnset, kNo, kYes };

struct Rule {
  TrackClass track_class = TrackClass::kAuto;
  Pattern pattern;
  Extract extract = Extract::kUnset;  // whether files that are containers are to be looked into
  std::string text;                   // as it was written
  std::uint32_t line = 0;             // from 1
};

// Longest line, and most rules of one list: whoever may write into a source must not be able to stop its
// backup.
constexpr std::size_t kMostRuleBytes = 8192;
constexpr std::size_t kMostRules = 4096;

// One line, without its end. Error(kInvalidInput) for what is not a rule.
Rule parse_rule(std::string_view text, std::uint32_t line);

// A rule as text of a configuration file, which is UTF-8, and back: bytes that are not printable are written
// \xNN, and a backslash that would be taken for the begin of one \x5c. Other backslashes are as they are.
std::string rule_text(std::string_view rule);
std::string rule_from_text(std::string_view text);

struct BadLine {
  std::uint32_t line = 0;
  std::string message;
};
struct RuleList {
  std::string file;  // path of the .track file, bytes; empty: a set's own
  std::vector<Rule> rules;
  std::vector<BadLine> bad;  // lines that are no rules; the others count
};

// The rules of a set, a line each. Error(kInvalidInput) names the first that is none.
RuleList parse_set_rules(const std::vector<std::string>& lines);

// The text of a .track file.
RuleList parse_track_file(std::string file, std::string_view text);

}  // namespace garner::source
