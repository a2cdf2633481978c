// Repository: where its index is read from.
//
// The index is always written to the destination, and in addition to the shelf that the state names, in this
// order: packs, segment at the destination, record, segment in a folder of this machine, segment on the
// shelf. The last is done when the commit is over and nobody waits for the log, and as long as it is not done
// the segment is read at the destination. A crash before the last two leaves the shelf without it until
// somebody misses it there.
#include <spdlog/spdlog.h>

#include <set>

#include "base/error.h"
#include "store/repository.h"

namespace garner::store {

namespace {

bool has_whole_segment(const v1::RepositoryState& state, const ObjectName& name) {
  const std::string_view key = as_text(name.view());
  const auto place = std::lower_bound(
      state.segments().begin(), state.segments().end(), key,
      [](const v1::SegmentReference& segment, std::string_view value) { return segment.name() < value; });
  return place != state.segments().end() && place->name() == key && place->inlined().empty();
}

}  // namespace

// Before the tables are brought up to date.
void Repository::turn_to_index_of(const v1::RepositoryState& state) {
  const IndexSource source = parse_index_source(state.index_from());
  shelf_.stand_at(source.kind == IndexSource::Kind::kShelf ? source.repository : Uuid());
  // What an earlier process had is not trusted.
  if (source.kind == IndexSource::Kind::kSelf && this->state()->generation() == 0) index_.forget();
}

Bytes Repository::fetch_segment(const v1::SegmentReference& segment) {
  const ObjectName name = ObjectName::from_bytes(as_bytes(segment.name()));
  const std::string what =
      "the repository at " + context_.destination->describe() + ": index segment " + name.hex();
  const bool is_inlined = !segment.inlined().empty();
  if (!is_inlined) {
    if (const std::optional<Bytes> object = shelf_.get(name)) {
      try {
        return open_segment(name, *object, keyring(), header_.repository);
      } catch (const Error& error) {
        spdlog::warn("{}, as it is kept at another destination: {}", what, error.what());
        // A key that this machine lacks is no fault of what is there.
        if (error.kind() == ErrorKind::kDamaged) shelf_.remove(name);
      }
    }
  }
  try {
    const Bytes object = is_inlined ? Bytes(segment.inlined().begin(), segment.inlined().end())
                                    : context_.destination->get_all(segment_key(name), kMaximumSegment);
    Bytes payload = open_segment(name, object, keyring(), header_.repository);
    if (!is_inlined) shelf_.keep(name, object);
    return payload;
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::kNotFound) {
      throw Error(ErrorKind::kDamaged, what + " is missing: run garner repair");
    }
    throw error.in(what);
  }
}

// Of what waits for the shelf.
void Repository::forget_waiting_segments() {
  const std::shared_ptr<const v1::RepositoryState> newest = state();
  shelf_.keep_only([&](const ObjectName& name) { return has_whole_segment(*newest, name); });
}

bool Repository::tidy_shelf() {
  if (!shelf_.stands()) return true;
  const std::shared_ptr<const v1::RepositoryState> newest = state();
  const auto there = shelf_.tidy([&](const ObjectName& name) { return has_whole_segment(*newest, name); },
                                 context_.clock->now());
  if (!there) return false;
  for (const v1::SegmentReference& segment : newest->segments()) {
    const ObjectName name = ObjectName::from_bytes(as_bytes(segment.name()));
    if (!segment.inlined().empty() || there->contains(name)) continue;
    Bytes object;
    try {
      object = context_.destination->get_all(segment_key(name), kMaximumSegment);
    } catch (const Error& error) {
      if (error.kind() == ErrorKind::kNotFound) continue;  // replaced meanwhile; check tells it otherwise
      throw;
    }
    open_segment(name, object, keyring(), header_.repository);
    if (!shelf_.put(name, object)) return false;
  }
  return true;
}

// ---- What others have added ----

std::optional<Growth> Repository::growth() const {
  std::lock_guard lock(state_mutex_);
  return growth_;
}

// Records of others, as they are read.
void Repository::GrowthCounter::add(const v1::RecordBody& body) {
  if (body.writer() == own_) return;
  ++growth.records;
  growth.segments += static_cast<std::uint64_t>(body.add_segments_size());
  growth.snapshots += static_cast<std::uint64_t>(body.add_snapshots_size());
  writers_.insert(body.writer());
}

void Repository::note_growth(const GrowthCounter& counter) {
  if (counter.growth.records == 0) return;
  Growth growth = counter.growth;
  growth.time = context_.clock->now();
  const std::shared_ptr<const v1::RepositoryState> newest = state();
  std::string names;
  for (const std::string& writer : counter.writers()) {
    const Uuid uuid = Uuid::from_bytes(as_bytes(writer));
    const v1::Writer* const entry = find_writer(*newest, uuid);
    growth.hosts.push_back(entry != nullptr && !entry->host().empty() ? entry->host() : uuid.text());
    names += (names.empty() ? "" : ", ") + printable(growth.hosts.back());
  }
  spdlog::info("the repository at {} has grown by {} records of {}: {} snapshots, {} index segments",
               context_.destination->describe(), growth.records, names, growth.snapshots, growth.segments);
  std::lock_guard lock(state_mutex_);
  growth_ = std::move(growth);
}

}  // namespace garner::store
