#include "maintenance/pack_facts.h"

#include <algorithm>
#include <optional>

#include "base/bytes.h"
#include "base/error.h"
#include "crypto/hash.h"
#include "maintenance/damage.h"
#include "store/segment.h"
#include "store/segment_layout.h"

namespace garner::maintenance {
namespace {

void add_segment(const store::PayloadView& payload, const store::Index& index, PackTable& packs) {
  std::vector<std::optional<PackFacts>> facts(payload.packs);  // of live ones
  for (std::uint32_t number = 0; number < payload.packs; ++number) {
    const store::PackRow row = payload.pack(number);
    if (!index.is_live(row.name)) continue;
    facts[number].emplace();
    facts[number]->size = row.size;
    facts[number]->kind = static_cast<store::PackKind>(row.kind);
  }
  for (std::uint64_t number = 0; number < payload.entries; ++number) {
    const store::EntryRow entry = payload.entry(number);
    if (!facts[entry.pack]) continue;
    const store::FrameRow frame = payload.frame(payload.pack(entry.pack).first_frame + entry.frame);
    facts[entry.pack]->locations.add(entry.id, static_cast<crypto::BlobKind>(entry.kind), frame.offset,
                                     frame.stored_length, frame.raw_length, entry.offset, entry.length);
  }
  packs.reserve(packs.size() + payload.packs);
  for (std::uint32_t number = 0; number < payload.packs; ++number) {
    if (!facts[number]) continue;
    const auto [entry, is_new] = packs.try_emplace(payload.pack(number).name, *facts[number]);
    if (!is_new && !(entry->second == *facts[number])) entry->second.disputed = true;
  }
}

// Brings the repository up to date; false where that cannot be done.
bool catch_up(store::Repository& repository) {
  try {
    repository.refresh();
    return true;
  } catch (const Error& error) {
    if (!is_damage(error)) throw;
    return false;
  }
}

}  // namespace

bool is_still_live(store::Repository& repository, const store::ObjectName& pack) {
  return !catch_up(repository) || repository.index().is_live(pack);
}

bool is_still_listed(store::Repository& repository, const crypto::BlobId& snapshot) {
  return !catch_up(repository) || store::find_snapshot(*repository.state(), snapshot.view()) != nullptr;
}

void LocationSum::add(const crypto::BlobId& id, crypto::BlobKind kind, std::uint64_t frame_offset,
                      std::uint32_t stored_length, std::uint32_t raw_length, std::uint32_t offset,
                      std::uint32_t length) {
  ByteWriter writer;
  writer.bytes(id.view());
  writer.u8(static_cast<std::uint8_t>(kind));
  writer.u64(frame_offset);
  writer.u32(stored_length);
  writer.u32(raw_length);
  writer.u32(offset);
  writer.u32(length);
  const crypto::Digest digest = crypto::hash(writer.data());
  sum_ += ByteReader(digest).u64();
  ++count_;
}

Bytes read_segment(store::Repository& repository, const store::v1::SegmentReference& segment) {
  const auto name = store::ObjectName::from_bytes(as_bytes(segment.name()));
  const std::string& inlined = segment.inlined();
  const Bytes object =
      inlined.empty() ? repository.destination().get_all(store::segment_key(name), store::kMaximumSegment)
                      : Bytes(inlined.begin(), inlined.end());
  return store::open_segment(name, object, repository.keyring(), repository.header().repository);
}

PackTable read_segments(store::Repository& repository, const store::v1::RepositoryState& state,
                        CheckReport& report) {
  PackTable packs;
  for (const store::v1::SegmentReference& segment : state.segments()) {
    report.throw_if_stopped();
    try {
      const Bytes payload = read_segment(repository, segment);
      store::check_segment_payload(payload);
      add_segment(store::view_payload(payload), repository.index(), packs);
      report.add_bytes_read(segment.size());
    } catch (const Error& error) {
      if (!is_damage(error)) throw;
      const auto name = store::ObjectName::from_bytes(as_bytes(segment.name()));
      if (catch_up(repository)) {
        const auto newest = repository.state();
        const bool listed = std::ranges::any_of(
            newest->segments(), [&](const auto& other) { return other.name() == segment.name(); });
        if (!listed) throw SegmentsReplaced();
      }
      report.problem("index segment " + store::segment_key(name) + ": " + error.what() +
                     " (this machine's copy of the index still works; garner repair makes the index again)");
    }
  }
  return packs;
}

}  // namespace garner::maintenance
