#include "store/difference.h"

#include <zstd.h>

#include <algorithm>
#include <bit>
#include <new>
#include <string>

#include "base/error.h"
#include "store/frame.h"

namespace garner::store {
namespace {

// What a difference takes besides its patch: two ids more in the content entry, and the patch's rows in the
// pack's directory and in the index.
constexpr std::size_t kOverhead = 64 + 37 + 48;
// A patch must be so many times smaller than the content by itself. A patch grows from version to version,
// for its base stays; content of which little is left becomes a base of its own, and its next patch small
// again.
constexpr std::size_t kLeastGain = 3;
// How small the content would be by itself is estimated on so much of it.
constexpr std::size_t kEstimated = 16u << 10;

// zstd's strategies: "fast" is through with a frame of 80 KiB that hardly changed in a tenth of a
// millisecond; level 9 leaves a sixth less (docs/research/performance.md).
constexpr int kFastLevel = 1;
constexpr int kThoroughLevel = 9;
// Hash tables of at most 512 KiB and chains of 1 MiB, whatever the level would take for a large window; 0
// leaves them to it.
constexpr int kSmallWindowLog = 17;
constexpr int kHashLog = 17;
constexpr int kChainLog = 18;
constexpr int kLeastWindowLog = 10;

void check_zstd(std::size_t result, const char* what) {
  if (ZSTD_isError(result) != 0) {
    throw Error(ErrorKind::kInternal, std::string(what) + ": " + ZSTD_getErrorName(result));
  }
}

[[noreturn]] void damaged(const std::string& what) { throw Error(ErrorKind::kDamaged, "patch: " + what); }

}  // namespace

struct DifferenceCodec::Contexts {
  struct Freer {
    void operator()(ZSTD_CCtx* context) const { ZSTD_freeCCtx(context); }
    void operator()(ZSTD_DCtx* context) const { ZSTD_freeDCtx(context); }
  };

  Contexts() {
    if (!compressor || !decompressor) throw std::bad_alloc();
    set(ZSTD_c_contentSizeFlag, 0);
    set(ZSTD_c_checksumFlag, 0);
  }

  void set(ZSTD_cParameter parameter, int value) {
    check_zstd(ZSTD_CCtx_setParameter(compressor.get(), parameter, value), "setting up zstd");
  }

  // With `base` in front of the content; it may be empty.
  ByteView compress(ByteView base, ByteView content, int level) {
    const int window =
        std::max(kLeastWindowLog, static_cast<int>(std::bit_width(base.size() + content.size())));
    set(ZSTD_c_compressionLevel, level);
    set(ZSTD_c_windowLog, window);
    set(ZSTD_c_hashLog, window > kSmallWindowLog ? kHashLog : 0);
    set(ZSTD_c_chainLog, window > kSmallWindowLog ? kChainLog : 0);
    check_zstd(ZSTD_CCtx_refPrefix(compressor.get(), base.data(), base.size()), "giving zstd a base");
    const MutableByteView room = patch.take(ZSTD_compressBound(content.size()));
    const std::size_t length =
        ZSTD_compress2(compressor.get(), room.data(), room.size(), content.data(), content.size());
    check_zstd(length, "compressing a difference");
    return room.first(length);
  }

  // About what the content would come to by itself.
  std::size_t estimate_alone(ByteView content) {
    const std::size_t part = std::min(content.size(), kEstimated);
    const MutableByteView room = estimate.take(ZSTD_compressBound(part));
    const std::size_t length =
        ZSTD_compressCCtx(compressor.get(), room.data(), room.size(),
                          content.subspan((content.size() - part) / 2).data(), part, kFastLevel);
    check_zstd(length, "compressing a sample");
    return std::min(content.size(), length * content.size() / part);
  }

  std::unique_ptr<ZSTD_CCtx, Freer> compressor{ZSTD_createCCtx()};
  std::unique_ptr<ZSTD_DCtx, Freer> decompressor{ZSTD_createDCtx()};
  Scratch patch;
  Scratch estimate;
  Scratch applied;
};

DifferenceCodec::DifferenceCodec() : contexts_(std::make_unique<Contexts>()) {}
DifferenceCodec::~DifferenceCodec() = default;

std::optional<ByteView> DifferenceCodec::encode(ByteView base, ByteView content, bool thorough) {
  if (content.empty() || base.size() > kMaximumDifference ||
      content.size() > kMaximumDifference - base.size() || content.size() <= kOverhead) {
    return std::nullopt;
  }
  const std::size_t alone = contexts_->estimate_alone(content);
  if (alone <= kOverhead) return std::nullopt;
  const ByteView patch = contexts_->compress(base, content, thorough ? kThoroughLevel : kFastLevel);
  if (patch.size() * kLeastGain + kOverhead > alone) return std::nullopt;
  const ByteView applied = decode(base, patch, content.size(), contexts_->applied);
  if (!std::equal(applied.begin(), applied.end(), content.begin(), content.end())) {
    throw Error(ErrorKind::kInternal, "a difference does not give what it was made from");
  }
  return patch;
}

ByteView DifferenceCodec::decode(ByteView base, ByteView patch, std::size_t length, Scratch& memory) {
  if (length > kMaximumFrame) damaged("it is said to give more than a blob can hold");
  // zstd would also take several of its frames in a row, or none.
  if (ZSTD_findFrameCompressedSize(patch.data(), patch.size()) != patch.size()) {
    damaged("it is not one whole zstd frame");
  }
  ZSTD_DCtx& decompressor = *contexts_->decompressor;
  ZSTD_DCtx_reset(&decompressor, ZSTD_reset_session_and_parameters);
  check_zstd(ZSTD_DCtx_refPrefix(&decompressor, base.data(), base.size()), "giving zstd a base");
  const MutableByteView content = memory.take(length);
  const std::size_t got =
      ZSTD_decompressDCtx(&decompressor, content.data(), content.size(), patch.data(), patch.size());
  if (ZSTD_isError(got) != 0) damaged(std::string("applying it: ") + ZSTD_getErrorName(got));
  if (got != length) damaged("it gives fewer bytes than it should");
  return content;
}

}  // namespace garner::store
