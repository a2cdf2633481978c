// Everything that ever stood anywhere in a history, by path.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "catalog/history/history.h"

namespace garner::daemon {

// A folder before what is in it, names bytewise. Sources are where their paths say, also one that lies in
// what was another source at another time: so several items may have one path, of which a snapshot has one.
// Memory: a page of names for each of the sixteen innermost folders. One thread at a time.
class HistoryWalk {
 public:
  struct Named {
    catalog::ItemNumber folder = 0;
    std::string name;
  };
  struct Place {
    std::string path;  // absolute
    std::vector<Named> items;
  };

  // `below`: absolute and normal, only this and what is below it; empty: everything. The history outlives it.
  HistoryWalk(catalog::History& history, std::string below);

  // Null at the end; otherwise it holds until the next call.
  const Place* next();

 private:
  // An item that is a folder, and the names in it that come next.
  struct Names {
    catalog::ItemNumber folder = 0;
    std::string last;  // that was taken
    std::vector<catalog::Item> page;
    std::size_t taken = 0;  // of the page
    bool is_last = false;   // no page comes behind it
  };
  struct Found {
    catalog::ItemNumber folder = 0;
    catalog::Item item;
  };
  using Items = std::vector<Found>;
  struct Folder {
    std::string path;
    std::vector<Names> names;
    std::map<std::string, Items> sources;  // by the name that leads to them
    std::optional<std::string> only;       // the name to look for, on the way to `below_`
  };
  struct Entry {
    std::string name;
    Items items;
    Items sources;  // here, or on the way
  };

  Items sources();
  void enter(const std::string& path, const Items& here, Items within);
  std::optional<Entry> take(Folder& folder);
  std::optional<Entry> take_only(Folder& folder);
  const catalog::Item* peek(Names& names);
  static void drop(Folder& folder);

  catalog::History& history_;
  const std::string below_;
  std::vector<Folder> folders_;  // the outermost first
  Place place_;
};

}  // namespace garner::daemon
