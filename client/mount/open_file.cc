#include "mount/open_file.h"

#include <algorithm>
#include <cerrno>
#include <exception>
#include <utility>

namespace garner::client::mount {

OpenFile::Piece OpenFile::read(Operation& operation, std::uint64_t offset, std::size_t length) {
  Piece piece;
  if (offset >= size()) return piece;
  length = static_cast<std::size_t>(std::min<std::uint64_t>(length, size() - offset));
  piece.length = length;
  piece.is_in_order = order_.note(offset, length);
  if (!piece.is_in_order) {
    piece.content = std::make_shared<const std::string>(view_.read(operation, node_, offset, length));
    return piece;
  }
  const std::uint64_t first = offset / kBlock;
  piece.begin = static_cast<std::size_t>(offset % kBlock);
  piece.content = block(operation, first);
  if (piece.begin + length <= kBlock) return piece;
  std::string joined = piece.content->substr(piece.begin);
  for (std::uint64_t next = first + 1; joined.size() < length; ++next)
    joined.append(*block(operation, next), 0, length - joined.size());
  piece.content = std::make_shared<const std::string>(std::move(joined));
  piece.begin = 0;
  return piece;
}

void OpenFile::read_ahead(std::uint64_t offset) noexcept {
  try {
    Operation operation(link_);
    const std::stop_callback on_close(closed_.get_token(), [&] { operation.cancel(); });
    const std::uint64_t first = offset / kBlock + 1;
    for (std::uint64_t next = first; next < first + kAhead && next * kBlock < size(); ++next)
      blocks_.fetch_ahead({node_->id, next},
                          [&] { return view_.read(operation, node_, next * kBlock, kBlock); });
  } catch (const std::exception&) {
    // Whoever wants it asks again, and is told.
  }
}

ContentCache::Content OpenFile::block(Operation& operation, std::uint64_t number) {
  const auto fetch = [&] { return view_.read(operation, node_, number * kBlock, kBlock); };
  ContentCache::Content found = blocks_.get({node_->id, number}, fetch, operation.stop_token());
  if (!found) throw FileError(EINTR);
  return found;
}

}  // namespace garner::client::mount
