#include "store/frame.h"

#include <zstd.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <new>
#include <string>

#include "base/error.h"
#include "base/scratch.h"

namespace garner::store {
namespace {

constexpr std::uint8_t kStored = 0;
constexpr std::uint8_t kZstd = 1;

// The early look at a frame: this many evenly spread blocks. Below kSampledFrom bytes compressing is as
// cheap.
constexpr std::size_t kSampleBlock = 4u << 10;
constexpr std::size_t kSampleBlocks = 16;
constexpr std::size_t kSampledFrom = 2 * kSampleBlock * kSampleBlocks;
constexpr double kRandomBits =
    7.6;  // bits of order-0 entropy a byte; 4 KiB of random bytes measure about 7.95

bool saves_enough(std::size_t compressed, std::size_t raw) { return compressed + raw / 50 <= raw; }

double entropy_bits(ByteView block) {
  std::array<std::uint32_t, 256> counts{};
  for (std::uint8_t byte : block) ++counts[byte];
  double total = static_cast<double>(block.size());
  double bits = 0;
  for (std::uint32_t count : counts) {
    if (count != 0) bits += count * std::log2(total / count);
  }
  return bits / total;
}

void put_header(MutableByteView out, std::uint8_t codec, std::size_t raw_length) {
  out[0] = codec;
  for (unsigned i = 0; i < 4; ++i) out[1 + i] = static_cast<std::uint8_t>(raw_length >> (8 * i));
}

[[noreturn]] void damaged_frame(const std::string& what) {
  throw Error(ErrorKind::kDamaged, "frame: " + what);
}

void check_lengths(ByteView plain, std::size_t raw_length) {
  ByteReader reader(plain);
  reader.u8();
  const std::uint32_t declared = reader.u32();
  if (declared > kMaximumFrame || declared != raw_length) {
    damaged_frame("declares " + std::to_string(declared) + " raw bytes where " + std::to_string(raw_length) +
                  " are due");
  }
}

}  // namespace

void FrameBuilder::add(const crypto::BlobId& id, crypto::BlobKind kind, ByteView content) {
  if (content.size() > kMaximumFrame || !fits(content.size())) {
    throw Error(ErrorKind::kInternal,
                "a blob of " + std::to_string(content.size()) + " bytes does not fit a frame");
  }
  std::size_t size = raw_.size() + content.size();
  if (size > raw_.capacity()) raw_.reserve(std::max(size, std::min(target_, kMaximumFrame)));
  raw_.insert(raw_.end(), content.begin(), content.end());
  blobs_.push_back({id, kind, static_cast<std::uint32_t>(content.size())});
}

struct FrameCodec::Contexts {
  struct Freer {
    void operator()(ZSTD_CCtx* context) const { ZSTD_freeCCtx(context); }
    void operator()(ZSTD_DCtx* context) const { ZSTD_freeDCtx(context); }
  };

  Contexts() {
    if (!compressor || !decompressor) throw std::bad_alloc();
    // The frame's header holds the raw length, and the seal is its checksum.
    set(ZSTD_c_contentSizeFlag, 0);
    set(ZSTD_c_checksumFlag, 0);
  }

  // zstd's "fast" strategy; level 3 stores 2.3 % less at 0.8 of the speed (docs/research/performance.md).
  void set_up_for_frames(bool thorough) {
    set(ZSTD_c_compressionLevel, thorough ? 6 : 2);
    set(ZSTD_c_windowLog, 21);
    set(ZSTD_c_hashLog, thorough ? 0 : 16);
    set(ZSTD_c_minMatch, thorough ? 0 : 6);
  }

  void set(ZSTD_cParameter parameter, int value) {
    std::size_t result = ZSTD_CCtx_setParameter(compressor.get(), parameter, value);
    if (ZSTD_isError(result) != 0) {
      throw Error(ErrorKind::kInvalidInput, std::string("setting up zstd: ") + ZSTD_getErrorName(result));
    }
  }

  // Compresses into `frame` after room for the frame's header; returns the compressed length.
  std::size_t compress(ByteView raw) {
    const MutableByteView room =
        frame.take(kFrameHeader + ZSTD_compressBound(raw.size())).subspan(kFrameHeader);
    std::size_t length = ZSTD_compress2(compressor.get(), room.data(), room.size(), raw.data(), raw.size());
    if (ZSTD_isError(length) != 0) {
      throw Error(ErrorKind::kInternal, std::string("compressing a frame: ") + ZSTD_getErrorName(length));
    }
    return length;
  }

