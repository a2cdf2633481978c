// What stands in each place in the last number of a history, and how that becomes the past: rows of `items`
// and `versions`. With it the parts of their content.
//
// Callers hold the lock of the database, and to change something have a transaction open.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "catalog/database.h"
#include "catalog/history/history.h"
#include "catalog/history/rows.h"

namespace garner::catalog {

// An item as it is in its folder; one without a number is not in the table.
struct Held {
  ItemNumber folder = 0;
  std::string name;
  ItemNumber item = 0;
  std::int64_t flags = 0;
  std::int64_t first = 0;  // since when it is like `row`
  std::optional<Row> row;  // nothing: nothing stands there any more
};
// By name, bytewise, behind `after`.
std::vector<Held> items_behind(Database& database, ItemNumber folder, std::string_view after,
                               std::size_t most);
// Nothing where there is none of that number, or name.
std::optional<Held> find_item(Database& database, ItemNumber item);
std::optional<Held> find_item(Database& database, ItemNumber folder, std::string_view name);

// The numbers that a folder gives to what is new in it. Loaded at the first use, and good for as long as
// nobody else gives any.
struct FolderNumbers {
  ItemNumber last = 0;  // 0: not loaded
  bool is_listed = false;
};

class Tip {
 public:
  // Changes hold from `number` on, the one that is being read in. `database` outlives it.
  Tip(Database& database, std::int64_t number) : database_(database), number_(number) {}

  // Gives a new item a number, and puts it.
  void insert(Held& held, const std::optional<Row>& row, bool is_folder, FolderNumbers& numbers);
  // What stands there from this number on. What stood there is closed, unless it has come with this number.
  void put(Held& held, const std::optional<Row>& row, bool is_folder);

  // All parts that the item has are of the past, unless add_part() tells of them again. Between the two may
  // be transactions, and updates that were cut off.
  void close_parts(ItemNumber item);
  // `bytes`: 0 for what is no data blob that is stored. Twice is once.
  void add_part(ItemNumber item, BlobPrefix blob, std::uint64_t bytes);

 private:
  void next_number(ItemNumber folder, FolderNumbers& numbers);

  Database& database_;
  const std::int64_t number_;
};

}  // namespace garner::catalog
