#include "source/explain.h"

#include <sys/stat.h>

#include <algorithm>

#include "base/error.h"
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
      : options_(options), folder_(FolderHandle::open_root(source)) {
    if (options.set_rules) scope_ = RuleScope::of_root(options.set_rules);
    for (const std::string& path : options.excluded_folders) {
      struct stat status {};
      if (stat(path.c_str(), &status) == 0) excluded_.emplace_back(status.st_dev, status.st_ino);
    }
    const FolderView view(folder_);
    device_ = view.status().device;
    look(view);
  }

  // The entry of that name in the folder where the walk stands. False when it goes no further.
  bool go(const std::string& name, bool last) {
    path_ += (path_.empty() ? "" : "/") + name;
    const std::optional<FileStatus> status = status_of(name);
    const bool is_folder = status ? status->type == v1::NODE_TYPE_FOLDER : !last;
    if (scope_) {
      for (const RuleScope::Found& found : scope_->matching(name, is_folder)) {
        numbered_.emplace_back(found.number,
                               MatchedRule{found.rule->text, found.list->file, found.rule->line, path_});
      }
      result_.track_class = scope_->track_class(name, is_folder);
      if (is_folder) scope_ = scope_->below(name);
    }
    const bool ignored = result_.track_class == TrackClass::kIgnore;
    if (ignored && (last || !is_folder || !scope_->may_hold_others())) {
      result_.included = false;
      return false;
    }
    if (!last && !is_folder) return leave_out(printable(path_) + " is no folder, and links are not followed");
    if (is_folder && status) return enter(name, *status, last);
    folder_.reset();
    return true;
  }

  Explanation finish() {
    std::ranges::stable_sort(numbered_, {}, [](const auto& found) { return found.first; });
    for (auto& [number, rule] : numbered_) result_.matched.push_back(std::move(rule));
    return std::move(result_);
  }

 private:
  bool leave_out(const std::string& reason) {
    result_.included = false;
    result_.reason = reason;
    return false;
  }

  std::optional<FileStatus> status_of(const std::string& name) {
    if (!folder_) return std::nullopt;
    try {
      return FolderView(folder_).status_of(name);
    } catch (const Error&) {
      return std::nullopt;
    }
  }

  bool enter(const std::string& name, const FileStatus& status, bool last) {
    for (const auto& [device, inode] : excluded_) {
      if (device == status.device && inode == status.inode)
        return leave_out(printable(path_) + " is a repository or garner's state folder");
    }
    if (last) return true;
    if (options_.one_file_system && status.device != device_)
      return leave_out(printable(path_) + " is on another file system, and the set keeps to one");
    try {
      folder_ = FolderHandle::open_child(folder_, name);
      const FolderView view(folder_);
      if (options_.exclude_caches && view.is_cache())
        return leave_out(printable(path_) + " holds a CACHEDIR.TAG, and the set leaves out caches");
      look(view);
    } catch (const Error& error) {
      return leave_out(printable(path_) + " cannot be looked into: " + error.what());
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
  std::vector<std::pair<std::uint64_t, std::uint64_t>> excluded_;
  std::uint64_t device_ = 0;
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
