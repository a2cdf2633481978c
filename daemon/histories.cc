#include "histories.h"

#include <malloc.h>
#include <pthread.h>
#include <spdlog/spdlog.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <optional>
#include <set>
#include <string_view>
#include <utility>

#include "base/disk_space.h"
#include "base/file.h"
#include "base/stop_scope.h"
#include "crypto/hash.h"
#include "nearest_source.h"
#include "snapshot/parse.h"

namespace garner::daemon {

namespace {

constexpr std::chrono::milliseconds kLook{5};
constexpr std::chrono::seconds kPause{1};
constexpr int kLastInLine = 19;  // nice
constexpr const char* kUnread =
    "it could not be read when its snapshot was read in: `garner check` tells why";
constexpr std::string_view kSuffix = ".sqlite";
// Of what could not be read, and of what is told of it: a repository may be damaged in many places.
constexpr std::size_t kMostUnread = 100'000;
constexpr std::uint64_t kReadsBetweenLooks = 256;

// What else is in the state folder, runs above all, must go on to be written.
bool has_little_room(const std::string& folder) {
  const std::optional<DiskSpace> space = disk_space(folder);
  return space && space->free < std::min(std::uint64_t{1} << 30, space->total / 20);
}

std::string file_name(const HistoryGroup& group) {
  const crypto::Digest digest = crypto::hash(as_bytes(group.names + group.set));
  return to_hex(ByteView(digest).first(16)) + std::string(kSuffix);
}

void remove_history(const std::string& path) {
  // What was not written back goes first: it must never meet another file.
  for (const char* suffix : {"-wal", "-shm", ""}) remove_file(path + suffix);
}

Error ended() { return {ErrorKind::kCancelled, "reading snapshots in was ended"}; }

using Unread = std::map<crypto::BlobId, Error>;

// Looks at each read whether to go on, and now and then whether there is room. What could not be read once is
// not asked for again: the next snapshots have most of it too.
class EndingSource final : public store::BlobSource {
 public:
  EndingSource(store::BlobSource& source, const Histories::Ends& ends, std::stop_source& stop,
               const std::string& folder, Unread& unread)
      : source_(source), ends_(ends), stop_(stop), folder_(folder), unread_(unread) {}

  Bytes read(crypto::BlobKind kind, const crypto::BlobId& id) override {
    is_full_ = is_full_ || (reads_++ % kReadsBetweenLooks == 0 && has_little_room(folder_));
    if (is_full_ || ends_()) {
      stop_.request_stop();
      throw ended();
    }
    if (const auto known = unread_.find(id); known != unread_.end()) throw Error(known->second);
    try {
      return source_.read(kind, id);
    } catch (const Error& error) {
      if (snapshot::concerns_blob(error) && unread_.size() < kMostUnread) unread_.emplace(id, error);
      throw;
    }
  }
  bool is_full() const { return is_full_; }

 private:
  store::BlobSource& source_;
  const Histories::Ends& ends_;
  std::stop_source& stop_;
  const std::string& folder_;
  Unread& unread_;
  std::uint64_t reads_ = 0;
  bool is_full_ = false;
};

using Repositories = std::vector<std::shared_ptr<store::Repository>>;

Repositories repositories_of(const HistoryRow::Place& place) {
  Repositories all;
  for (const SnapshotCopy& copy : place.snapshot->copies) {
    // Under one id: what is in it has the same names.
    if (copy.id == place.copy->id) all.push_back(copy.repository);
  }
  return all;
}

// Somebody asks.
class Waiting {
 public:
  explicit Waiting(std::atomic<int>& count) : count_(count) { ++count_; }
  Waiting(const Waiting&) = delete;
  Waiting& operator=(const Waiting&) = delete;
  ~Waiting() { --count_; }

