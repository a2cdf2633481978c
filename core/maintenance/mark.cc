#include "maintenance/mark.h"

#include <algorithm>
#include <thread>
#include <utility>

#include "base/bytes.h"
#include "base/error.h"
#include "base/log_context.h"
#include "base/stop_scope.h"
#include "maintenance/pack_facts.h"
#include "snapshot/content_list.h"
#include "snapshot/parse.h"
#include "store/segment_layout.h"

namespace garner::maintenance {
namespace {

namespace v1 = store::v1;

constexpr std::size_t kMostProblems = 1000;

}  // namespace

// ---- Marks ----

Marks::Marks(store::Index::Frozen index) : index_(std::move(index)), bits_((index_.size() + 63) / 64) {}

Marks::Outcome Marks::mark(const crypto::BlobId& id) {
  const std::optional<std::uint64_t> number = index_.number(id);
  if (!number) return Outcome::kUnknown;
  const std::uint64_t bit = std::uint64_t{1} << (*number % 64);
  if ((bits_[*number / 64].fetch_or(bit, std::memory_order_relaxed) & bit) != 0)
    return Outcome::kMarkedBefore;
  if (noting_) {
    const std::vector<store::ObjectName> packs = index_.packs(id);
    std::lock_guard lock(mutex_);
    noted_.insert(packs.begin(), packs.end());
  }
  return Outcome::kNew;
}

Marks::Outcome Marks::mark_later(const crypto::BlobId& id) {
  std::lock_guard lock(mutex_);
  return later_.insert(id) ? Outcome::kNew : Outcome::kMarkedBefore;
}

bool Marks::is_in_use(const crypto::BlobId& id) const {
  const std::optional<std::uint64_t> number = index_.number(id);
  if (number) return is_marked(*number);
  std::lock_guard lock(mutex_);
  return later_.contains(id);
}

bool Marks::is_kept_in(const crypto::BlobId& id, const store::ObjectName& pack) const {
  const std::optional<std::uint64_t> number = index_.number(id);
  return number && is_marked(*number) && index_.pack(id) == pack;
}

std::set<store::ObjectName> Marks::noted_packs() const {
  std::lock_guard lock(mutex_);
  return noted_;
}

// ---- Marker ----

Marker::Marker(store::Repository& repository, Marks& marks, unsigned threads, std::stop_token stop,
               std::function<void(std::uint64_t)> walked)
    : repository_(repository),
      marks_(marks),
      threads_(threads > 0 ? threads : std::max(1u, std::thread::hardware_concurrency())),
      stop_(std::move(stop)),
      walked_(std::move(walked)) {}

void Marker::mark(const v1::RepositoryState& state, const std::set<std::string>& ignored) {
  for (const v1::SnapshotEntry& entry : state.snapshots()) {
    if (known_snapshots_.insert(entry.id()).second) seed_snapshot(entry);
  }
  // To the end, before what unfinished runs have is looked at: what they share is held against snapshots.
  walk();
  seed_gaps();
  for (const v1::UnfinishedRoot& root : state.roots()) {
    if (!ignored.contains(root.run())) seed_root(root, state);
  }
  walk();
}

void Marker::seed_snapshot(const v1::SnapshotEntry& entry) {
  const auto origin = static_cast<std::uint32_t>(origins_.size());
  origins_.push_back(
      {"snapshot " + to_hex(as_bytes(entry.id())).substr(0, 8) + " (" + entry.snapshot().set().name() + ")",
       false});
  // Its own blob, if a pack has it already.
  marks_.mark(crypto::BlobId::from_bytes(as_bytes(entry.id())));
  std::vector<Item> found;
  for (const v1::Source& source : entry.snapshot().sources()) add_node(source.root(), origin, found);
  waiting_.insert(waiting_.end(), found.begin(), found.end());
}

// Everything in the segments that the run has committed counts, and what the trees and lists among it refer
// to, as far as it is there: the run is still about to give the rest, or has given more than its snapshot
// needs (a fill hands whole frames on). Its snapshot will be committed only when all is there that it refers
// to.
void Marker::seed_root(const v1::UnfinishedRoot& root, const v1::RepositoryState& state) {
  for (const v1::SegmentReference& segment : state.segments()) {
    if (std::ranges::find(root.segments(), segment.name()) == root.segments().end()) continue;
    if (!known_segments_.insert(segment.name()).second) continue;
    const auto origin = static_cast<std::uint32_t>(origins_.size());
    origins_.push_back({"the unfinished run " + Uuid::from_bytes(as_bytes(root.run())).text(), true});
    const Bytes payload = read_segment(repository_, segment);
    const store::PayloadView view = store::view_payload(payload);
    for (std::uint32_t number = 0; number < view.packs; ++number)
      packs_of_runs_.insert(view.pack(number).name);
    for (std::uint64_t number = 0; number < view.entries; ++number) {
      const store::EntryRow entry = view.entry(number);
      const Item item{crypto::BlobKind{entry.kind}, entry.id, origin};
      if (take(item)) waiting_.push_back(item);
    }
  }
}

void Marker::walk() {
  std::vector<std::jthread> workers;
  for (unsigned i = 0; i < threads_; ++i) {
    workers.emplace_back(in_log_context([this] {
      const StopScope scope(stop_);
      work();
    }));
  }
  workers.clear();
  if (error_) std::rethrow_exception(std::exchange(error_, nullptr));
}

void Marker::work() {
  std::vector<Item> found;
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [&] { return !waiting_.empty() || busy_ == 0 || error_; });
    if (error_ || waiting_.empty()) break;
    const Item item = waiting_.back();
    waiting_.pop_back();
    ++busy_;
    lock.unlock();
    found.clear();
    std::exception_ptr error;
    try {
      if (stop_.stop_requested()) throw Error(ErrorKind::kCancelled, "the run was stopped");
      read(item, found);
      walked_(++count_);
    } catch (...) {
      error = std::current_exception();
    }
    lock.lock();
    --busy_;
    if (error && !error_) error_ = error;
    waiting_.insert(waiting_.end(), found.begin(), found.end());
    if (!found.empty() || busy_ == 0 || error_) changed_.notify_all();
  }
  changed_.notify_all();
}

