#include "path_rules.h"

#include <sys/stat.h>

#include <algorithm>
#include <chrono>
#include <optional>
#include <utility>

#include "ask_in_time.h"
#include "base/error.h"
#include "base/file.h"
#include "path_owner.h"
#include "run_message.h"
#include "snapshot/node.h"
#include "source/explain.h"
#include "source/rule_scope.h"
#include "source/track_append.h"
#include "source/track_file.h"

namespace garner::daemon {

namespace {

bool is_folder(const std::string& path) {
  struct stat status {};
  return stat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode);
}

// A file system below a source, all that a question takes, and all questions of a run's errors.
constexpr std::chrono::seconds kFolderLimit{5};
constexpr std::chrono::seconds kQuestionLimit{20};
constexpr std::chrono::seconds kRunLimit{60};

// What a set says of a path that it holds.
struct Found {
  PathOwner owner;
  source::Explanation explanation;
  std::optional<std::string> track_folder;  // where a rule for it would go: below the source
};

// What the set's rules say of a path in a source that is not there.
source::Explanation explain_by_letters(std::shared_ptr<const source::RuleList> rules,
                                       const std::string& relative) {
  source::Explanation found;
  auto scope = source::RuleScope::of_root(std::move(rules));
  for (std::size_t at = 0; scope && at < relative.size();) {
    const std::size_t end = std::min(relative.find('/', at), relative.size());
    const std::string name = relative.substr(at, end - at);
    const bool is_above = end < relative.size();
    for (const source::RuleScope::Found& rule : scope->matching(name, is_above))
      found.matched.push_back({rule.rule->text, "", rule.rule->line, relative.substr(0, end)});
    found.track_class = scope->track_class(name, is_above);
    scope = scope->below(name);
    at = end + 1;
  }
  std::ranges::stable_sort(found.matched, {}, &source::MatchedRule::line);
  found.included = found.track_class != source::TrackClass::kIgnore;
  return found;
}

source::Explanation explain_in(const PathOwner& owner, std::vector<std::string> excluded,
                               const std::shared_ptr<BoundedCalls>& calls) {
  // To the source itself no rule applies.
  if (owner.relative.empty()) return {};
  source::ExplainOptions options;
  const auto& rules = owner.set.definition.rules();
  options.set_rules =
      std::make_shared<source::RuleList>(source::parse_set_rules({rules.begin(), rules.end()}));
  if (!is_folder(owner.source)) return explain_by_letters(options.set_rules, owner.relative);
  options.one_file_system = owner.set.definition.one_file_system();
  options.exclude_caches = owner.set.definition.exclude_caches();
  options.excluded_folders = std::move(excluded);
  options.calls = calls;
  return source::explain(owner.source, owner.relative, options);
}

std::vector<Found> find(const std::vector<PathOwner>& owners, const std::vector<std::string>& excluded,
                        const std::shared_ptr<BoundedCalls>& calls) {
  std::vector<Found> all;
  for (const PathOwner& owner : owners) {
    Found found{owner, explain_in(owner, excluded, calls), {}};
    if (!owner.relative.empty())
      found.track_folder = source::nearest_track_folder(owner.source, owner.relative);
    all.push_back(std::move(found));
  }
  return all;
}

std::string below(const std::string& folder, const std::string& relative) {
  if (relative.empty()) return folder;
  return path_in(folder, relative);
}

// Leaves out what has this path below where the rule stands.
std::string rule_for(const std::string& relative) {
  std::string rule = "ignore " + source::escaped_pattern(relative);
  source::parse_rule(rule, 1);
  return rule;
}

v1::RuleOrigin to_origin(const source::MatchedRule& matched, const PathOwner& owner) {
  v1::RuleOrigin message;
  message.set_rule(source::rule_text(matched.rule));
  message.set_file(printable(matched.file));
  message.set_line(matched.line);
  message.set_matched(printable(below(owner.source, matched.matched)));
  return message;
}

}  // namespace

