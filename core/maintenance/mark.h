// Marking: which blobs anything listed in a state refers to.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <exception>
#include <functional>
#include <mutex>
#include <set>
#include <stop_token>
#include <string>
#include <vector>

#include "crypto/id_set.h"
#include "store/repository.h"

namespace garner::maintenance {

// One bit for each live entry of the index as it was when marking began, and the ids of blobs that were
// committed since. Of a blob that several packs hold one entry is marked, always the same: the others are as
// good as dead. Any thread.
class Marks {
 public:
  explicit Marks(store::Index::Frozen index);

  enum class Outcome { kNew, kMarkedBefore, kUnknown };
  // kUnknown: the index had no live entry of it then.
  Outcome mark(const crypto::BlobId& id);
  // The same for a blob that is not in the index as it was.
  Outcome mark_later(const crypto::BlobId& id);

  bool is_marked(std::uint64_t number) const {
    return (bits_[number / 64].load(std::memory_order_relaxed) >> (number % 64) & 1) != 0;
  }
  bool is_in_use(const crypto::BlobId& id) const;
  // Whether the blob is in use and this pack is the one that is to keep it.
  bool is_kept_in(const crypto::BlobId& id, const store::ObjectName& pack) const;
  const store::Index::Frozen& index() const { return index_; }

  // From now on every pack that holds a blob which is marked for the first time is noted, whichever of its
  // entries is the marked one.
  void note_packs() { noting_ = true; }
  std::set<store::ObjectName> noted_packs() const;

 private:
  const store::Index::Frozen index_;
  std::vector<std::atomic<std::uint64_t>> bits_;
  bool noting_ = false;
  mutable std::mutex mutex_;  // of what follows
  crypto::IdSet later_;
  std::set<store::ObjectName> noted_;
};

// Walks everything that a state's snapshots and unfinished runs refer to. Reads trees and content lists, each
// once, and no data. Memory: the marks, and what is still to be walked. One thread at a time; walks on
// several.
class Marker {
 public:
  // `walked`: told how many trees and lists were read, by any thread; may throw to end the walk.
  Marker(store::Repository& repository, Marks& marks, unsigned threads, std::stop_token stop,
         std::function<void(std::uint64_t)> walked);

  // Marks what the state refers to and earlier calls have not marked. `ignored`: runs whose roots do not
  // count.
  void mark(const store::v1::RepositoryState& state, const std::set<std::string>& ignored = {});

  // Trees, lists and content that are reachable and cannot be read, a line each, with a snapshot that needs
  // them, or trees and lists of an unfinished run. As long as there is one nothing may be condemned.
  const std::vector<std::string>& problems() const { return problems_; }
  // Packs of unfinished runs: they stay as they are.
  const std::set<store::ObjectName>& packs_of_runs() const { return packs_of_runs_; }

 private:
  struct Item {
    crypto::BlobKind kind = crypto::BlobKind::kTree;
    crypto::BlobId id;
    std::uint32_t origin = 0;  // in origins_
  };
  struct Origin {
    std::string name;
    bool is_run = false;  // unfinished
  };
  void seed_snapshot(const store::v1::SnapshotEntry& entry);
  void seed_gaps();
  void seed_root(const store::v1::UnfinishedRoot& root, const store::v1::RepositoryState& state);
  void walk();
  void work();
  void read(const Item& item, std::vector<Item>& found);
  void add_node(const store::v1::Node& node, std::uint32_t origin, std::vector<Item>& found);
  void add_entry(const store::v1::ContentEntry& entry, std::uint32_t origin, std::vector<Item>& found);
  // True if it is to be walked.
  bool take(const Item& item);
  void note_gap(const Item& item);
  void problem(std::uint32_t origin, const std::string& what);

  store::Repository& repository_;
  Marks& marks_;
  const unsigned threads_;
  const std::stop_token stop_;
  const std::function<void(std::uint64_t)> walked_;
  std::set<std::string> known_snapshots_;
  std::set<std::string> known_segments_;
  std::set<store::ObjectName> packs_of_runs_;
  std::vector<Origin> origins_;

  std::mutex mutex_;  // of what follows
  std::condition_variable changed_;
  std::vector<Item> waiting_;
  std::size_t busy_ = 0;
  std::exception_ptr error_;
  std::vector<std::string> problems_;
  std::vector<Item> gaps_;  // what unfinished runs refer to, and was not there yet
  crypto::IdSet gap_ids_;
  std::atomic<std::uint64_t> count_ = 0;
};

}  // namespace garner::maintenance
