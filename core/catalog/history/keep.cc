// Forgetting snapshots, and what only they had.
#include <algorithm>
#include <set>

#include "base/error.h"
#include "catalog/history/history.h"
#include "catalog/history/schema.h"

namespace garner::catalog {
namespace {

constexpr std::int64_t kItemsOfTransaction = 64 * kBlock;
constexpr std::int64_t kFoldersOfTransaction = 256;

void check(const std::stop_token& stop) {
  if (stop.stop_requested()) throw Error(ErrorKind::kCancelled, "forgetting in the history was stopped");
}

// Of these items. What stands there now is what the next snapshot is compared with, and stays.
void remove_past(Database& database, std::int64_t first_item, std::int64_t last_item) {
  const auto lock = database.lock();
  Transaction transaction(database);
  database
      .prepare(
          "DELETE FROM versions WHERE item BETWEEN ? AND ? AND NOT EXISTS "
          "(SELECT 1 FROM snapshots WHERE number BETWEEN first AND last AND state = ?)",
          first_item, last_item, kWhole)
      .run();
  database
      .prepare(
          "DELETE FROM parts WHERE item BETWEEN ? AND ? AND last IS NOT NULL AND NOT EXISTS "
          "(SELECT 1 FROM snapshots WHERE number BETWEEN first AND last AND state = ?)",
          first_item, last_item, kWhole)
      .run();
  transaction.commit();
}

// Folders whose first block is before that one, the last first: what is in a folder has a later block than
// that which the folder itself is in, so a folder comes when those in it are done.
struct FirstBlock {
  std::int64_t number = 0;
  std::int64_t folder = 0;
};
std::vector<FirstBlock> folders_before(Database& database, std::int64_t block) {
  std::vector<FirstBlock> folders;
  Statement rows = database.prepare(
      "SELECT number, folder FROM blocks WHERE number < ? AND NOT EXISTS (SELECT 1 FROM blocks AS earlier "
      "WHERE earlier.folder = blocks.folder AND earlier.number < blocks.number) "
      "ORDER BY number DESC LIMIT ?",
      block, kFoldersOfTransaction);
  while (rows.step()) folders.push_back({rows.integer(0), rows.integer(1)});
  return folders;
}

// Those that stand nowhere any more.
void remove_items(Database& database, std::int64_t folder) {
  const std::int64_t removed =
      database
          .prepare(
              "DELETE FROM items WHERE folder = ? AND first IS NULL AND "
              "NOT EXISTS (SELECT 1 FROM versions WHERE versions.item = items.item) AND "
              "NOT EXISTS (SELECT 1 FROM blocks WHERE blocks.folder = items.item)",
              folder)
          .run();
  if (removed == 0) return;
  database
      .prepare("DELETE FROM blocks WHERE folder = ?1 AND NOT EXISTS (SELECT 1 FROM items WHERE folder = ?1)",
               folder)
      .run();
}

}  // namespace

void History::keep(const std::vector<crypto::BlobId>& listed, std::stop_token stop) {
  const std::lock_guard changing(changing_);
  {
    const std::set<crypto::BlobId> wanted(listed.begin(), listed.end());
    const auto lock = database_->lock();
    Transaction transaction(*database_);
    std::vector<Known> kept;
    for (const Known& known : known_) {
      if (wanted.contains(known.id)) {
        kept.push_back(known);
      } else {
        database_->prepare("UPDATE snapshots SET state = ? WHERE number = ?", kForgotten, known.number).run();
      }
    }
    transaction.commit();
    known_ = std::move(kept);
    // Some may be left from a call that was stopped.
    if (!database_->prepare("SELECT 1 FROM snapshots WHERE state = ?", kForgotten).step()) return;
  }
  remove_forgotten(std::move(stop));
}

void History::remove_forgotten(std::stop_token stop) {
  std::int64_t blocks = 0;
  {
    const auto lock = database_->lock();
    Statement last = database_->prepare("SELECT max(number) FROM blocks");
    if (last.step()) blocks = last.integer(0) + 1;
  }
  for (std::int64_t item = 0; item < blocks * kBlock; item += kItemsOfTransaction) {
    check(stop);
    remove_past(*database_, item, item + kItemsOfTransaction - 1);
  }
  for (std::int64_t before = blocks; before > 0;) {
    check(stop);
    const auto lock = database_->lock();
    Transaction transaction(*database_);
    const std::vector<FirstBlock> folders = folders_before(*database_, before);
    for (const FirstBlock& first : folders) remove_items(*database_, first.folder);
    transaction.commit();
    before = folders.empty() ? 0 : folders.back().number;
  }
  const auto lock = database_->lock();
  database_->prepare("DELETE FROM snapshots WHERE state = ?", kForgotten).run();
  database_->execute("PRAGMA incremental_vacuum");
}

}  // namespace garner::catalog
