// Frames that were read, decompressed, in memory: those of data in a small cache, those of metadata in a
// larger one, for neighbouring trees and lists stand in one frame. The readers of several repositories may
// share it: then its bounds hold for all of them together. Any thread.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

#include "base/bytes.h"
#include "base/scratch.h"
#include "base/scratch_pool.h"
#include "store/lru_cache.h"
#include "store/object_name.h"
#include "store/pack.h"

namespace garner::store {

// A frame's raw bytes, in memory that may have more of them, and goes back to where it is from.
class RawFrame {
 public:
  RawFrame(Scratch memory, ByteView raw, std::shared_ptr<ScratchPool> from)
      : content(raw), memory_(std::move(memory)), from_(std::move(from)) {}
  ~RawFrame() { from_->give_back(std::move(memory_)); }
  RawFrame(const RawFrame&) = delete;
  RawFrame& operator=(const RawFrame&) = delete;

  std::size_t cost() const { return memory_.capacity(); }
  const ByteView content;

 private:
  Scratch memory_;
  const std::shared_ptr<ScratchPool> from_;
};

class FrameCache {
 public:
  // Bytes of frames that are kept.
  explicit FrameCache(std::size_t data = 16u << 20, std::size_t metadata = 32u << 20)
      : data_(data), metadata_(metadata) {}

  // Each reader finds only what it has read itself: an object that lies under the same name elsewhere, in the
  // copy of a repository or because somebody put it there, says nothing of the one it would read.
  std::uint64_t new_reader() { return ++readers_; }

  struct Key {
    std::uint64_t reader = 0;
    ObjectName pack;
    std::uint64_t offset = 0;
    bool operator==(const Key&) const = default;
  };
  struct KeyHash {
    std::size_t operator()(const Key& key) const noexcept {
      return ObjectNameHash()(key.pack) ^ ((key.offset + key.reader) * 0x9e3779b97f4a7c15u);
    }
  };
  using Frames = LruCache<Key, RawFrame, KeyHash>;
  Frames& of(PackKind kind) { return kind == PackKind::kData ? data_ : metadata_; }
  // Of frames that are not kept any more, for those that are read.
  const std::shared_ptr<ScratchPool>& memory() const { return memory_; }

 private:
  static constexpr std::size_t kIdle = 8u << 20;

  const std::shared_ptr<ScratchPool> memory_ = std::make_shared<ScratchPool>(kIdle);
  Frames data_;
  Frames metadata_;
  std::atomic<std::uint64_t> readers_ = 0;
};

}  // namespace garner::store
