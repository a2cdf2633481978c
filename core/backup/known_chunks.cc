#include "backup/known_chunks.h"

#include "base/error.h"
#include "snapshot/content_list.h"
#include "snapshot/parse.h"

namespace garner::backup {
namespace {

// 3 MiB; with the usual chunks, of a file of 8 GiB.
constexpr std::size_t kMostChunks = 1u << 16;

}  // namespace

KnownChunks::KnownChunks(const v1::Node* earlier, store::BlobSource& source) {
  if (earlier == nullptr) return;
  try {
    snapshot::for_each_entry(*earlier, source, [&](std::uint64_t offset, const v1::ContentEntry& entry) {
      const bool is_chunk = entry.type() == v1::ENTRY_TYPE_BLOB;
      if (!chunks_.empty() && chunks_.back().offset + chunks_.back().length == offset) {
        chunks_.back().cut_by_content = is_chunk;
      }
      if (is_chunk) {
        chunks_.push_back({crypto::BlobId::from_bytes(as_bytes(entry.id())), offset, entry.length(), false});
      }
      return chunks_.size() < kMostChunks;
    });
  } catch (const Error& error) {
    if (!snapshot::concerns_blob(error)) throw;
  }
}

const KnownChunks::Chunk* KnownChunks::at(std::uint64_t offset) {
  while (next_ < chunks_.size() && chunks_[next_].offset < offset) ++next_;
  return next_ < chunks_.size() && chunks_[next_].offset == offset ? &chunks_[next_] : nullptr;
}

}  // namespace garner::backup
