// What the browser does with a folder and with what is in it.
#include <unistd.h>

#include <array>
#include <climits>
#include <cstdlib>
#include <utility>

#include "argument.h"
#include "browse/browser.h"
#include "browse/dialog.h"
#include "browse/draw.h"
#include "browse/preview.h"
#include "text.h"

namespace garner::client::browse {
namespace {

// As a shell has it: "~" and what follows it.
std::string with_home(const std::string& path) {
  const char* home = std::getenv("HOME");
  if (home == nullptr || (path != "~" && !path.starts_with("~/"))) return path;
  return home + path.substr(1);
}

std::string working_folder() {
  std::array<char, PATH_MAX> path{};
  return getcwd(path.data(), path.size()) == nullptr ? "/" : path.data();
}

}  // namespace

void Browser::settle() {
  if (state_.contents != Contents::kUnread && wanted_ == state_.snapshot && place_ == state_.place) return;
  search_.reset();
  state_.snapshot = wanted_;
  state_.place = place_;
  state_.contents = Contents::kUnreadable;
  state_.is_cut = false;
  state_.changes_note.clear();
  state_.folder.set_nodes({});
  attempt([&] { read_folder(); });
  state_.in_folder.go_to(0);
  keep_name();
}

void Browser::read_folder() {
  const v1::SnapshotInfo& info = state_.shown();
  const SnapshotLayout& layout = archive_.layout(info);
  state_.root = layout.root();
  // A folder that a snapshot could have is kept, whether it has it or not.
  if (place_.empty() || !layout.laid_out(place_) ||
      (!layout.is_in_source(place_) && !layout.leads_to_source(place_)))
    place_ = layout.root();
  state_.place = place_;
  auto content = archive_.folder(info, place_, [&](std::size_t count) {
    state_.contents = Contents::kUnread;
    state_.progress = human_count(count) + " so far";
    draw(screen_, state_);
    // Until all is there.
    state_.contents = Contents::kUnreadable;
  });
  state_.contents = content ? Contents::kThere : Contents::kMissing;
  if (!content) return;
  state_.is_cut = content->is_cut;
  state_.folder.set_nodes(std::move(content->nodes));
  begin_search();
}

void Browser::begin_search() {
  const auto older = state_.timeline.older(state_.snapshot);
  if (!older) {
    state_.changes_note = "the first of its set";
    return;
  }
  const v1::SnapshotInfo& before = state_.timeline.snapshot(*older);
  if (!archive_.has_folder(before, place_)) {
    FolderChanges changes(place_);
    changes.set_all_added();
    state_.folder.set_changes(std::move(changes));
    return;
  }
  v1::DiffSnapshotsRequest request;
  request.set_before(before.id());
  request.set_after(state_.shown().id());
  request.set_metadata(true);
  // A folder that leads to sources is in no snapshot: all of them are compared.
  if (archive_.layout(before).is_in_source(place_) && archive_.layout(state_.shown()).is_in_source(place_)) {
    request.set_before_path(place_);
    request.set_after_path(place_);
  }
  state_.changes_note = "comparing";
  search_ = std::make_unique<ChangeSearch>(archive_.stub(), std::move(request), place_);
}

void Browser::take_news() {
  if (search_) {
    if (auto found = search_->take()) {
      state_.folder.set_changes(std::move(found->changes));
      state_.changes_note = found->is_all ? "" : "comparing";
      if (!found->trouble.empty()) state_.changes_note = "not all changes are known: " + found->trouble;
      if (found->is_all) search_.reset();
      keep_name();
    }
  }
  while (const auto news = restores_.take_news()) {
    if (news->is_trouble) {
      tell(screen_, "A restore", news->text);
    } else {
      state_.message = news->text;
    }
  }
  state_.progress = restores_.progress();
}

void Browser::keep_name() {
  if (const auto row = state_.folder.find(name_)) state_.in_folder.go_to(*row);
}

void Browser::take_name() {
  if (const Folder::Row* row = state_.row()) name_ = row->node->name();
}

void Browser::enter() {
  const Folder::Row* row = state_.row();
  if (row == nullptr) return;
  if (row->is_file()) return preview(*row);
  if (!row->is_folder()) {
    state_.message = printable(row->node->name()) + " is neither a file nor a folder.";
  } else if (row->is_removed()) {
    state_.message = "It was removed: [ goes to the snapshot before, which has it.";
  } else {
    place_ = below(state_.place, row->node->name());
    name_.clear();
    state_.folder.filter("");
  }
}

void Browser::leave() {
  if (state_.place == state_.root) {
    state_.tree_has_keys = false;
    return;
  }
  name_ = name_of(state_.place);
  place_ = parent_of(state_.place);
  state_.folder.filter("");
}

void Browser::preview(const Folder::Row& row) {
  const MarkedPath file = state_.path_of(row);
  const v1::SnapshotInfo& from =
      file.snapshot == state_.shown().id()
          ? state_.shown()
          : state_.timeline.snapshot(state_.timeline.older(state_.snapshot).value_or(state_.snapshot));
  const std::string content = archive_.content(from, file.path, Preview::kMost);
  const Preview text(content, content.size() < Preview::kMost || row.node->size() == content.size());
  read(screen_, file.path + "   " + local_time(from.time()),
       [&](std::size_t width) { return text.lines(width); });
}

void Browser::toggle_mark() {
  const Folder::Row* row = state_.row();
  if (row == nullptr) return;
  if (row->node->on_the_way()) {
    state_.message = "It only leads to what was backed up: mark what is in it.";
    return;
  }
  const MarkedPath path = state_.path_of(*row);
  if (state_.marked.erase(path) == 0) state_.marked.insert(path);
  state_.in_folder.move(1);
  state_.in_folder.fit(state_.folder.rows().size(), state_.in_folder.height());
  take_name();
}

void Browser::restore() {
  std::set<MarkedPath> wanted = state_.marked;
  const Folder::Row* row = state_.tree_has_keys ? state_.row() : nullptr;
  if (wanted.empty() && row != nullptr && !row->node->on_the_way()) wanted.insert(state_.path_of(*row));
  if (wanted.empty()) {
    state_.message = "Mark what to restore: Tab gives the keys to the tree, Space marks.";
    return;
  }
  const std::string what =
      wanted.size() == 1 ? printable(name_of(wanted.begin()->path)) : human_count(wanted.size()) + " things";
  const auto folder = ask(screen_, " Restore " + what + " to:", below(working_folder(), "") + "/");
  if (!folder) return;
  const std::string target = absolute_path("the folder", with_home(*folder));
  const std::vector<RestoreItem> items = plan_restore(wanted, target);
  std::size_t begun = 0;
  try {
    restores_.start(items, [&](const RestoreItem& item) {
      ++begun;
      erase_marks(state_.marked, item);
    });
  } catch (const Failure& failure) {
    if (begun == 0) throw;
    throw Failure(failure.exit_code(), failure.what(),
                  human_count(begun) + " of " + human_count(items.size()) +
                      (begun == 1 ? " has begun, and goes on." : " have begun, and go on.") + "\n" +
                      failure.advice());
  }
}

}  // namespace garner::client::browse
