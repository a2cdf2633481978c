// What a history is asked.
#include <algorithm>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "base/bytes.h"
#include "base/error.h"
#include "catalog/history/history.h"
#include "catalog/history/rows.h"
#include "catalog/history/schema.h"
#include "catalog/history/tip.h"

namespace garner::catalog {
namespace {

std::optional<std::int64_t> last_at(const Statement& statement, int column) {
  return statement.is_null(column) ? std::nullopt : std::optional(statement.integer(column));
}

// Of everything: what stands there now is open. Columns: item, first, last, kind, size, content.
constexpr const char* kAllVersions =
    "SELECT item, first, NULL, kind, size, content FROM items WHERE first IS NOT NULL UNION ALL "
    "SELECT item, first, last, kind, size, content FROM versions";
constexpr const char* kAllParts = "SELECT item, first, last, blob, length FROM parts";

}  // namespace

std::vector<Item> History::items(ItemNumber folder, std::string_view after, std::size_t most) {
  const auto lock = database_->lock();
  std::vector<Item> found;
  Statement rows = database_->prepare(
      "SELECT item, name, flags FROM items WHERE folder = ? AND name > ? ORDER BY name LIMIT ?", folder,
      as_bytes(after), std::uint64_t{most});
  while (rows.step()) {
    found.push_back({rows.integer(0), rows.text(1), (rows.integer(2) & kWasFolder) != 0});
  }
  return found;
}

std::optional<Item> History::item(ItemNumber folder, std::string_view name) {
  const auto lock = database_->lock();
  Statement row = database_->prepare("SELECT item, flags FROM items WHERE folder = ? AND name = ?", folder,
                                     as_bytes(name));
  if (!row.step()) return std::nullopt;
  return Item{row.integer(0), std::string(name), (row.integer(1) & kWasFolder) != 0};
}

std::string History::path_of(ItemNumber item) {
  const auto lock = database_->lock();
  std::vector<std::string> names;  // the innermost first
  while (item != 0) {
    std::optional<Held> held = find_item(*database_, item);
    if (!held) throw Error(ErrorKind::kNotFound, "what stood there has gone from the history");
    names.push_back(std::move(held->name));
    item = held->folder;
  }
  std::string path;
  for (auto name = names.rbegin(); name != names.rend(); ++name) {
    if (!path.empty() && path != "/") path += '/';
    path += *name;
  }
  return path;
}

std::vector<ItemVersion> History::versions(ItemNumber item) {
  const auto lock = database_->lock();
  return versions_with(item, find_item(*database_, item));
}

std::vector<ItemVersion> History::versions(ItemNumber folder, std::string_view name) {
  const auto lock = database_->lock();
  const std::optional<Held> now = find_item(*database_, folder, name);
  return now ? versions_with(now->item, now) : std::vector<ItemVersion>();
}

std::vector<ItemVersion> History::versions_with(ItemNumber item, const std::optional<Held>& now) {
  struct Open {
    std::int64_t first = 0;
    std::optional<std::int64_t> last;
    NodeFacts facts;
  };
  std::vector<Open> all;
  const auto add = [&](std::int64_t first, std::optional<std::int64_t> last, const Row& row) {
    NodeFacts facts = kinds_->facts(row);
    // An update that was cut off may have told of another version, which no snapshot has.
    if (!all.empty() && all.back().last == first - 1 && all.back().facts == facts) {
      all.back().last = last;
    } else {
      all.push_back({first, last, std::move(facts)});
    }
  };
  Statement past = database_->prepare(
      "SELECT first, last, kind, size, seconds, nanos, content, files FROM versions WHERE item = ? ORDER BY "
      "first",
      item);
  while (past.step()) add(past.integer(0), past.integer(1), row_at(past, 2));
  if (now && now->row) add(now->first, std::nullopt, *now->row);

  std::vector<ItemVersion> versions;
  for (Open& one : all) {
    const std::optional<Span> span = clipped(one.first, one.last);
    if (span) versions.push_back({*span, std::move(one.facts)});
  }
  return versions;
}

void History::references(const std::vector<BlobPrefix>& wanted,
                         const std::function<void(const Reference&)>& visit) {
  std::unordered_multimap<BlobPrefix, std::size_t> numbers;
  for (std::size_t number = 0; number < wanted.size(); ++number) numbers.emplace(wanted[number], number);
  const auto lock = database_->lock();
  const auto tell = [&](BlobPrefix blob, const Statement& row) {
    const auto [begin, end] = numbers.equal_range(blob);
    if (begin == end) return;
    const std::optional<Span> span = clipped(row.integer(1), last_at(row, 2));
    if (!span) return;
    for (auto number = begin; number != end; ++number) visit({number->second, row.integer(0), *span});
  };
  const auto has_blobs = [&](std::int64_t kind) {
    const store::v1::NodeType type = kinds_->at(kind).type;
    return type == store::v1::NODE_TYPE_FILE || type == store::v1::NODE_TYPE_FOLDER;
  };
  {
    Statement rows = database_->prepare(kAllVersions);
    while (rows.step()) {
      if (numbers.contains(rows.integer(5)) && has_blobs(rows.integer(3))) tell(rows.integer(5), rows);
    }
  }
  Statement parts = database_->prepare(kAllParts);
  while (parts.step()) tell(parts.integer(3), parts);
}

void History::holdings(const std::function<void(const Holding&)>& visit) {
  const auto lock = database_->lock();
  const auto tell = [&](BlobPrefix blob, std::uint64_t bytes, const Statement& row) {
    const std::optional<Span> span = clipped(row.integer(1), last_at(row, 2));
    if (span) visit({blob, bytes, *span});
  };
  {
    Statement rows = database_->prepare(kAllVersions);
    while (rows.step()) {
      const std::uint64_t bytes = rows.unsigned_integer(4);
      const Kind& kind = kinds_->at(rows.integer(3));
      const bool is_one_blob =
          kind.type == store::v1::NODE_TYPE_FILE && !kind.has(Kind::kHasParts) && bytes > 0;
      if (is_one_blob && !rows.is_null(5)) tell(rows.integer(5), bytes, rows);
    }
  }
  Statement parts = database_->prepare(kAllParts);
  while (parts.step()) {
    const std::uint64_t bytes = parts.unsigned_integer(4);
    if (bytes > 0) tell(parts.integer(3), bytes, parts);
  }
}

std::vector<Gap> History::gaps() {
  const auto lock = database_->lock();
  const std::vector<std::int64_t> unread = kinds_->with(Kind::kUnread);
  std::vector<Gap> gaps;
  if (unread.empty()) return gaps;
  struct Found {
    ItemNumber item = 0;
    Span span;
    bool is_folder = false;
  };
  std::vector<Found> found;
  {
    Statement rows = database_->prepare(kAllVersions);
    while (rows.step()) {
      if (!std::ranges::binary_search(unread, rows.integer(3))) continue;
      const std::optional<Span> span = clipped(rows.integer(1), last_at(rows, 2));
      const bool is_folder = kinds_->at(rows.integer(3)).type == store::v1::NODE_TYPE_FOLDER;
      if (span) found.push_back({rows.integer(0), *span, is_folder});
    }
  }
  for (const Found& one : found) gaps.push_back({path_of(one.item), one.span, one.is_folder});
  return gaps;
}

}  // namespace garner::catalog
