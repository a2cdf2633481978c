#include "backup/difference_maker.h"

#include "base/error.h"
#include "snapshot/parse.h"

namespace garner::backup {
namespace {

// So much, raw, is made into differences thoroughly; a run that has more to do hurries.
constexpr std::uint64_t kThorough = 64u << 20;
// A file of which so many changed chunks in a row are nothing like what was there before was written anew.
// Many, because after a change that moves a cut several chunks lie across the earlier ones until cuts agree
// again.
constexpr unsigned kMostFailures = 32;

// The one place that decides whether a run makes differences at all. Every few of them take a frame of an
// earlier backup, read from the destination: that must be as quick as reading the source, so the destination
// is to be in this machine's file system, which is what a staging folder tells. A remote one has none, and
// takes chunks whole.
bool may_make_differences(store::Repository& repository) {
  return repository.may_store_differences() && repository.destination().staging_folder().has_value();
}

}  // namespace

DifferenceMaker::DifferenceMaker(RunContext& context, unsigned lane)
    : context_(context), lane_(lane), allowed_(may_make_differences(context.repository)) {}

void DifferenceMaker::begin_file(std::uint64_t size) {
  wanted_ = allowed_ && size > 0;
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
  return Made{difference, false};
}

std::optional<DifferenceMaker::Made> DifferenceMaker::make_from(const crypto::BlobId& base,
                                                                const crypto::BlobId& id, ByteView chunk) {
  if (!context_.repository.index().find_pack(base)) return std::nullopt;
  const bool thorough = context_.difference_bytes.fetch_add(chunk.size()) < kThorough;
  const Bytes before = read_base(base);
  if (before.empty()) return std::nullopt;
  const std::optional<ByteView> patch = codec_.encode(before, chunk, thorough);
  // The run rests on the base before the patch is put: a checkpoint in between may find a patch that nothing
  // refers to, and never a difference without its base.
  if (!patch || !context_.writer.refer(lane_, base)) return std::nullopt;
  const crypto::BlobId patch_id = context_.repository.hasher().id(crypto::BlobKind::kData, *patch);
  context_.writer.put(lane_, patch_id, *patch);
  context_.checkpointer.note_difference();
  return Made{{id, base, patch_id}, true};
}

// Nothing of it when it cannot be read any more: then the chunk is stored whole.
Bytes DifferenceMaker::read_base(const crypto::BlobId& id) {
  try {
    return context_.repository.read(crypto::BlobKind::kData, id);
  } catch (const Error& error) {
    if (!snapshot::concerns_blob(error)) throw;
    return {};
  }
}

}  // namespace garner::backup
