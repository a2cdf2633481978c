#include "catalog/history/tip.h"

#include "base/bytes.h"
#include "catalog/history/schema.h"

namespace garner::catalog {
namespace {

// Of the columns folder, name, item, flags, first, and those of the row.
Held held_at(const Statement& statement) {
  Held held{statement.integer(0), statement.text(1),    statement.integer(2),
            statement.integer(3), statement.integer(4), std::nullopt};
  if (!statement.is_null(4)) held.row = row_at(statement, 5);
  return held;
}

// A row's columns as they are bound; all NULL where there is none.
struct Columns {
  explicit Columns(const std::optional<Row>& row) {
    if (!row) return;
    kind = row->kind;
    size = static_cast<std::int64_t>(row->size);
    seconds = row->mtime.seconds;
    nanos = row->mtime.nanos;
    content = row->content;
    if (row->files > 0) files = static_cast<std::int64_t>(row->files);
  }
  std::optional<std::int64_t> kind;
  std::optional<std::int64_t> size;
  std::optional<std::int64_t> seconds;
  std::optional<std::int64_t> nanos;
  std::optional<std::int64_t> content;
  std::optional<std::int64_t> files;
};

}  // namespace

std::vector<Held> items_behind(Database& database, ItemNumber folder, std::string_view after,
                               std::size_t most) {
  std::vector<Held> found;
  Statement rows = database.prepare(
      "SELECT folder, name, item, flags, first, kind, size, seconds, nanos, content, files FROM items "
      "WHERE folder = ? AND name > ? ORDER BY name LIMIT ?",
      folder, as_bytes(after), std::uint64_t{most});
  while (rows.step()) found.push_back(held_at(rows));
  return found;
}

std::optional<Held> find_item(Database& database, ItemNumber item) {
  {
    Statement listed = database.prepare(
        "SELECT folder, name, item, flags, first, kind, size, seconds, nanos, content, files FROM items "
        "WHERE item = ? AND flags >= 2",
        item);
    if (listed.step()) return held_at(listed);
  }
  Statement rows = database.prepare(
      "SELECT folder, name, item, flags, first, kind, size, seconds, nanos, content, files FROM items "
      "WHERE folder = (SELECT folder FROM blocks WHERE number = ?) AND item = ?",
      item / kBlock, item);
  if (!rows.step()) return std::nullopt;
  return held_at(rows);
}

std::optional<Held> find_item(Database& database, ItemNumber folder, std::string_view name) {
  Statement row = database.prepare(
      "SELECT folder, name, item, flags, first, kind, size, seconds, nanos, content, files FROM items "
      "WHERE folder = ? AND name = ?",
      folder, as_bytes(name));
  if (!row.step()) return std::nullopt;
  return held_at(row);
}

void Tip::next_number(ItemNumber folder, FolderNumbers& numbers) {
  if (numbers.last == 0) {
    Statement last = database_.prepare("SELECT max(item), max(flags) FROM items WHERE folder = ?", folder);
    last.step();
    numbers.last = last.integer(0);
    numbers.is_listed = last.integer(1) >= kListed;
  }
  const bool is_first = numbers.last == 0;
  if (!is_first && ++numbers.last % kBlock != 0) return;
  {
    // The highest of all: what is in a folder has a block behind the one that the folder is in.
    Statement block = database_.prepare("INSERT INTO blocks (folder) VALUES (?) RETURNING number", folder);
    block.step();
    numbers.last = block.integer(0) * kBlock;
  }
  if (is_first || numbers.is_listed) return;
  database_.prepare("UPDATE items SET flags = flags | 2 WHERE folder = ?", folder).run();
  numbers.is_listed = true;
}

void Tip::insert(Held& held, const std::optional<Row>& row, bool is_folder, FolderNumbers& numbers) {
  next_number(held.folder, numbers);
  held.item = numbers.last;
  held.flags = (is_folder ? kWasFolder : 0) | (numbers.is_listed ? kListed : 0);
  held.row = row;
  held.first = number_;
  const Columns columns(row);
  database_
      .prepare(
          "INSERT INTO items (folder, name, item, flags, first, kind, size, seconds, nanos, content, files) "
          "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
          held.folder, as_bytes(held.name), held.item, held.flags,
          row ? std::optional(number_) : std::nullopt, columns.kind, columns.size, columns.seconds,
          columns.nanos, columns.content, columns.files)
      .run();
}

void Tip::put(Held& held, const std::optional<Row>& row, bool is_folder) {
  if (held.row == row) return;
  if (held.row && held.first < number_) {
    const Columns old(held.row);
    database_
        .prepare(
            "INSERT INTO versions (item, first, last, kind, size, seconds, nanos, content, files) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            held.item, held.first, number_ - 1, old.kind, old.size, old.seconds, old.nanos, old.content,
            old.files)
        .run();
  }
  held.row = row;
  held.first = number_;
  const Columns columns(row);
  // Others may have listed it since it was read.
  database_
      .prepare(
          "UPDATE items SET flags = flags | ?, first = ?, kind = ?, size = ?, seconds = ?, nanos = ?, "
          "content = ?, files = ? WHERE folder = ? AND name = ?",
          is_folder ? kWasFolder : 0, row ? std::optional(number_) : std::nullopt, columns.kind, columns.size,
          columns.seconds, columns.nanos, columns.content, columns.files, held.folder, as_bytes(held.name))
      .run();
}

void Tip::close_parts(ItemNumber item) {
  database_.prepare("DELETE FROM parts WHERE item = ? AND first = ? AND last IS NULL", item, number_).run();
  database_.prepare("UPDATE parts SET last = ? WHERE item = ? AND last IS NULL", number_ - 1, item).run();
}

void Tip::add_part(ItemNumber item, BlobPrefix blob, std::uint64_t bytes) {
  // The one that has just been closed goes on. Whether it is stored is another part.
  const std::int64_t opened =
      database_
          .prepare(
              "UPDATE parts SET last = NULL, length = ?1 WHERE item = ?2 AND blob = ?3 "
              "AND (last IS NULL OR last = ?4) AND (length > 0) = (?1 > 0)",
              bytes, item, blob, number_ - 1)
          .run();
  if (opened > 0) return;
  database_
      .prepare(
          "INSERT INTO parts (item, blob, first, last, length) VALUES (?, ?, ?, NULL, ?) "
          "ON CONFLICT (item, blob, first) DO UPDATE SET length = max(length, excluded.length)",
          item, blob, number_, bytes)
      .run();
}

}  // namespace garner::catalog
