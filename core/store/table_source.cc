#include "store/table_source.h"

#include <algorithm>

#include "base/error.h"

namespace garner::store {
namespace {

constexpr std::uint64_t kEntriesAtOnce = 4096;      // 192 KiB
constexpr std::uint32_t kFramesAtOnce = 16u << 10;  // 256 KiB

}  // namespace

PayloadSource::PayloadSource(const SegmentPayload& segment) : segments_{segment.name} {
  check_segment_payload(segment.payload);
  view_ = view_payload(segment.payload);
  packs_.reserve(view_.packs);
  rows_.reserve(view_.packs);
  for (std::uint32_t i = 0; i < view_.packs; ++i) {
    PackRow pack = view_.pack(i);
    packs_.push_back(pack.name);
    rows_.push_back({pack.size, 0, pack.first_frame, pack.frames, pack.kind, false});
  }
  for (std::uint64_t i = 0; i < view_.entries; ++i) ++rows_[view_.entry(i).pack].entries;
}

void PayloadSource::for_each_link(const std::function<void(std::uint32_t, std::uint32_t)>& visit) const {
  for (std::uint32_t i = 0; i < view_.packs; ++i) visit(0, i);
}

Bytes PayloadSource::frames(std::uint32_t first, std::uint32_t count) const {
  const std::uint8_t* begin = view_.frame_rows + first * kFrameRow;
  return Bytes(begin, begin + count * kFrameRow);
}

bool PayloadSource::next(EntryRow& entry) {
  if (position_ == view_.entries) return false;
  entry = view_.entry(position_++);
  return true;
}

void TableFileSource::read(Bytes& into, std::uint64_t offset) const {
  if (read_at(table_.fd_.get(), into, offset, table_.path()) != into.size()) {
    throw Error(ErrorKind::kDamaged, "local index table " + printable(table_.path()) + " was cut off");
  }
}

Bytes TableFileSource::frames(std::uint32_t first, std::uint32_t count) const {
  Bytes rows(count * kFrameRow);
  read(rows, table_.layout_.frames() + first * kFrameRow);
  return rows;
}

void TableFileSource::hash_frames() {
  std::uint32_t count = table_.layout_.frame_count;
  for (std::uint32_t first = 0; first < count;) {
    std::uint32_t taken = std::min(kFramesAtOnce, count - first);
    hasher_.update(frames(first, taken));
    first += taken;
  }
}

bool TableFileSource::next(EntryRow& entry) {
  if (!begun_) hash_frames();
  begun_ = true;
  if (used_ == buffer_.size()) {
    std::uint64_t left = table_.layout_.entry_count - position_;
    if (left == 0) {
      if (hasher_.finish() == table_.content_digest_) return false;
      throw Error(ErrorKind::kDamaged, "local index table " + printable(table_.path()) + " does not verify");
    }
    std::uint64_t taken = std::min(left, kEntriesAtOnce);
    buffer_.resize(taken * kEntryRow);
    read(buffer_, table_.layout_.entries() + position_ * kEntryRow);
    hasher_.update(buffer_);
    position_ += taken;
    used_ = 0;
  }
  entry = EntryRow::load(buffer_.data() + used_);
  used_ += kEntryRow;
  return true;
}

}  // namespace garner::store