 private:
  std::atomic<int>& count_;
};

}  // namespace

struct Histories::Entry {
  std::mutex updating;
  std::atomic<int> waiting = 0;  // how many ask: the background makes way for them
  std::string path;
  // With `updating`:
  std::shared_ptr<catalog::History> history;
  std::optional<std::vector<catalog::Gap>> gaps;  // nothing: not known
  bool is_swept = false;                          // of all that was forgotten
  std::chrono::steady_clock::time_point added{};  // when a snapshot was read in last
};

Histories::Histories(Destinations& destinations, std::string folder, Ends busy)
    : destinations_(destinations), folder_(std::move(folder)), busy_(std::move(busy)) {
  thread_ = std::jthread([this](const std::stop_token& stop) { work(stop); });
}

Histories::~Histories() { stop(); }

std::vector<HistoryRow> Histories::rows(const SnapshotHistory& all, const std::atomic<bool>& cancelled) {
  return rows(all, [&cancelled] { return cancelled.load(); });
}

std::vector<HistoryRow> Histories::rows(const SnapshotHistory& all, const Ends& cancelled) {
  return rows_of(group_snapshots(all), all, cancelled);
}

std::vector<HistoryRow> Histories::known_rows(const SnapshotHistory& all, const Ends& cancelled) {
  std::vector<HistoryGroup> groups = group_snapshots(all);
  for (HistoryGroup& group : groups) group.reads_in = false;
  return rows_of(std::move(groups), all, cancelled);
}

std::vector<HistoryRow> Histories::rows_of(std::vector<HistoryGroup> groups, const SnapshotHistory& all,
                                           const Ends& cancelled) {
  const auto entries = entries_of(groups, all);
  std::vector<HistoryRow> rows;
  for (std::size_t i = 0; i < groups.size(); ++i) {
    if (groups[i].row.places.empty()) continue;
    const Waiting waiting(entries[i]->waiting);
    bring_up(*entries[i], groups[i], all, cancelled);
    rows.push_back(std::move(groups[i].row));
  }
  return rows;
}

// Also removes the files of histories that have no snapshot any more.
std::vector<std::shared_ptr<Histories::Entry>> Histories::entries_of(const std::vector<HistoryGroup>& groups,
                                                                     const SnapshotHistory& all) {
  make_folders_durably(folder_);
  const std::lock_guard lock(mutex_);
  std::vector<std::shared_ptr<Entry>> found;
  std::set<std::string> used;
  for (const HistoryGroup& group : groups) {
    const std::string name = file_name(group);
    used.insert(name);
    std::shared_ptr<Entry>& entry = entries_[name];
    if (!entry) {
      entry = std::make_shared<Entry>();
      entry->path = folder_ + "/" + name;
      made_ = destinations_.context().clock.steady();
    }
    found.push_back(entry);
  }
  // What is listed at a destination that is away is not gone, nor what has come since the listing began.
  if (!all.trouble.empty() || all.listed < made_) return found;
  std::erase_if(entries_, [&](const auto& one) { return !used.contains(one.first); });
  for (const std::string& name : list_names(folder_)) {
    if (name.ends_with(kSuffix) && !used.contains(name)) remove_history(folder_ + "/" + name);
  }
  return found;
}

// ---- Reading in ----

void Histories::bring_up(Entry& entry, HistoryGroup& group, const SnapshotHistory& all, const Ends& ends) {
  // Not a std::timed_mutex: the thread sanitizer of GCC 12 does not see those being locked.
  std::unique_lock lock(entry.updating, std::try_to_lock);
  while (!lock) {
    if (ends()) throw ended();
    std::this_thread::sleep_for(kLook);
    (void)lock.try_lock();
  }
  try {
    read_in(entry, group, all, ends);
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::kDamaged) throw;
    spdlog::warn("{}; it is made anew", error.what());
    group.row.history.reset();
    entry.history.reset();
    remove_history(entry.path);
    read_in(entry, group, all, ends);
  }
}

std::shared_ptr<catalog::History> Histories::opened(Entry& entry) {
  // It may have been removed.
  if (entry.history && access(entry.path.c_str(), F_OK) != 0) {
    entry.history.reset();
    remove_history(entry.path);
  }
  if (!entry.history) {
    entry.gaps.reset();
    entry.is_swept = false;
    entry.history = std::make_shared<catalog::History>(entry.path);
  }
  return entry.history;
}