void Marker::read(const Item& item, std::vector<Item>& found) {
  try {
    const Bytes blob = repository_.read(item.kind, item.id);
    if (item.kind == crypto::BlobKind::kTree) {
      const snapshot::ParsedPage parsed = snapshot::parse_page(blob);
      for (const v1::Node& node : parsed.page.nodes()) add_node(node, item.origin, found);
      for (const v1::PageReference& page : parsed.page.pages()) {
        const Item child{crypto::BlobKind::kTree, crypto::BlobId::from_bytes(as_bytes(page.id())),
                         item.origin};
        if (take(child)) found.push_back(child);
      }
    } else {
      const v1::ContentList list = snapshot::parse_list(blob);
      for (const v1::ContentEntry& entry : list.entries()) add_entry(entry, item.origin, found);
    }
  } catch (const Error& error) {
    if (!snapshot::concerns_blob(error)) throw;
    problem(item.origin, error.what());
  }
}

void Marker::add_node(const v1::Node& node, std::uint32_t origin, std::vector<Item>& found) {
  if (node.type() == v1::NODE_TYPE_FOLDER) {
    const Item item{crypto::BlobKind::kTree, crypto::BlobId::from_bytes(as_bytes(node.tree())), origin};
    if (take(item)) found.push_back(item);
  }
  for (const v1::ContentEntry& entry : node.content()) add_entry(entry, origin, found);
}

void Marker::add_entry(const v1::ContentEntry& entry, std::uint32_t origin, std::vector<Item>& found) {
  snapshot::for_each_blob_of(entry, [&](crypto::BlobKind kind, const crypto::BlobId& id) {
    const Item item{kind, id, origin};
    if (take(item)) found.push_back(item);
  });
}

bool Marker::take(const Item& item) {
  Marks::Outcome outcome = marks_.mark(item.id);
  if (outcome == Marks::Outcome::kUnknown) {
    if (!repository_.index().find_pack(item.id)) {
      if (origins_[item.origin].is_run) {
        note_gap(item);
      } else {
        problem(item.origin, "a blob is in no pack: " + item.id.hex());
      }
      return false;
    }
    outcome = marks_.mark_later(item.id);
  }
  const bool inner = item.kind == crypto::BlobKind::kTree || item.kind == crypto::BlobKind::kList;
  return inner && outcome == Marks::Outcome::kNew;
}

// Content that comes later is in packs that this prune does not judge. A tree or list that does may lead to
// content in packs that it does judge, and what it stands in is not walked twice.
void Marker::note_gap(const Item& item) {
  if (item.kind != crypto::BlobKind::kTree && item.kind != crypto::BlobKind::kList) return;
  std::lock_guard lock(mutex_);
  if (gap_ids_.insert(item.id)) gaps_.push_back(item);
}

void Marker::seed_gaps() {
  gap_ids_ = {};
  for (const Item& item : std::exchange(gaps_, {})) {
    if (take(item)) waiting_.push_back(item);
  }
}

void Marker::problem(std::uint32_t origin, const std::string& what) {
  std::lock_guard lock(mutex_);
  if (problems_.size() < kMostProblems) problems_.push_back(origins_[origin].name + ": " + what);
}

}  // namespace garner::maintenance
