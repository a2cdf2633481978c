// Rules of a .track file: what parses is asked of paths, and survives being written into a configuration
// file.
#include "source/rules.h"

#include <memory>
#include <string>

#include "fuzz/fuzz.h"
#include "source/rule_scope.h"

namespace garner::fuzz {

void try_one(ByteView bytes) {
  Input input(bytes);
  const std::string name(as_text(input.piece(1 + input.number(1) % 40)));
  const std::string text(as_text(input.rest()));
  auto rules = std::make_shared<source::RuleList>(source::parse_track_file("/a/.track", text));
  require(rules->rules.size() <= source::kMostRules, "the number of rules is bounded");
  for (const source::Rule& rule : rules->rules) {
    require(source::rule_from_text(source::rule_text(rule.text)) == rule.text, "a rule's text comes back");
  }
  if (rules->rules.empty()) return;
  accepts([&] {
    auto scope = source::RuleScope::with(nullptr, rules);
    for (int depth = 0; depth < 4; ++depth) {
      const source::TrackClass found = scope->track_class(name, true);
      scope = scope->below(name);
      require(scope->own_class() == found, "a folder has the class that it was looked up with");
    }
  });
}

}  // namespace garner::fuzz
