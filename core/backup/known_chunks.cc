#include "backup/known_chunks.h"

#include <algorithm>
#include <limits>

#include "base/error.h"
#include "snapshot/parse.h"

namespace garner::backup {
namespace {

// So many chunks before and after a place are looked at for one that has moved.
constexpr std::size_t kNear = 16;
// Chunks before a place are dropped when they are so many.
constexpr std::size_t kHeld = 64;
constexpr std::uint64_t kMaximumOffset = std::numeric_limits<std::int64_t>::max();

}  // namespace

KnownChunks::KnownChunks(const v1::Node* earlier, store::BlobSource& source) {
  if (earlier != nullptr) reader_.emplace(*earlier, source);
}

void KnownChunks::read_next() {
  try {
    const auto next = reader_->next();
    if (!next) {
      reader_.reset();
      return;
    }
    const v1::ContentEntry& entry = next->entry;
    const bool is_chunk = entry.type() != v1::ENTRY_TYPE_HOLE;
    if (!chunks_.empty() && chunks_.back().offset + chunks_.back().length == next->offset) {
      chunks_.back().cut_by_content = is_chunk;
    }
    if (!is_chunk) return;
    Chunk& chunk = chunks_.emplace_back();
    chunk.id = crypto::BlobId::from_bytes(as_bytes(entry.id()));
    chunk.offset = next->offset;
    chunk.length = entry.length();
    if (entry.type() == v1::ENTRY_TYPE_DIFFERENCE) chunk.difference = snapshot::difference_of(entry);
  } catch (const Error& error) {
    if (!snapshot::concerns_blob(error)) throw;
    reader_.reset();
  }
}

// Number among those held of the chunk in which `offset` is by what is known, or of the one before the hole
// in which it is; of the first for what is before it.
std::size_t KnownChunks::position(std::uint64_t offset) {
  std::uint64_t where = offset + moved_;
  if (where > kMaximumOffset) where = 0;
  while (reader_ && (chunks_.size() <= kNear || chunks_[chunks_.size() - 1 - kNear].offset <= where)) {
    read_next();
    // On the way to a place far off, where a run goes on that was cut off in the middle of the file.
    if (chunks_.size() >= 4 * kHeld) chunks_.erase(chunks_.begin(), chunks_.begin() + 2 * kHeld);
  }
  const auto after =
      std::upper_bound(chunks_.begin(), chunks_.end(), where,
                       [](std::uint64_t sought, const Chunk& chunk) { return sought < chunk.offset; });
  const std::size_t found =
      after == chunks_.begin() ? 0 : static_cast<std::size_t>(after - chunks_.begin()) - 1;
  if (found <= kHeld) return found;
  chunks_.erase(chunks_.begin(), chunks_.begin() + static_cast<std::ptrdiff_t>(found - kNear));
  return kNear;
}

const KnownChunks::Chunk* KnownChunks::at(std::uint64_t offset) {
  const std::size_t place = position(offset);
  if (chunks_.empty()) return nullptr;
  const Chunk& chunk = chunks_[place];
  return chunk.offset == offset + moved_ ? &chunk : nullptr;
}

const KnownChunks::Chunk* KnownChunks::find(const crypto::BlobId& id, std::uint64_t offset) {
  const std::size_t expected = position(offset);
  for (std::size_t away = 0; away <= kNear; ++away) {
    for (const std::size_t place : {expected + away, expected - away}) {  // below the first: beyond the last
      if (place >= chunks_.size() || chunks_[place].id != id) continue;
      moved_ = chunks_[place].offset - offset;
      return &chunks_[place];
    }
  }
  return nullptr;
}

const KnownChunks::Chunk* KnownChunks::instead_of(std::uint64_t offset, std::size_t length) {
  const std::size_t place = position(offset + length / 2);
  return chunks_.empty() ? nullptr : &chunks_[place];
}

}  // namespace garner::backup
