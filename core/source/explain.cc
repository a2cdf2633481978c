#include "source/explain.h"

#include <dirent.h>

#include <algorithm>

#include "base/error.h"
#include "source/excluded_folders.h"
#include "source/folder_view.h"
#include "source/rule_scope.h"
#include "source/track_file.h"

namespace garner::source {

namespace {

std::vector<std::string> components(const std::string& path) {
  std::vector<std::string> names;
  for (std::size_t at = 0; at < path.size();) {
    const std::size_t end = std::min(path.find('/', at), path.size());
    names.push_back(path.substr(at, end - at));
    at = end + 1;
  }
  return names;
}

class Walk {
 public:
  Walk(const std::string& source, const ExplainOptions& options)
      : options_(options), folder_(FolderHandle::open_root(source, options.calls)),
        excluded_(options.excluded_folders, options.calls) {
    if (options.set_rules) scope_ = RuleScope::of_root(options.set_rules);
    const FolderView view(folder_);
    above_.push_back(identity(view));
    look(view);
  }

  // The entry of that name in the folder where the walk stands. False when it goes no further.
  bool go(const std::string& name, bool last) {
    path_ += (path_.empty() ? "" : "/") + name;
    const std::optional<bool> found = finds_folder(name);
    const bool is_folder = found.value_or(!last);
    if (scope_) {
      for (const RuleScope::Found& rule : scope_->matching(name, is_folder)) {
        numbered_.emplace_back(rule.number,
                               MatchedRule{rule.rule->text, rule.list->file, rule.rule->line, path_});
      }
      result_.track_class = scope_->track_class(name, is_folder);
      if (is_folder) scope_ = scope_->below(name);
    }
    const bool ignored = result_.track_class == TrackClass::kIgnore;
    const bool is_entered = ignored && is_folder && scope_->may_hold_others();
    if (ignored && (last || !is_entered)) {
      result_.included = false;
      result_.is_entered = is_entered;
      return false;
    }
    if (!last && !is_folder) return leave_out(printable(path_) + " is no folder, and links are not followed");
    if (is_folder && found) return enter(name, last);
    folder_.reset();
    return true;
  }

  Explanation finish() {
    std::ranges::stable_sort(numbered_, {}, [](const auto& found) { return found.first; });
    for (auto& [number, rule] : numbered_) result_.matched.push_back(std::move(rule));
    return std::move(result_);
  }

 private:
  bool leave_out(const std::string& reason, bool fails = false) {
    result_.included = false;
    result_.fails = fails;
    result_.reason = reason;
    return false;
  }

  // As a backup finds out: what the folder's list tells, so that what is mounted on an entry is not asked.
  std::optional<bool> finds_folder(const std::string& name) {
    if (!folder_) return std::nullopt;
    try {
      const FolderView view(folder_);
      const std::vector<FolderEntry> entries = view.list();
      const auto entry = std::ranges::lower_bound(entries, name, {}, &FolderEntry::name);
      if (entry == entries.end() || entry->name != name) return std::nullopt;
      if (entry->type != DT_UNKNOWN) return entry->type == DT_DIR;
      return view.status_of(name).type == v1::NODE_TYPE_FOLDER;
    } catch (const Error&) {
      return std::nullopt;
    }
  }

  static std::pair<std::uint64_t, std::uint64_t> identity(const FolderView& view) {
    const FileStatus status = view.status();
    return {status.device, status.inode};
  }

  bool enter(const std::string& name, bool last) {
    try {
      folder_ = FolderHandle::open_child(folder_, name);
      const FolderView view(folder_);
      const FileStatus status = view.status();
      if (excluded_.hold(*folder_, status))
        return leave_out(printable(path_) + " is a repository or garner's state folder");
      const std::pair folder(status.device, status.inode);
      if (std::ranges::find(above_, folder) != above_.end())
        return leave_out(printable(path_) + " is one of the folders above it (a mount makes a circle)", true);
      if (last) return true;
      if (options_.one_file_system && folder.first != above_.front().first)
        return leave_out(printable(path_) + " is on another file system, and the set keeps to one");
      if (options_.exclude_caches && view.is_cache())
        return leave_out(printable(path_) + " holds a CACHEDIR.TAG, and the set leaves out caches");
      above_.push_back(folder);
      look(view);
    } catch (const Error& error) {
      folder_.reset();
      // What cannot be looked into is not left out: its last known version is kept.
      if (!last) return leave_out(printable(path_) + " cannot be looked into: " + error.what(), true);
    }
    return true;
  }

  void look(const FolderView& view) {
    try {
      if (auto rules = read_track_file(view)) scope_ = RuleScope::with(scope_, std::move(rules));
    } catch (const Error&) {
      // As in a backup: none of its rules count. That is told there.
    }
  }

  const ExplainOptions& options_;
  std::shared_ptr<FolderHandle> folder_;  // none: from here on nothing exists
  std::shared_ptr<const RuleScope> scope_;
  const ExcludedFolders excluded_;
  std::vector<std::pair<std::uint64_t, std::uint64_t>> above_;  // device and inode, from the source down
  std::string path_;
  std::vector<std::pair<std::size_t, MatchedRule>> numbered_;
  Explanation result_;
};

}  // namespace

Explanation explain(const std::string& source, const std::string& relative, const ExplainOptions& options) {
  Walk walk(source, options);
  const std::vector<std::string> names = components(relative);
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (!walk.go(names[i], i + 1 == names.size())) break;
  }
  return walk.finish();
}

}  // namespace garner::source
