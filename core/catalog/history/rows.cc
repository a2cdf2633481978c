#include "catalog/history/rows.h"

#include <algorithm>
#include <utility>

#include "base/bytes.h"
#include "base/error.h"

namespace garner::catalog {
namespace {

namespace v1 = store::v1;

std::uint32_t flags_of(const v1::Node& node) {
  std::uint32_t flags = 0;
  if (node.stale()) flags |= Kind::kStale;
  if (node.inconsistent()) flags |= Kind::kInconsistent;
  const auto& content = node.content();
  const bool is_one_blob = content.size() == 1 && content[0].type() == v1::ENTRY_TYPE_BLOB;
  if (!content.empty() && !is_one_blob) flags |= Kind::kHasParts;
  const bool has_difference = std::ranges::any_of(
      content, [](const auto& entry) { return entry.type() == v1::ENTRY_TYPE_DIFFERENCE; });
  if (has_difference) flags |= Kind::kDifferences;
  return flags;
}

}  // namespace

Row row_at(const Statement& statement, int column) {
  Row row;
  row.kind = statement.integer(column);
  row.size = statement.unsigned_integer(column + 1);
  row.mtime = {statement.integer(column + 2), static_cast<std::uint32_t>(statement.integer(column + 3))};
  if (!statement.is_null(column + 4)) row.content = statement.integer(column + 4);
  row.files = statement.unsigned_integer(column + 5);
  return row;
}

void Kinds::load() {
  if (is_loaded_) return;
  Statement rows =
      database_.prepare("SELECT number, type, mode, uid, gid, user, group_name, flags FROM kinds");
  while (rows.step()) {
    const auto number = [&](int column) { return static_cast<std::uint32_t>(rows.integer(column)); };
    Kind kind{static_cast<v1::NodeType>(rows.integer(1)),
              number(2),
              number(3),
              number(4),
              rows.text(5),
              rows.text(6),
              number(7)};
    const auto [place, is_new] = numbers_.emplace(std::move(kind), rows.integer(0));
    kinds_[rows.integer(0)] = &place->first;
  }
  is_loaded_ = true;
}

void Kinds::forget() {
  is_loaded_ = false;
  kinds_.clear();
  numbers_.clear();
}

std::int64_t Kinds::number(const Kind& kind) {
  load();
  if (const auto found = numbers_.find(kind); found != numbers_.end()) return found->second;
  const std::int64_t number = kinds_.empty() ? 1 : kinds_.rbegin()->first + 1;
  database_
      .prepare(
          "INSERT INTO kinds (number, type, mode, uid, gid, user, group_name, flags) "
          "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
          number, static_cast<int>(kind.type), kind.mode, kind.uid, kind.gid, as_bytes(kind.user),
          as_bytes(kind.group), kind.flags)
      .run();
  kinds_[number] = &numbers_.emplace(kind, number).first->first;
  return number;
}

const Kind& Kinds::at(std::int64_t number) {
  load();
  const auto found = kinds_.find(number);
  if (found == kinds_.end()) {
    throw Error(ErrorKind::kDamaged, "the history " + printable(database_.path()) +
                                         " names a kind of file that it does not have: remove it, and it is "
                                         "made again");
  }
  return *found->second;
}

std::vector<std::int64_t> Kinds::with(std::uint32_t flag) {
  load();
  std::vector<std::int64_t> found;
  for (const auto& [number, kind] : kinds_) {
    if (kind->has(flag)) found.push_back(number);
  }
  return found;
}

Row Kinds::row_of(const v1::Node& node, const std::string& user, const std::string& group) {
  NodeFacts facts = facts_of(node, user, group);
  Row row;
  row.kind = number({facts.type, facts.mode, facts.uid, facts.gid, std::move(facts.user),
                     std::move(facts.group), flags_of(node)});
  row.size = facts.size;
  row.mtime = facts.mtime;
  row.content = facts.content;
  row.files = facts.files;
  return row;
}

Row Kinds::with_flag(Row row, std::uint32_t flag) {
  Kind kind = at(row.kind);
  kind.flags |= flag;
  row.kind = number(kind);
  return row;
}

NodeFacts Kinds::facts(const Row& row) {
  const Kind& kind = at(row.kind);
  NodeFacts facts;
  facts.type = kind.type;
  facts.mode = kind.mode;
  facts.uid = kind.uid;
  facts.gid = kind.gid;
  facts.user = kind.user;
  facts.group = kind.group;
  facts.stale = kind.has(Kind::kStale);
  facts.inconsistent = kind.has(Kind::kInconsistent);
  facts.size = row.size;
  facts.mtime = row.mtime;
  facts.content = row.content;
  facts.files = row.files;
  return facts;
}

}  // namespace garner::catalog
