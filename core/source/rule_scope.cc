#include "source/rule_scope.h"

#include <string>
#include <utility>

#include "base/error.h"

namespace garner::source {

namespace {

std::size_t text_bytes(const RuleList& list) {
  std::size_t bytes = 0;
  for (const Rule& rule : list.rules) bytes += rule.text.size();
  return bytes;
}

}  // namespace

std::shared_ptr<const RuleScope> RuleScope::of_root(std::shared_ptr<const RuleList> rules) {
  return with(nullptr, std::move(rules));
}

std::shared_ptr<const RuleScope> RuleScope::with(const std::shared_ptr<const RuleScope>& scope,
                                                 std::shared_ptr<const RuleList> rules) {
  if (rules->rules.empty()) return scope;
  if (scope && !scope->has_room_for(*rules)) {
    throw Error(ErrorKind::kReadFailed,
                "with those of the set and of the folders above there would be more than " +
                    std::to_string(kMostScopeRules) +
                    " rules, or 4 MiB of them, so no rules are read from it");
  }
  auto extended = scope ? std::make_shared<RuleScope>(*scope) : std::make_shared<RuleScope>();
  std::vector<PatternState> states;
  states.reserve(rules->rules.size());
  for (const Rule& rule : rules->rules) states.push_back(rule.pattern.start());
  extended->parts_.push_back({std::move(rules), std::move(states)});
  return extended;
}

bool RuleScope::has_room_for(const RuleList& rules) const {
  std::size_t count = rules.rules.size();
  std::size_t bytes = text_bytes(rules);
  for (const Part& part : parts_) {
    count += part.list->rules.size();
    bytes += text_bytes(*part.list);
  }
  return count <= kMostScopeRules && bytes <= kMostScopeBytes;
}

std::shared_ptr<const RuleScope> RuleScope::below(std::string_view name) const {
  auto scope = std::make_shared<RuleScope>();
  scope->own_ = decide(name, true);
  scope->parts_.reserve(parts_.size());
  for (const Part& part : parts_) {
    std::vector<PatternState> states;
    states.reserve(part.states.size());
    for (std::size_t i = 0; i < part.states.size(); ++i) {
      // Most rules match nothing any more after a few levels.
      states.push_back(part.states[i] == 0 ? 0 : part.list->rules[i].pattern.step(part.states[i], name));
    }
    scope->parts_.push_back({part.list, std::move(states)});
  }
  return scope;
}

TrackClass RuleScope::track_class(std::string_view name, bool is_folder) const {
  return decide(name, is_folder).track_class;
}

TrackClass RuleScope::own_class() const { return own_.track_class; }

// From the last rule backwards; those up to the one that decides of this folder change nothing.
RuleScope::Decision RuleScope::decide(std::string_view name, bool is_folder) const {
  std::size_t end = 0;
  for (const Part& part : parts_) end += part.states.size();
  for (auto part = parts_.rbegin(); part != parts_.rend(); ++part) {
    for (std::size_t i = part->states.size(); i-- > 0; --end) {
      if (end <= own_.number) return own_;
      const Rule& rule = part->list->rules[i];
      if (part->states[i] == 0 || (rule.pattern.folders_only() && !is_folder)) continue;
      if (rule.pattern.is_match(rule.pattern.step(part->states[i], name))) return {end, rule.track_class};
    }
  }
  return own_;
}

bool RuleScope::may_hold_others() const {
  std::size_t number = 0;
  for (const Part& part : parts_) {
    for (std::size_t i = 0; i < part.states.size(); ++i) {
      const Rule& rule = part.list->rules[i];
      if (++number > own_.number && rule.track_class != TrackClass::kIgnore &&
          rule.pattern.may_match_below(part.states[i])) {
        return true;
      }
    }
  }
  return false;
}

std::vector<RuleScope::Found> RuleScope::matching(std::string_view name, bool is_folder) const {
  std::vector<Found> found;
  std::size_t number = 0;
  for (const Part& part : parts_) {
    for (std::size_t i = 0; i < part.states.size(); ++i) {
      ++number;
      const Rule& rule = part.list->rules[i];
      if (part.states[i] == 0 || (rule.pattern.folders_only() && !is_folder)) continue;
      if (rule.pattern.is_match(rule.pattern.step(part.states[i], name)))
        found.push_back({part.list.get(), &rule, number});
    }
  }
  return found;
}

}  // namespace garner::source
