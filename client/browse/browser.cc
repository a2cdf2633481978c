#include "browse/browser.h"

#include <algorithm>
#include <utility>

#include "browse/dialog.h"
#include "browse/draw.h"
#include "browse/help_text.h"
#include "text.h"

namespace garner::client::browse {
namespace {

bool is_time_key(const Key& key) { return key.is("[") || key.is("<") || key.is("]") || key.is(">"); }

}  // namespace

Browser::Browser(Archive& archive, Screen& screen, v1::ListSnapshotsRequest request,
                 v1::ListSnapshotsResponse list, std::string place)
    : archive_(archive),
      screen_(screen),
      request_(std::move(request)),
      state_(Timeline(std::move(list))),
      place_(std::move(place)),
      restores_(archive) {
  if (const auto row = state_.timeline.reveal(0)) state_.in_timeline.go_to(*row);
}

void Browser::run() {
  draw(screen_, state_);
  while (!quits_) {
    while (const auto key = quits_ ? std::nullopt : screen_.key()) {
      if (key->name == KeyName::kResized) {
        draw(screen_, state_);
      } else {
        attempt([&] { press(*key); });
      }
    }
    if (quits_) break;
    settle();
    attempt([&] { take_news(); });
    draw(screen_, state_);
    screen_.wait({search_ ? search_->descriptor() : -1, restores_.descriptor()});
  }
}

void Browser::attempt(const std::function<void()>& action) {
  try {
    action();
  } catch (const Failure& failure) {
    draw(screen_, state_);
    const std::string advice = failure.advice().empty() ? "" : "\n" + failure.advice();
    tell(screen_, "That did not work", failure.what() + advice);
  }
}

void Browser::press(const Key& key) {
  // Keys that were typed ahead mean the tree that is wanted; on the way through time none is read.
  if (state_.tree_has_keys && !is_time_key(key)) settle();
  state_.message.clear();
  if (state_.is_typing) return type(key);
  if (press_anywhere(key)) return;
  if (state_.tree_has_keys) {
    press_in_tree(key);
  } else {
    press_in_timeline(key);
  }
}

bool Browser::press_anywhere(const Key& key) {
  const auto help = [&] { read(screen_, "garner browse: keys", help_text); };
  switch (key.name) {
    case KeyName::kClosed:
      quits_ = true;
      return true;
    case KeyName::kTab:
      state_.tree_has_keys = !state_.tree_has_keys;
      return true;
    case KeyName::kEscape:
      set_filter("");
      return true;
    case KeyName::kRefresh:
      list_again();
      return true;
    case KeyName::kHelp:
      help();
      return true;
    case KeyName::kText:
      break;
    default:
      return false;
  }
  if (key.is("q")) {
    quits_ = true;
  } else if (key.is("?")) {
    help();
  } else if (is_time_key(key)) {
    go_in_time(key.is("[") || key.is("<"));
  } else if (key.is("R")) {
    restore();
  } else if (key.is(" ")) {
    if (state_.tree_has_keys) toggle_mark();
  } else {
    state_.is_typing = true;
    if (!key.is("/")) set_filter(key.text);
  }
  return true;
}

void Browser::type(const Key& key) {
  std::string filter = state_.tree_has_keys ? state_.folder.filter() : state_.timeline.filter();
  switch (key.name) {
    case KeyName::kText:
      return set_filter(filter + key.text);
    case KeyName::kErase:
      return set_filter("");
    case KeyName::kBackspace:
      state_.is_typing = !filter.empty();
      take_last_character(filter);
      return set_filter(filter);
    default:
      state_.is_typing = false;
      press(key);
  }
}

void Browser::move_in(Cursor& cursor, const Key& key, std::size_t count) {
  const auto page = static_cast<std::ptrdiff_t>(cursor.height());
  if (key.name == KeyName::kUp) cursor.move(-1);
  if (key.name == KeyName::kDown) cursor.move(1);
  if (key.name == KeyName::kPageUp) cursor.move(-page);
  if (key.name == KeyName::kPageDown) cursor.move(page);
  if (key.name == KeyName::kHome) cursor.go_to(0);
  if (key.name == KeyName::kEnd) cursor.go_to(count);
  cursor.fit(count, cursor.height());
}

void Browser::press_in_timeline(const Key& key) {
  Timeline& timeline = state_.timeline;
  Cursor& cursor = state_.in_timeline;
  if (timeline.rows().empty()) return;
  const std::size_t at = cursor.at();
  const Timeline::Row row = timeline.rows()[at];
  const bool is_snapshot = row.level == Timeline::Level::kSnapshot;
  switch (key.name) {
    case KeyName::kEnter:
    case KeyName::kRight:
      if (is_snapshot) {
        state_.tree_has_keys = true;
      } else if (row.is_open && key.name == KeyName::kRight) {
        cursor.move(1);
      } else {
        timeline.set_open(at, !row.is_open);
      }
      break;
    case KeyName::kLeft:
    case KeyName::kBackspace:
      if (row.is_open) {
        timeline.set_open(at, false);
      } else {
        cursor.go_to(timeline.row_above(at));
      }
      break;
    default:
      move_in(cursor, key, timeline.rows().size());
  }
  cursor.fit(timeline.rows().size(), cursor.height());
  // What is seen need not be what the cursor is on, for a filter may keep it out: it stays until that moves.
  const Timeline::Row& now = timeline.rows()[cursor.at()];
  const bool is_chosen = cursor.at() != at || key.name == KeyName::kEnter || key.name == KeyName::kRight;
  if (is_chosen && now.level == Timeline::Level::kSnapshot) wanted_ = now.snapshot;
}

void Browser::press_in_tree(const Key& key) {
  switch (key.name) {
    case KeyName::kEnter:
    case KeyName::kRight:
      return enter();
    case KeyName::kLeft:
    case KeyName::kBackspace:
      return leave();
    default:
      move_in(state_.in_folder, key, state_.folder.rows().size());
      take_name();
  }
}

void Browser::set_filter(const std::string& filter) {
  if (state_.tree_has_keys) {
    if (filter == state_.folder.filter()) return;
    state_.folder.filter(filter);
    state_.in_folder.go_to(0);
    if (filter.empty()) keep_name();
    take_name();
    return;
  }
  Timeline& timeline = state_.timeline;
  if (filter == timeline.filter()) return;
  timeline.filter(filter);
  find_wanted();
}

void Browser::find_wanted() {
  Timeline& timeline = state_.timeline;
  if (timeline.matches() == 0) return state_.in_timeline.go_to(0);
  auto row = timeline.reveal(wanted_);
  if (!row) {
    const auto first = std::find_if(timeline.rows().begin(), timeline.rows().end(),
                                    [](const auto& one) { return one.level == Timeline::Level::kSnapshot; });
    row = static_cast<std::size_t>(first - timeline.rows().begin());
    wanted_ = first->snapshot;
  }
  state_.in_timeline.go_to(*row);
}

void Browser::go_in_time(bool to_older) {
  Timeline& timeline = state_.timeline;
  const auto next = to_older ? timeline.older(wanted_) : timeline.newer(wanted_);
  if (!next) {
    state_.message = std::string("This is the ") + (to_older ? "oldest" : "newest") + " snapshot of " +
                     timeline.snapshot(wanted_).set() + ".";
    return;
  }
  wanted_ = *next;
  if (const auto row = timeline.reveal(wanted_)) state_.in_timeline.go_to(*row);
}

void Browser::list_again() {
  screen_.renew();
  v1::ListSnapshotsResponse list = archive_.list(request_);
  state_.contents = Contents::kUnread;
  if (list.snapshots().empty()) throw Failure(kExitFailed, "There is no snapshot any more.");
  const std::string id = state_.timeline.snapshot(wanted_).id();
  const std::string filter = state_.timeline.filter();
  state_.timeline = Timeline(std::move(list));
  state_.timeline.filter(filter);
  wanted_ = state_.snapshot = state_.timeline.find(id).value_or(0);
  find_wanted();
  // Of a snapshot that was forgotten no row is left on which a mark could be taken away.
  const std::size_t lost = std::erase_if(
      state_.marked, [&](const MarkedPath& one) { return !state_.timeline.find(one.snapshot).has_value(); });
  if (lost > 0)
    state_.message = plural(lost, "mark was", "marks were") + " in snapshots that are not there any more.";
}

}  // namespace garner::client::browse
