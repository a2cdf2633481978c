#include "store/segment_shelf.h"

#include <spdlog/spdlog.h>

#include <utility>
#include <vector>

#include "base/error.h"
#include "base/file.h"
#include "base/stop_scope.h"
#include "store/repository_header.h"
#include "store/segment.h"

namespace garner::store {

namespace {

constexpr std::int64_t kOld = 24 * 3600;      // seconds
constexpr std::chrono::seconds kSendFor{10};  // and what is under way then

// Of a name there is one content: somebody else may have put it.
void put_at(destination::Destination& place, const std::string& key, ByteView object) {
  try {
    place.put(key, object);
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::kAlreadyExists) throw;
  }
}

// Nothing where it was forgotten meanwhile, or is no good any more.
std::optional<Bytes> read_waiting(const std::string& path) {
  try {
    return read_file(path, kMaximumSegment);
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::kNotFound) spdlog::info("{}", error.what());
    return std::nullopt;
  }
}

// What is wrong with what was asked and not with the place, or is told at once whenever it is asked.
bool says_nothing_of_place(ErrorKind kind) {
  return kind == ErrorKind::kCancelled || kind == ErrorKind::kDestinationFull ||
         kind == ErrorKind::kStateFull || kind == ErrorKind::kWriteFailed;
}

}  // namespace

SegmentShelf::SegmentShelf(FindPlace find, const Uuid& owner, std::string folder, const Clock& clock)
    : find_(std::move(find)), owner_(owner), folder_(std::move(folder)), clock_(clock) {}

std::string SegmentShelf::key_of(const ObjectName& name) const {
  return "indexes/" + owner_.text() + "/" + name.hex();
}

void SegmentShelf::stand_at(const Uuid& repository) {
  const std::lock_guard lock(mutex_);
  if (repository == repository_) return;
  repository_ = repository;
  known_.reset();
  away_since_.reset();
}

bool SegmentShelf::stands() const {
  const std::lock_guard lock(mutex_);
  return !repository_.is_nil();
}

// A folder is looked at each time: what is not mounted must not be written to, for an empty folder is taken
// for a disk that is away, and one with something in it is not.
std::shared_ptr<destination::Destination> SegmentShelf::reach(Wait wait) {
  Uuid repository;
  {
    const std::lock_guard lock(mutex_);
    if (repository_.is_nil() || !find_) return nullptr;
    if (wait == Wait::kShort && away_since_ && clock_.steady() - *away_since_ < kShelfIsAwayFor)
      return nullptr;
    if (known_) return known_;
    repository = repository_;
  }
  std::shared_ptr<destination::Destination> place = find_(repository);
  if (!place) return nullptr;
  if (read_header(*place).repository != repository)
    throw Error(ErrorKind::kForked, "the repository at " + place->describe() + " is another one");
  const std::lock_guard lock(mutex_);
  if (repository == repository_ && asking_costs(*place)) known_ = place;
  return place;
}

// Whether it could be done.
template <typename Work>
bool SegmentShelf::attempt(const char* doing, Wait wait, const Work& work) {
  std::optional<StopScope> scope;
  if (wait == Wait::kShort) scope.emplace(std::stop_token());
  try {
    const std::shared_ptr<destination::Destination> place = reach(wait);
    if (!place) return false;
    work(*place);
    const std::lock_guard lock(mutex_);
    away_since_.reset();
    return true;
  } catch (const Error& error) {
    spdlog::info("{} the index that is kept at another destination: {}", doing, error.what());
    if (says_nothing_of_place(error.kind())) return false;
    const std::lock_guard lock(mutex_);
    known_.reset();
    away_since_ = clock_.steady();
    return false;
  }
}

std::optional<Bytes> SegmentShelf::get(const ObjectName& name) {
  std::optional<Bytes> object;
  attempt("reading", Wait::kShort, [&](destination::Destination& place) {
    try {
      object = place.get_all(key_of(name), kMaximumSegment);
    } catch (const Error& error) {
      if (error.kind() == ErrorKind::kDamaged) {
        place.remove(key_of(name));
      } else if (error.kind() != ErrorKind::kNotFound) {
        throw;
      }
    }
  });
  return object;
}

void SegmentShelf::remove(const ObjectName& name) {
  attempt("removing from", Wait::kShort,
          [&](destination::Destination& place) { place.remove(key_of(name)); });
}

bool SegmentShelf::put(const ObjectName& name, ByteView object) {
  return attempt("writing", Wait::kAsCaller,
                 [&](destination::Destination& place) { put_at(place, key_of(name), object); });
}

// ---- What waits ----

// Whether it is one of this machine's: otherwise what waits would wait for ever.
bool SegmentShelf::has_place() const {
  Uuid repository;
  {
    const std::lock_guard lock(mutex_);
    repository = repository_;
  }
  if (repository.is_nil() || !find_) return false;
  try {
    return find_(repository) != nullptr;
  } catch (const Error&) {
    return true;  // which cannot be opened now
  }
}

void SegmentShelf::keep(const ObjectName& name, ByteView object) {
  if (!has_place()) return;
  try {
    make_folders_durably(folder_);
    replace_file_durably(path_of(name), object);
  } catch (const Error& error) {
    // It is put when somebody misses it there.
    spdlog::info("{}", error.what());
  }
}

std::set<ObjectName> SegmentShelf::waiting() const {
  std::set<ObjectName> names;
  for (const std::string& file : list_names(folder_)) {
    if (const std::optional<ObjectName> name = object_name_in(file)) names.insert(*name);
  }
  return names;
}

void SegmentShelf::keep_only(const std::function<bool(const ObjectName&)>& is_listed) {
  const bool is_wanted = stands();
  try {
    for (const std::string& file : list_names(folder_)) {
      const std::optional<ObjectName> name = object_name_in(file);
      if (!is_wanted || !name || !is_listed(*name)) remove_file(folder_ + "/" + file);
    }
  } catch (const Error& error) {
    spdlog::info("{}", error.what());
  }
}

void SegmentShelf::send() {
  const std::unique_lock sending(sending_, std::try_to_lock);
  if (!sending || !stands()) return;
  try {
    const std::set<ObjectName> names = waiting();
    if (names.empty()) return;
    const auto until = clock_.steady() + kSendFor;
    attempt("writing", Wait::kShort, [&](destination::Destination& place) {
      for (const ObjectName& name : names) {
        if (clock_.steady() > until) return;
        if (const std::optional<Bytes> object = read_waiting(path_of(name))) {
          put_at(place, key_of(name), *object);
          remove_file(path_of(name));
        }
      }
    });
  } catch (const Error& error) {
    spdlog::info("{}", error.what());
  }
}

// ---- Tidying ----

std::optional<std::set<ObjectName>> SegmentShelf::tidy(
    const std::function<bool(const ObjectName&)>& is_listed, TimePoint now) {
  std::set<ObjectName> there;
  const bool done = attempt("tidying", Wait::kAsCaller, [&](destination::Destination& place) {
    const std::string prefix = "indexes/" + owner_.text() + "/";
    std::vector<std::string> old;
    for (const destination::ObjectInfo& object : place.list(prefix)) {
      const std::optional<ObjectName> name = object_name_in(object.key.substr(prefix.size()));
      if (!name) continue;
      if (is_listed(*name)) {
        there.insert(*name);
      } else if (object.modified && object.modified->seconds < now.seconds - kOld) {
        old.push_back(object.key);
      }
    }
    place.remove_all(old);
  });
  return done ? std::optional(std::move(there)) : std::nullopt;
}

}  // namespace garner::store
