#include "catalog/history/history.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "base/bytes.h"
#include "catalog/history/rows.h"
#include "catalog/history/schema.h"
#include "catalog/history/update.h"

namespace garner::catalog {
namespace {

// That of an update which was cut off goes on, with whatever snapshot.
std::int64_t number_to_read(Database& database, const crypto::BlobId& id) {
  Statement unfinished = database.prepare("SELECT number FROM snapshots WHERE state = ?", kBeingRead);
  if (unfinished.step()) return unfinished.integer(0);
  Transaction transaction(database);
  database.prepare("INSERT INTO snapshots (id, state) VALUES (?, ?)", id.view(), kBeingRead).run();
  transaction.commit();
  Statement last = database.prepare("SELECT max(number) FROM snapshots");
  last.step();
  return last.integer(0);
}

}  // namespace

History::History(const std::string& path)
    : database_(open_history(path)), kinds_(std::make_unique<Kinds>(*database_)) {
  const auto lock = database_->lock();
  Statement rows =
      database_->prepare("SELECT number, id FROM snapshots WHERE state = ? ORDER BY number", kWhole);
  while (rows.step()) known_.push_back({rows.integer(0), crypto::BlobId::from_bytes(rows.blob_view(1))});
}

History::~History() = default;

std::vector<History::Known> History::snapshots() {
  const auto lock = database_->lock();
  return known_;
}

std::vector<Unreadable> History::add(const crypto::BlobId& id, const store::v1::Snapshot& snapshot,
                                     store::BlobSource& source, const LengthOf& length_of,
                                     std::stop_token stop) {
  const std::lock_guard changing(changing_);
  std::int64_t number = 0;
  {
    const auto lock = database_->lock();
    if (std::ranges::find(known_, id, &Known::id) != known_.end()) return {};
    number = number_to_read(*database_, id);
  }
  Update update(*database_, *kinds_, number, source, length_of, std::move(stop));
  std::vector<Unreadable> unreadable = update.run(id, snapshot);
  const auto lock = database_->lock();
  known_.push_back({number, id});
  return unreadable;
}

std::optional<Span> History::clipped(std::int64_t first, std::optional<std::int64_t> last) const {
  const auto begin = std::ranges::lower_bound(known_, first, {}, &Known::number);
  const auto end = last ? std::ranges::upper_bound(known_, *last, {}, &Known::number) : known_.end();
  if (begin >= end) return std::nullopt;
  return Span{begin->number, std::prev(end)->number};
}

History::Size History::size() {
  const auto lock = database_->lock();
  const auto count = [&](const char* sql) {
    Statement row = database_->prepare(sql);
    return row.step() ? row.unsigned_integer(0) : 0;
  };
  Size size;
  size.bytes = count("PRAGMA page_count") * count("PRAGMA page_size");
  size.items = count("SELECT count(*) FROM items");
  size.versions = count("SELECT (SELECT count(*) FROM versions) + (SELECT count(first) FROM items)");
  size.parts = count("SELECT count(*) FROM parts");
  return size;
}

}  // namespace garner::catalog
