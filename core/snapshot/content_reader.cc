#include "snapshot/content_reader.h"

#include <algorithm>
#include <string>
#include <utility>

#include "base/error.h"

namespace garner::snapshot {

void ContentReader::begin(const v1::Node& file, std::uint64_t from) {
  from = std::min<std::uint64_t>(from, file.size());
  entries_.emplace(file, source_);
  entries_->skip_to(from);
  left_ = file.size() - entries_->offset();
  skip_ = from - entries_->offset();
}

std::optional<ContentReader::Part> ContentReader::next() {
  const std::optional<EntryReader::Placed> placed = entries_->next();
  const std::uint64_t length = placed ? placed->entry.length() : 0;
  if (length > left_ || (!placed && left_ > 0))
    throw Error(ErrorKind::kDamaged, "its content has another length than the file");
  if (!placed) return std::nullopt;
  left_ -= length;
  const std::uint64_t skip = std::exchange(skip_, 0);
  Part part{length - skip, content_of(placed->entry)};
  if (part.content) part.content = part.content->subspan(static_cast<std::size_t>(skip));
  return part;
}

std::optional<ByteView> ContentReader::content_of(const v1::ContentEntry& entry) {
  switch (entry.type()) {
    case v1::ENTRY_TYPE_HOLE:
      return std::nullopt;
    case v1::ENTRY_TYPE_DIFFERENCE:
      return read_difference(entry);
    default:
      return read_blob(entry);
  }
}

ByteView ContentReader::read_blob(const v1::ContentEntry& entry) {
  const auto id = crypto::BlobId::from_bytes(as_bytes(entry.id()));
  blob_ = source_.view(crypto::BlobKind::kData, id);
  if (blob_.content.size() != entry.length())
    throw Error(ErrorKind::kDamaged, "blob " + id.hex() + " has another length than the file's list says");
  return blob_.content;
}

ByteView ContentReader::read_difference(const v1::ContentEntry& entry) {
  if (entry.length() > store::kMaximumDifference)
    throw Error(ErrorKind::kDamaged, "a difference of " + std::to_string(entry.length()) + " bytes");
  const Difference difference = difference_of(entry);
  blob_ = source_.view(crypto::BlobKind::kData, difference.base);
  const store::BlobView patch = source_.view(crypto::BlobKind::kData, difference.patch);
  if (!differences_) differences_ = std::make_unique<store::DifferenceCodec>();
  const ByteView content = differences_->decode(blob_.content, patch.content, entry.length(), made_);
  if (hasher_.id(crypto::BlobKind::kData, content) != difference.id)
    throw Error(ErrorKind::kDamaged, "what patch " + difference.patch.hex() + " makes of blob " +
                                         difference.base.hex() + " is not what was stored");
  return content;
}

}  // namespace garner::snapshot