PathRules::PathRules(Destinations& destinations, Sets& sets)
    : destinations_(destinations),
      catalog_(destinations.context().catalog),
      sets_(sets),
      calls_(std::make_shared<BoundedCalls>(kQuestionLimit)),
      folder_calls_(std::make_shared<BoundedCalls>(kFolderLimit)) {}

std::vector<std::string> PathRules::excluded() const {
  std::vector<std::string> folders = destinations_.local_folders();
  folders.push_back(destinations_.context().state_folder);
  return folders;
}

v1::ExplainPathResponse PathRules::explain(const v1::ExplainPathRequest& request) {
  const catalog::BackupSet set = sets_.get(request.set());
  const auto [place, all] = ask_in_time(
      calls_, request.path(), [path = request.path(), set, excluded = excluded(), calls = folder_calls_] {
        return std::pair(real_place(path), find(owners_of(path, {set}), excluded, calls));
      });
  v1::ExplainPathResponse response;
  response.set_path(printable(place));
  response.set_path_bytes(place);
  response.set_set(set.definition.name());
  if (all.empty()) {
    response.set_track_class("auto");
    response.set_reason("none of the set's sources holds it");
    return response;
  }
  const PathOwner& owner = all.front().owner;
  const source::Explanation& found = all.front().explanation;
  response.set_source(printable(owner.source));
  response.set_track_class(std::string(source::to_string(found.track_class)));
  response.set_included(found.included);
  response.set_reason(found.reason);
  if (found.matched.empty()) return response;
  *response.mutable_decided_by() = to_origin(found.matched.back(), owner);
  for (std::size_t i = 0; i + 1 < found.matched.size(); ++i)
    *response.add_overridden() = to_origin(found.matched[i], owner);
  return response;
}

std::vector<PathRules::Wish> PathRules::wishes(const v1::IgnorePathsRequest& request,
                                               v1::IgnorePathsResponse& response) {
  std::vector<Wish> all;
  for (const std::string& path : request.paths()) all.push_back({path, "", true});
  if (request.run_id().empty()) return all;
  const std::int64_t number = parse_run_number(request.run_id());
  const auto run = catalog_.runs().find(number);
  if (!run) throw Error(ErrorKind::kNotFound, "there is no run " + printable(request.run_id()));
  if (run->kind != catalog::RunKind::kBackup)
    throw Error(ErrorKind::kInvalidInput, "run " + printable(request.run_id()) + " is no backup");
  response.set_not_listed(catalog_.runs().errors_not_kept(*run));
  for (const catalog::FailingPath& failing : catalog_.runs().failing_paths(*run)) {
    // A .track file with a bad line is to be put right: its rules are read whether it is backed up or not.
    if (failing.path.starts_with('/') && base_name(failing.path) != source::kTrackFileName)
      all.push_back({failing.path, run->set, failing.unreadable});
  }
  return all;
}

v1::IgnorePathsResponse PathRules::ignore(const v1::IgnorePathsRequest& request) {
  const std::lock_guard lock(adding_);
  const auto end = std::chrono::steady_clock::now() + kRunLimit;
  v1::IgnorePathsResponse response;
  for (const Wish& wish : wishes(request, response)) {
    const bool of_run = !wish.set.empty();
    try {
      if (of_run && std::chrono::steady_clock::now() > end)
        throw Error(ErrorKind::kReadFailed, "those before it took too long: give the command again");
      ignore(wish, request.dry_run(), response);
    } catch (const Error& error) {
      if (!of_run && !request.dry_run() && response.rules_size() > 0)
        throw Error(error.kind(), std::string(error.what()) + "; the rules that were added before stay");
      if (!of_run || error.kind() == ErrorKind::kInternal) throw;
      v1::PassedOver& passed = *response.add_passed_over();
      passed.set_path(printable(wish.path));
      passed.set_reason(error.what());
    }
  }
  return response;
}

