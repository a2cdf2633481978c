// What a row of a history has of a node, and how kinds of nodes are numbered.
//
// Callers hold the lock of the database.
#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "catalog/database.h"
#include "catalog/history/history.h"
#include "garner/v1/store.pb.h"

namespace garner::catalog {

// What many nodes have alike.
struct Kind {
  // Bits of `flags`.
  static constexpr std::uint32_t kStale = 1;
  static constexpr std::uint32_t kInconsistent = 2;
  static constexpr std::uint32_t kHasParts = 4;     // a file: its content is not one data blob
  static constexpr std::uint32_t kDifferences = 8;  // a file: of its own entries one is a difference
  static constexpr std::uint32_t kUnread = 16;      // its tree, or a list of its content, could not be read

  store::v1::NodeType type = store::v1::NODE_TYPE_UNSPECIFIED;
  std::uint32_t mode = 0;
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  std::string user;
  std::string group;
  std::uint32_t flags = 0;

  auto operator<=>(const Kind&) const = default;
  bool has(std::uint32_t flag) const { return (flags & flag) != 0; }
};

struct Row {
  std::int64_t kind = 0;
  std::uint64_t size = 0;
  TimePoint mtime;
  std::optional<BlobPrefix> content;
  std::uint64_t files = 0;  // below a folder

  bool operator==(const Row&) const = default;
};
// Of the columns kind, size, seconds, nanos, content, files, from that one on.
Row row_at(const Statement& statement, int column);

// All kinds are in memory: a few for each owner.
class Kinds {
 public:
  // `database` outlives it.
  explicit Kinds(Database& database) : database_(database) {}

  // The number of an equal one, which is inserted at need.
  std::int64_t number(const Kind& kind);
  // Error(kDamaged) for a number that has none.
  const Kind& at(std::int64_t number);
  bool is_folder(const Row& row) { return at(row.kind).type == store::v1::NODE_TYPE_FOLDER; }
  // Those that have the flag, ascending.
  std::vector<std::int64_t> with(std::uint32_t flag);
  // After a rollback: what was inserted may be gone.
  void forget();

  Row row_of(const store::v1::Node& node, const std::string& user, const std::string& group);
  Row with_flag(Row row, std::uint32_t flag);
  NodeFacts facts(const Row& row);

 private:
  void load();

  Database& database_;
  bool is_loaded_ = false;
  std::map<Kind, std::int64_t> numbers_;
  std::map<std::int64_t, const Kind*> kinds_;  // keys of `numbers_`
};

}  // namespace garner::catalog
