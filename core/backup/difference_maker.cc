#include "backup/difference_maker.h"

#include <algorithm>

#include "backup/staging.h"
#include "base/error.h"
#include "snapshot/parse.h"

namespace garner::backup {
namespace {

// So much, raw, is made into differences thoroughly; a run that has more to do hurries.
constexpr std::uint64_t kThoroughDifferences = 64u << 20;
// A file of which so many changed chunks in a row are nothing like what was there before was written anew.
// Many, because after a change that moves a cut several chunks lie across the earlier ones until cuts agree
// again.
constexpr unsigned kMostFailures = 32;

}  // namespace

store::Repository* source_of_differences(const std::vector<store::Repository*>& targets) {
  const bool allowed = std::ranges::all_of(
      targets, [](const store::Repository* target) { return target->may_store_differences(); });
  const auto near = std::ranges::find_if(targets, [](store::Repository* target) { return is_near(*target); });
  return allowed && near != targets.end() ? *near : nullptr;
}

DifferenceMaker::DifferenceMaker(RunContext& context, unsigned lane) : context_(context), lane_(lane) {}

void DifferenceMaker::begin_file(std::uint64_t size) {
  wanted_ = context_.differences != nullptr && size > 0;
  failures_ = 0;
}

std::optional<DifferenceMaker::Made> DifferenceMaker::make(KnownChunks& known, const crypto::BlobId& id,
                                                           std::uint64_t offset, ByteView chunk) {
  if (const KnownChunks::Chunk* same = known.find(id, offset)) {
    return same->difference ? take_over(*same->difference) : std::nullopt;
  }
  if (!wanted_) return std::nullopt;
  const KnownChunks::Chunk* earlier = known.instead_of(offset, chunk.size());
  if (earlier == nullptr || context_.writer.refer(lane_, id)) return std::nullopt;
  std::optional<Made> made =
      make_from(earlier->difference ? earlier->difference->base : earlier->id, id, chunk);
  failures_ = made ? 0 : failures_ + 1;
  if (failures_ == kMostFailures) wanted_ = false;
  return made;
}

// What was a difference before and is the same now stays one, so that its file's node stays what it was.
// Known from the earlier snapshot means nothing: base and patch must be there.
std::optional<DifferenceMaker::Made> DifferenceMaker::take_over(const snapshot::Difference& difference) {
  if (!context_.writer.refer(lane_, difference.base) || !context_.writer.refer(lane_, difference.patch)) {
    return std::nullopt;
  }
  context_.checkpointer.note_difference();
  return Made{difference, 0};
}

std::optional<DifferenceMaker::Made> DifferenceMaker::make_from(const crypto::BlobId& base,
                                                                const crypto::BlobId& id, ByteView chunk) {
  if (!context_.differences->index().find_pack(base)) return std::nullopt;
  const bool thorough = context_.difference_bytes.fetch_add(chunk.size()) < kThoroughDifferences;
  const Bytes before = read_base(base);
  if (before.empty()) return std::nullopt;
  const std::optional<ByteView> patch = codec_.encode(before, chunk, thorough);
  // The run rests on the base before the patch is put: a checkpoint in between may find a patch that nothing
  // refers to, and never a difference without its base.
  if (!patch || !context_.writer.refer(lane_, base)) return std::nullopt;
  const crypto::BlobId patch_id = context_.names.hasher().id(crypto::BlobKind::kData, *patch);
  const store::TargetSet new_to = context_.writer.put(lane_, patch_id, *patch);
  context_.checkpointer.note_difference();
  return Made{{id, base, patch_id}, new_to};
}

// Nothing of it when it cannot be read any more: then the chunk is stored whole.
Bytes DifferenceMaker::read_base(const crypto::BlobId& id) {
  try {
    return context_.differences->read(crypto::BlobKind::kData, id);
  } catch (const Error& error) {
    // A destination that goes away leaves the run, which goes on with the others.
    const bool went_away = error.kind() == ErrorKind::kDestinationAway && context_.targets.size() > 1;
    if (!snapshot::concerns_blob(error) && !went_away) throw;
    return {};
  }
}

}  // namespace garner::backup