bool PathRules::is_command(const Wish& wish) {
  return std::ranges::any_of(catalog_.commands().find(wish.set).sources, [&](const auto& source) {
    return snapshot::command_path(source.name) == wish.path;
  });
}

bool PathRules::add_in_tree(const PathOwner& owner, const std::string& folder, const std::string& rule) {
  try {
    return ask_in_time(calls_, owner.place, [source = owner.source, folder, rule] {
      source::append_to_track_file(source, folder, rule);
      return true;
    });
  } catch (const Error& error) {
    // Read-only, its owner's alone, full, or itself among what cannot be read.
    if (error.kind() != ErrorKind::kWriteFailed && error.kind() != ErrorKind::kStateFull) throw;
    PathOwner with = owner;
    with.set.definition.add_rules(rule_for(owner.relative));
    const source::Explanation found = ask_in_time(
        calls_, owner.place,
        [with, excluded = excluded(), calls = folder_calls_] { return explain_in(with, excluded, calls); });
    if (!found.included && !found.is_entered) return false;
    throw Error(error.kind(), std::string(error.what()) + "; a rule of set '" + owner.set.definition.name() +
                                  "' would not do, for those of .track files come after it");
  }
}

void PathRules::ignore(const Wish& wish, bool dry_run, v1::IgnorePathsResponse& response) {
  if (!wish.unreadable)
    throw Error(ErrorKind::kInvalidInput,
                "it was read, as far as is known: what was told of it is a warning");
  std::vector<catalog::BackupSet> sets = catalog_.configuration().sets();
  if (!wish.set.empty())
    std::erase_if(sets, [&](const auto& set) { return set.definition.name() != wish.set; });
  const bool recorded = !wish.set.empty();
  if (recorded && is_command(wish))
    throw Error(ErrorKind::kInvalidInput, "it is the output of a command, and no rule matches that");
  const std::vector<Found> all = ask_in_time(
      calls_, wish.path, [path = wish.path, recorded, sets, excluded = excluded(), calls = folder_calls_] {
        return find(recorded ? owners_of_recorded(path, sets) : owners_of(path, sets), excluded, calls);
      });
  if (all.empty()) {
    throw Error(ErrorKind::kNotFound, recorded ? "set '" + wish.set + "' has no such path"
                                               : "no set backs up " + printable(wish.path));
  }
  for (const auto& [owner, found, folder] : all) {
    const std::string& name = owner.set.definition.name();
    if (owner.relative.empty()) {
      throw Error(ErrorKind::kInvalidInput, printable(wish.path) + " is a source of set '" + name +
                                                "' itself: garner set edit " + name + " --source ...");
    }
    if (owner.relative.find('\n') != std::string::npos) {
      throw Error(ErrorKind::kInvalidInput,
                  printable(wish.path) +
                      ": a rule is one line, and this name has a line end in it; write a "
                      "pattern with ? in its place");
    }
    v1::AddedRule added;  // told when it is so
    added.set_path(printable(owner.place));
    added.set_set(name);
    if (!found.included && !found.fails && !found.is_entered) {
      added.set_existed(true);
      if (!found.matched.empty()) {
        added.set_rule(source::rule_text(found.matched.back().rule));
        added.set_file(printable(found.matched.back().file));
      }
      *response.add_rules() = std::move(added);
      continue;
    }
    const std::size_t skip = !folder || folder->empty() ? 0 : folder->size() + 1;
    std::string rule = rule_for(owner.relative.substr(skip));
    if (folder && (dry_run || add_in_tree(owner, *folder, rule))) {
      added.set_file(printable(below(below(owner.source, *folder), source::kTrackFileName)));
    } else {
      rule = rule_for(owner.relative);
      if (!dry_run) sets_.add_rule(name, rule);
    }
    added.set_rule(source::rule_text(rule));
    *response.add_rules() = std::move(added);
  }
}

}  // namespace garner::daemon
