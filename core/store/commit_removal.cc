// Repository: what only a remover commits.
//
// Removal is condemn, delete, drop, each a step that a crash may end. The record that condemns comes first:
// from then on no writer can commit on the names, so that they are garbage whatever happens to their objects.
// Only then are objects deleted, and only when they are gone does a record drop the names. A crash leaves
// condemned names, whose objects are there or not: whoever prunes next deletes them (again) and drops the
// names.
#include <spdlog/spdlog.h>

#include <algorithm>

#include "base/error.h"
#include "store/repository.h"
#include "store/segment_layout.h"

namespace garner::store {

namespace {

std::string short_hex(ByteView id) { return to_hex(id.first(8)); }

const v1::SegmentReference* find_segment(const v1::RepositoryState& state, const ObjectName& name) {
  const auto found = std::ranges::find_if(state.segments(), [&](const v1::SegmentReference& segment) {
    return segment.name() == as_text(name.view());
  });
  return found == state.segments().end() ? nullptr : &*found;
}

// The packs of a segment for which `wanted` says so, as their writer once described them.
void add_packs(ByteView payload, const std::function<bool(const ObjectName&)>& wanted,
               std::vector<FinishedPack>& packs) {
  struct Blob {
    std::uint32_t frame = 0;
    std::uint32_t offset = 0;
    FrameBlob blob;
  };
  const PayloadView view = view_payload(payload);
  std::vector<std::vector<Blob>> blobs(view.packs);
  std::vector<bool> chosen(view.packs);
  for (std::uint32_t number = 0; number < view.packs; ++number)
    chosen[number] = wanted(view.pack(number).name);
  for (std::uint64_t number = 0; number < view.entries; ++number) {
    const EntryRow entry = view.entry(number);
    if (!chosen[entry.pack]) continue;
    blobs[entry.pack].push_back(
        {entry.frame, entry.offset, {entry.id, crypto::BlobKind{entry.kind}, entry.length}});
  }
  for (std::uint32_t number = 0; number < view.packs; ++number) {
    if (!chosen[number]) continue;
    const PackRow row = view.pack(number);
    FinishedPack pack{row.name, PackKind{row.kind}, row.size, {}};
    for (std::uint32_t frame = 0; frame < row.frames; ++frame) {
      const FrameRow place = view.frame(row.first_frame + frame);
      pack.frames.push_back({place.offset, place.stored_length, place.raw_length, {}});
    }
    // Blobs lie one after the other; an empty one comes before what begins at the same place.
    std::sort(blobs[number].begin(), blobs[number].end(), [](const Blob& a, const Blob& b) {
      return std::tie(a.frame, a.offset, a.blob.length) < std::tie(b.frame, b.offset, b.blob.length);
    });
    for (Blob& blob : blobs[number]) pack.frames[blob.frame].blobs.push_back(blob.blob);
    blobs[number].clear();
    packs.push_back(std::move(pack));
  }
}

}  // namespace

bool Repository::may_remove() const {
  const std::shared_ptr<const v1::RepositoryState> newest = state();
  const v1::Writer* own = find_writer(*newest, context_.writer->uuid());
  return own != nullptr && own->role() == v1::ROLE_REMOVE;
}

void Repository::require_remover(const char* who) const {
  if (may_remove()) return;
  throw Error(ErrorKind::kPermissionDenied, "this machine may only add to the repository at " +
                                                context_.destination->describe() + ": " + who);
}

bool Repository::may_store_differences() const {
  return (features_of(*state()).read & kDifferencesFeature) != 0 || may_remove();
}

void Repository::read_whole_log(std::chrono::seconds good_for) {
  std::lock_guard lock(log_mutex_);
  refresh_unless(good_for);
  take_whole_log();
}

bool Repository::take_whole_log() {
  if (whole_log_read_) return true;
  const std::shared_ptr<const v1::RepositoryState> loaded = state();
  v1::RepositoryState replayed = follow(log(), v1::RepositoryState(), loaded->generation());
  const bool is_true = comparable(replayed) == comparable(*loaded);
  whole_log_read_ = true;  // as the cache is to tell
  if (is_true) return true;
  spdlog::warn(
      "{}: the state that was loaded is not the one its records lead to, and was read anew from the records. "
      "Run garner check",
      repository_at(*context_.destination));
  try {
    adopt(std::move(replayed), end_, {});
  } catch (...) {
    whole_log_read_ = false;  // the false one is still the state
    throw;
  }
  return false;
}

void Repository::check_removal(const CommitPlan& plan, const v1::RepositoryState& state) {
  const Removal& removal = plan.removal;
  require_prunable(features_of(state));
  require_remover(
      "snapshots are forgotten, pinned, tagged and pruned by the machine that made the repository");
  for (const crypto::BlobId& id : removal.remove_snapshots) {
    const v1::SnapshotEntry* entry = find_snapshot(state, id.view());
    if (entry != nullptr && entry->pinned()) {
      throw Error(ErrorKind::kConflict, "snapshot " + short_hex(id.view()) + " is pinned: unpin it first");
    }
  }
  for (const ObjectName& name : removal.replace_segments) {
    for (const v1::UnfinishedRoot& root : state.roots()) {
      if (std::ranges::find(root.segments(), as_text(name.view())) != root.segments().end()) {
        throw Error(ErrorKind::kConflict, "segment " + name.hex() + " is of an unfinished run");
      }
    }
  }
}

std::vector<FinishedPack> Repository::packs_of_replaced(const Removal& removal,
                                                        const v1::RepositoryState& state) {
  std::vector<FinishedPack> packs;
  std::set<ObjectName> seen;
  for (const ObjectName& name : removal.replace_segments) {
    const v1::SegmentReference* segment = find_segment(state, name);
    if (segment == nullptr)
      throw Error(ErrorKind::kInternal, "a segment to be replaced is not live: " + name.hex());
    add_packs(
        fetch_segment(*segment),
        [&](const ObjectName& pack) {
          return !removal.drop.contains(pack) && !has_name(state.dead(), pack) && seen.insert(pack).second;
        },
        packs);
  }
  return packs;
}

void Repository::add_removal(const Removal& removal, const v1::RepositoryState& state, Record& record) const {
  v1::RecordBody& body = record.body;
  for (const Uuid& run : removal.remove_roots) {
    if (find_root(state, run.view()) != nullptr) {
      body.add_remove_roots(run.value.data(), run.value.size());
    }
  }
  const auto add = [](std::string* field, ByteView value) { field->assign(as_text(value)); };
  for (const crypto::BlobId& id : removal.unpin) {
    const v1::SnapshotEntry* entry = find_snapshot(state, id.view());
    if (entry != nullptr && entry->pinned()) add(body.add_unpin(), id.view());
  }
  for (const crypto::BlobId& id : removal.pin) {
    const v1::SnapshotEntry* entry = find_snapshot(state, id.view());
    if (entry == nullptr || entry->pinned()) continue;
    add(body.add_pin(), id.view());
    record.features.prune |= kPinsFeature;
  }
  for (const auto& [id, tags] : removal.give_tags) {
    const v1::SnapshotEntry* entry = find_snapshot(state, id.view());
    if (entry != nullptr && !std::ranges::equal(entry->tags(), tags)) give_tags(id, tags, record);
  }
  for (const crypto::BlobId& id : removal.remove_snapshots) {
    if (find_snapshot(state, id.view()) != nullptr) add(body.add_remove_snapshots(), id.view());
  }
  for (const crypto::BlobId& id : removal.mark_recovered) {
    const v1::SnapshotEntry* entry = find_snapshot(state, id.view());
    if (entry == nullptr || entry->recovered()) continue;
    add(body.add_remove_snapshots(), id.view());
    v1::SnapshotEntry& again = *body.add_add_snapshots();
    again = *entry;
    again.set_recovered(true);
    again.set_pinned(false);
    again.clear_tags();
  }
  for (const ObjectName& name : removal.drop) {
    if (has_name(state.condemned(), name)) add(body.add_drop(), name.view());
  }
  for (const ObjectName& name : removal.replace_segments) {
    add(body.add_remove_segments(), name.view());
    add(body.add_condemn(), name.view());
  }
  for (const ObjectName& name : removal.condemn) {
    if (!is_removed(state, name)) add(body.add_condemn(), name.view());
  }
}

}  // namespace garner::store
