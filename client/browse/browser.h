// Browsing: what keys do, and what is asked of the daemon for it. Used by one thread.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "browse/archive.h"
#include "browse/change_search.h"
#include "browse/restores.h"
#include "browse/screen.h"
#include "browse/state.h"

namespace garner::client::browse {

class Browser {
 public:
  // `request`: which snapshots; `list`: they, and not none. `place`: the folder of the machine that one
  // begins in; empty: the root. All but `list` outlive it.
  Browser(Archive& archive, Screen& screen, v1::ListSnapshotsRequest request, v1::ListSnapshotsResponse list,
          std::string place);

  // Until somebody quits.
  void run();

 private:
  // Runs it; what fails is told in a box.
  void attempt(const std::function<void()>& action);
  void press(const Key& key);
  bool press_anywhere(const Key& key);
  void type(const Key& key);
  void press_in_timeline(const Key& key);
  void press_in_tree(const Key& key);
  void move_in(Cursor& cursor, const Key& key, std::size_t count);

  void set_filter(const std::string& filter);
  // The cursor goes to the snapshot that is wanted; where the filter keeps that out, the newest that passes
  // is wanted instead.
  void find_wanted();
  void go_in_time(bool to_older);
  void enter();
  void leave();
  void preview(const Folder::Row& row);
  void toggle_mark();
  void restore();
  void list_again();

  // Reads the tree that is wanted, if that is another one than is seen.
  void settle();
  void read_folder();
  void begin_search();
  void take_news();
  // The cursor stays on the name that it was on, though rows come and go.
  void keep_name();
  void take_name();

  Archive& archive_;
  Screen& screen_;
  const v1::ListSnapshotsRequest request_;
  State state_;
  std::size_t wanted_ = 0;  // snapshot
  std::string place_;       // wanted; empty: the root
  std::string name_;        // that the cursor is on
  Restores restores_;
  std::unique_ptr<ChangeSearch> search_;
  bool quits_ = false;
};

}  // namespace garner::client::browse