  // Blocks that look random to their histogram are compressed fast before the frame is given up: order-0
  // entropy does not see repeats.
  bool looks_incompressible(ByteView raw) {
    if (raw.size() < kSampledFrom) return false;
    std::size_t step = (raw.size() - kSampleBlock) / (kSampleBlocks - 1);
    for (std::size_t i = 0; i < kSampleBlocks; ++i) {
      if (entropy_bits(raw.subspan(i * step, kSampleBlock)) < kRandomBits) return false;
    }
    Bytes sample;
    sample.reserve(kSampleBlock * kSampleBlocks);
    for (std::size_t i = 0; i < kSampleBlocks; ++i) {
      ByteView block = raw.subspan(i * step, kSampleBlock);
      sample.insert(sample.end(), block.begin(), block.end());
    }
    std::size_t length = compress(sample);
    return !saves_enough(length, sample.size());
  }

  void decode(ByteView plain, MutableByteView raw);

  std::unique_ptr<ZSTD_CCtx, Freer> compressor{ZSTD_createCCtx()};
  std::unique_ptr<ZSTD_DCtx, Freer> decompressor{ZSTD_createDCtx()};
  Scratch frame;
};

FrameCodec::FrameCodec() : contexts_(std::make_unique<Contexts>()) {}
FrameCodec::~FrameCodec() = default;

ByteView FrameCodec::encode(ByteView raw, bool thorough) {
  if (raw.size() > kMaximumFrame) {
    throw Error(ErrorKind::kInternal, "a frame of " + std::to_string(raw.size()) + " raw bytes");
  }
  contexts_->set_up_for_frames(thorough);
  if (!raw.empty() && !contexts_->looks_incompressible(raw)) {
    std::size_t length = contexts_->compress(raw);
    if (saves_enough(length, raw.size()) && length < raw.size()) {
      const MutableByteView frame = contexts_->frame.take(kFrameHeader + length);
      put_header(frame, kZstd, raw.size());
      return frame;
    }
  }
  const MutableByteView frame = contexts_->frame.take(kFrameHeader + raw.size());
  put_header(frame, kStored, raw.size());
  // By pointers: through the iterators of spans GCC 12 copies a byte at a time.
  std::copy_n(raw.data(), raw.size(), frame.data() + kFrameHeader);
  return frame;
}

std::optional<ByteView> FrameCodec::stored(ByteView plain, std::size_t raw_length) {
  check_lengths(plain, raw_length);
  if (plain[0] != kStored) return std::nullopt;
  const ByteView payload = plain.subspan(kFrameHeader);
  if (payload.size() != raw_length) damaged_frame("stored bytes are missing or too many");
  return payload;
}

Bytes FrameCodec::decode(ByteView plain, std::size_t raw_length) {
  check_lengths(plain, raw_length);  // before memory is taken
  Bytes raw(raw_length);
  contexts_->decode(plain, raw);
  return raw;
}

ByteView FrameCodec::decode(ByteView plain, std::size_t raw_length, Scratch& memory) {
  check_lengths(plain, raw_length);  // before memory is taken
  const MutableByteView raw = memory.take(raw_length);
  contexts_->decode(plain, raw);
  return raw;
}

// Of a frame whose header says that it has so many raw bytes.
void FrameCodec::Contexts::decode(ByteView plain, MutableByteView raw) {
  if (const std::optional<ByteView> payload = stored(plain, raw.size())) {
    std::copy_n(payload->data(), payload->size(), raw.data());
    return;
  }
  const std::uint8_t codec = plain[0];
  const ByteView payload = plain.subspan(kFrameHeader);
  if (codec != kZstd) {
    throw Error(ErrorKind::kNewerFormat,
                "frame: compressed in a way this version does not know (" + std::to_string(codec) + ")");
  }
  // zstd would also take several of its frames in a row, or none.
  if (ZSTD_findFrameCompressedSize(payload.data(), payload.size()) != payload.size()) {
    damaged_frame("is not one whole zstd frame");
  }
  std::size_t length =
      ZSTD_decompressDCtx(decompressor.get(), raw.data(), raw.size(), payload.data(), payload.size());
  if (ZSTD_isError(length) != 0) damaged_frame(std::string("decompressing: ") + ZSTD_getErrorName(length));
  if (length != raw.size()) damaged_frame("holds fewer bytes than it declares");
}

}  // namespace garner::store
