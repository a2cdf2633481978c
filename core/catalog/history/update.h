// Reading a snapshot into a history: its trees beside what stands in each place in the number before.
//
// A folder whose tree is the same is passed over unread, and so is all below it. What came, went or changed
// is written as it is met; a folder itself when all that is in it is done.
//
// Transactions are short, so an update that is cut off leaves some folders done and others not. The next one
// may have another snapshot, with a tree that the history had before: so nothing is committed with a folder,
// or a file's parts, half done, unless the row of that, and of each folder above, has lost its content. Such
// a row is like nothing that a snapshot has, and is looked into whatever comes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "catalog/database.h"
#include "catalog/history/history.h"
#include "catalog/history/rows.h"
#include "catalog/history/tip.h"
#include "garner/v1/store.pb.h"
#include "snapshot/tree.h"
#include "store/blob_source.h"

namespace garner::catalog {

// The pages of a folder as they are read. Of one thread.
class NotedPages : public store::BlobSource {
 public:
  explicit NotedPages(store::BlobSource& source) : source_(source) {}
  Bytes read(crypto::BlobKind kind, const crypto::BlobId& id) override;
  // Those that were read since the last call.
  std::vector<BlobPrefix> take() { return std::exchange(pages_, {}); }

 private:
  store::BlobSource& source_;
  std::vector<BlobPrefix> pages_;
};

// Memory: pages of the sixteen innermost folders; those further out are read again when the walk comes back
// to them. One thread at a time, and one Update of a history. The lock of the database is free while trees
// are read, and its transaction open: others see what was written so far, which is of a number that they do
// not look at.
class Update {
 public:
  // All outlive it. `number` is that of the snapshot.
  Update(Database& database, Kinds& kinds, std::int64_t number, store::BlobSource& source,
         const History::LengthOf& length_of, std::stop_token stop);
  Update(const Update&) = delete;
  Update& operator=(const Update&) = delete;
  ~Update();  // what was not committed is taken back

  // Once. When it returns all is committed, and the snapshot is whole. Errors: as History::add().
  std::vector<Unreadable> run(const crypto::BlobId& id, const store::v1::Snapshot& snapshot);

 private:
  // A file or folder that is on its way from one row to the next.
  struct Unfinished {
    Held held;
    std::optional<Row> wanted;  // nothing: it is gone
  };
  // A folder, as a snapshot and the history have it. The one below all is that of the sources.
  struct Level {
    Unfinished self;
    std::size_t path_size = 0;            // of its own path
    std::optional<store::v1::Node> file;  // what stands there now, if that is a file
    std::optional<crypto::BlobId> tree;   // nothing: it is no folder any more
    std::unique_ptr<snapshot::TreeReader> reader;
    std::optional<snapshot::NamedNode> node;  // the next one
    bool has_ended = false;
    std::vector<Held> page;  // of the history
    std::size_t next = 0;
    bool is_last_page = false;
    std::string done;  // the last name that is
    FolderNumbers numbers;
    bool is_unread = false;         // from some name on
    bool has_unread_below = false;  // or in the content of a file
  };

  std::unique_lock<std::recursive_mutex> writing();
  void commit();
  void count_step();

  void step();
  const snapshot::NamedNode* next_node(Level& level);
  void read_node(Level& level);
  Held* next_held(Level& level);
  void visit(Held held, std::optional<snapshot::NamedNode> named);
  void enter(Level level);
  void leave();
  void settle(Held& held, const std::optional<Row>& row);
  void settle_file(Held held, Row row, const store::v1::Node& file);
  void tell_unreadable(const Error& error);

  Database& database_;
  Kinds& kinds_;
  Tip tip_;
  const std::int64_t number_;
  NotedPages source_;
  const History::LengthOf& length_of_;
  const std::stop_token stop_;

  std::vector<snapshot::NamedNode> sources_;  // in the order of their paths, which are their names here
  std::size_t next_source_ = 0;
  std::vector<Level> levels_;
  std::optional<Unfinished> file_;  // whose content is being read
  std::string path_;
  std::vector<Unreadable> unreadable_;
  std::optional<Transaction> transaction_;
  std::size_t steps_ = 0;
};

}  // namespace garner::catalog
