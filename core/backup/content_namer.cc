#include "backup/content_namer.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace garner::backup {

ContentNamer::ContentNamer(const chunking::Chunker& chunker, const crypto::BlobHasher& hasher, Take take)
    : chunker_(chunker),
      hasher_(hasher),
      take_(std::move(take)),
      lists_(hasher),
      buffer_(2 * std::size_t{chunker.sizes().maximum}) {}

void ContentNamer::add(ByteView data) {
  while (!data.empty()) {
    if (filled_ == buffer_.size()) {
      std::memmove(buffer_.data(), buffer_.data() + first_, filled_ - first_);
      filled_ -= std::exchange(first_, 0);
    }
    const std::size_t taken = std::min(data.size(), buffer_.size() - filled_);
    std::memcpy(buffer_.data() + filled_, data.data(), taken);
    filled_ += taken;
    data = data.subspan(taken);
    // Where a chunk ends is known once as much as the longest is there.
    while (filled_ - first_ >= chunker_.sizes().maximum) cut();
  }
}

void ContentNamer::end_range() {
  while (first_ < filled_) cut();
  first_ = filled_ = 0;
}

void ContentNamer::add_hole(std::uint64_t length) { list_.add_hole(length); }

store::v1::Node ContentNamer::finish() {
  store::v1::Node node;
  node.set_type(store::v1::NODE_TYPE_FILE);
  node.set_size(list_.length());
  for (auto& entry : list_.finish(lists_)) *node.add_content() = std::move(entry);
  return node;
}

void ContentNamer::cut() {
  const ByteView rest(buffer_.data() + first_, filled_ - first_);
  const ByteView chunk = rest.first(chunker_.next(rest));
  const crypto::BlobId id = hasher_.id(crypto::BlobKind::kData, chunk);
  list_.add_blob(id, chunk.size(), lists_);
  take_(id, chunk.size());
  first_ += chunk.size();
}

}  // namespace garner::backup