void Histories::read_in(Entry& entry, HistoryGroup& group, const SnapshotHistory& all, const Ends& ends) {
  HistoryRow& row = group.row;
  row.gaps.clear();
  std::stop_source stop;
  const std::stop_callback bridge(StopScope::current(), [&stop] { stop.request_stop(); });
  if (ends()) throw ended();
  row.history = opened(entry);

  std::map<crypto::BlobId, std::int64_t> numbers;
  const auto look = [&] {
    numbers.clear();
    for (const catalog::History::Known& known : row.history->snapshots()) numbers[known.id] = known.number;
  };
  const auto is_listed = [&](const auto& one) {
    return std::binary_search(group.listed.begin(), group.listed.end(), one.first);
  };
  look();
  const bool has_all = std::all_of(numbers.begin(), numbers.end(), is_listed);
  if (group.reads_in && (!has_all || !entry.is_swept) && all.trouble.empty() && all.listed >= entry.added) {
    entry.is_swept = false;
    row.history->keep(group.listed, stop.get_token());
    entry.is_swept = true;
    look();
    entry.gaps.reset();
  }

  std::map<Repositories, std::string> away;     // why nothing could be read there
  std::map<Repositories, Unread> unread_blobs;  // elsewhere they may be whole
  std::int64_t unread = 0;
  bool is_new = false;
  for (HistoryRow::Place& place : row.places) {
    const crypto::BlobId id = id_of(*place.copy);
    place.number = 0;
    if (numbers.contains(id)) continue;
    if (!group.reads_in) {
      place.number = --unread;
      continue;
    }
    Repositories repositories = repositories_of(place);
    auto known = away.find(repositories);
    if (known == away.end()) {
      NearestSource nearest(repositories);
      EndingSource source(nearest, ends, stop, folder_, unread_blobs[repositories]);
      const auto length_of = [&nearest](const crypto::BlobId& data) { return nearest.length_of(data); };
      try {
        const auto unreadable =
            row.history->add(id, *place.copy->snapshot, source, length_of, stop.get_token());
        if (!unreadable.empty()) {
          spdlog::warn("snapshot {}: {} folders or files cannot be read, the first is {}: {}", place.copy->id,
                       unreadable.size(), printable(unreadable[0].path), unreadable[0].message);
        }
        entry.added = destinations_.context().clock.steady();
        entry.gaps.reset();
        is_new = true;
        continue;
      } catch (const Error& error) {
        if (source.is_full()) {
          throw Error(ErrorKind::kStateFull,
                      "the file system of " + printable(folder_) +
                          " is nearly full, so what is in the snapshots is not noted there: make room on it");
        }
        if (error.kind() != ErrorKind::kDestinationAway) throw;
        known = away.emplace(std::move(repositories), error.what()).first;
      }
    }
    place.number = --unread;
    row.gaps.push_back({place.number, "/", known->second, true});
  }
  if (is_new) look();
  for (HistoryRow::Place& place : row.places) {
    if (place.number < 0) continue;
    place.number = numbers.at(id_of(*place.copy));
  }
  row.arrange();
  if (!group.wants_gaps) return;
  if (!entry.gaps) entry.gaps = row.history->gaps();
  std::set<std::int64_t> many;  // of these the rest is told as one
  for (const catalog::Gap& gap : *entry.gaps) {
    for (const std::int64_t number : row.in(gap.span)) {
      if (row.gaps.size() < kMostUnread) {
        row.gaps.push_back({number, gap.path, kUnread, gap.is_folder});
      } else if (many.insert(number).second) {
        row.gaps.push_back({number, "/", kUnread, true});
      }
    }
  }
}

Error Histories::let_go(const HistoryRow& row, const Error& damage) {
  spdlog::warn("{}; it is made anew", damage.what());
  std::vector<std::shared_ptr<Entry>> entries;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [name, entry] : entries_) entries.push_back(entry);
  }
  for (const auto& entry : entries) {
    // Who is at it finds the same, and makes it anew himself.
    const std::unique_lock lock(entry->updating, std::try_to_lock);
    if (!lock || entry->history != row.history) continue;
    entry->history.reset();
    remove_history(entry->path);
  }
  return {ErrorKind::kConflict, "what this machine had noted of the snapshots of " + printable(row.set) +
                                    " was damaged, and is made anew from the destinations: ask once more"};
}

// ---- In the background ----

void Histories::update_soon() {
  {
    const std::lock_guard lock(mutex_);
    wanted_ = true;
  }
  wake_.notify_all();
}

void Histories::stop() {
  thread_.request_stop();
  if (thread_.joinable()) thread_.join();
}

void Histories::work(const std::stop_token& stop) {
  const StopScope scope(stop);
  // Seen by who looks at what the daemon's threads cost.
  (void)pthread_setname_np(pthread_self(), "history");
  // Of this thread alone, as Linux has it. Without it, it is one like the others.
  (void)setpriority(PRIO_PROCESS, 0, kLastInLine);
  std::unique_lock lock(mutex_);
  while (wake_.wait(lock, stop, [this] { return wanted_; }) && !stop.stop_requested()) {
    lock.unlock();
    bool done = false;
    if (!busy_ || !busy_()) {
      lock.lock();
      wanted_ = false;
      lock.unlock();
      done = update(stop);
    }
    lock.lock();
    if (done) continue;
    // It goes on when nobody else is at it any more.
    wanted_ = true;
    wake_.wait_for(lock, stop, kPause, [] { return false; });
  }
}

// False where it made way.
bool Histories::update(const std::stop_token& stop) {
  std::string trouble;
  bool made_way = false;
  try {
    const SnapshotHistory all = known_history(destinations_);
    std::vector<HistoryGroup> groups = group_snapshots(all);
    const auto entries = entries_of(groups, all);
    for (std::size_t i = 0; i < groups.size() && !made_way; ++i) {
      if (groups[i].row.places.empty()) continue;
      groups[i].wants_gaps = false;
      try {
        bring_up(*entries[i], groups[i], all,
                 [&] { return stop.stop_requested() || entries[i]->waiting > 0 || (busy_ && busy_()); });
      } catch (const Error& error) {
        if (error.kind() == ErrorKind::kCancelled) {
          made_way = true;
        } else {
          trouble = error.what();  // of this set; the others go on
        }
      }
    }
  } catch (const std::exception& error) {
    trouble = error.what();
  }
  // What it took is worth more to others now.
  malloc_trim(0);
  // A disk that is full is so after each run.
  if (!trouble.empty() && trouble != trouble_) spdlog::warn("reading snapshots in: {}", trouble);
  trouble_ = trouble;
  return !made_way;
}

}  // namespace garner::daemon
