// What the rules say of a folder's entries. A scope belongs to one folder: which rules there are (the set's,
// then those of .track files from the source's root down to here), how far each one's pattern has matched on
// the way down, and which rule decides of the folder itself.
//
// A rule matches a path if its pattern matches the path or a folder above it. The last rule that matches
// decides. So what is below a folder has the folder's class unless a later rule says otherwise, and an
// ignored folder has to be looked into only if a later rule of another class could match something in it.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "source/rules.h"

namespace garner::source {

// Most rules that count in one folder, and bytes of their text: .track files may be nested without end, and
// every folder below is held against all of them.
constexpr std::size_t kMostScopeRules = 16'384;
constexpr std::size_t kMostScopeBytes = 4u << 20;

// Immutable; any thread.
class RuleScope {
 public:
  // A source's root. No scope stands for: no rules at all.
  static std::shared_ptr<const RuleScope> of_root(std::shared_ptr<const RuleList> rules);
  // The same folder with the rules of its .track file; `scope` may be none. Error(kReadFailed) when there
  // would be more than kMostScopeRules, or kMostScopeBytes of them.
  static std::shared_ptr<const RuleScope> with(const std::shared_ptr<const RuleScope>& scope,
                                               std::shared_ptr<const RuleList> rules);
  // The folder `name` in this one.
  std::shared_ptr<const RuleScope> below(std::string_view name) const;

  // The class of the entry.
  TrackClass track_class(std::string_view name, bool is_folder) const;
  // The class of this folder itself.
  TrackClass own_class() const;
  // Whether this folder, if it is ignored, can hold what is not.
  bool may_hold_others() const;

  struct Found {
    const RuleList* list = nullptr;
    const Rule* rule = nullptr;
    std::size_t number = 0;  // in the order in which rules count
  };
  // The rules that match this very entry, by its own name; ascending.
  std::vector<Found> matching(std::string_view name, bool is_folder) const;

 private:
  struct Part {
    std::shared_ptr<const RuleList> list;
    std::vector<PatternState> states;  // of each rule, in this folder
  };
  struct Decision {
    std::size_t number = 0;  // from 1; 0: no rule matches
    TrackClass track_class = TrackClass::kAuto;
  };
  Decision decide(std::string_view name, bool is_folder) const;
  bool has_room_for(const RuleList& rules) const;

  std::vector<Part> parts_;
  Decision own_;
};

}  // namespace garner::source
