// What a backup does to bytes, stage by stage, on one core.

#include "bench/throughput.h"

#include <optional>

#include "chunking/chunker.h"
#include "crypto/blob_id.h"
#include "crypto/keyring.h"
#include "crypto/seal.h"
#include "store/frame.h"
#include "support/random_packs.h"

namespace garner {
namespace {

constexpr std::size_t kLarge = 16u << 20;
constexpr std::size_t kFrame = 2u << 20;

struct Fixture {
  Fixture() {
    crypto::initialize_crypto();
    keyring = crypto::Keyring::generate(TimePoint{});
    testing::Random random(1);
    noise = testing::random_bytes(random, kLarge);
    text = testing::random_text(random, kFrame);
  }
  std::optional<crypto::Keyring> keyring;
  Bytes noise;
  Bytes text;
};

TEST_CASE_METHOD(Fixture, "chunker") {
  const chunking::Chunker chunker(*keyring, {});
  BENCHMARK(bench::handles("chunker, 16 MiB", kLarge)) {
    ByteView left(noise);
    std::size_t chunks = 0;
    for (; !left.empty(); ++chunks) left = left.subspan(chunker.next(left));
    return chunks;
  };
}

TEST_CASE_METHOD(Fixture, "ids") {
  const crypto::BlobHasher hasher(*keyring);
  for (const std::size_t size : {std::size_t{1} << 10, std::size_t{16} << 10, std::size_t{256} << 10}) {
    BENCHMARK(bench::handles("id of " + std::to_string(size >> 10) + " KiB", size)) {
      return hasher.id(crypto::BlobKind::kData, ByteView(noise).first(size));
    };
  }
}

TEST_CASE_METHOD(Fixture, "frames") {
  store::FrameCodec codec;
  const ByteView random = ByteView(noise).first(kFrame);
  const ByteView frame = codec.encode(text);
  const Bytes encoded(frame.begin(), frame.end());
  BENCHMARK(bench::handles("frame of text, encoded", kFrame)) { return codec.encode(text).size(); };
  BENCHMARK(bench::handles("frame of noise, encoded", kFrame)) { return codec.encode(random).size(); };
  BENCHMARK(bench::handles("frame of text, decoded", kFrame)) { return codec.decode(encoded, kFrame); };
}

TEST_CASE_METHOD(Fixture, "sealing") {
  const crypto::Sealer sealer(*keyring, crypto::ObjectKind::kDataPack, 1, crypto::fresh_salt(Uuid::random()),
                              {});
  Bytes sealed(kFrame + crypto::kSealOverhead);
  Bytes opened(kFrame);
  std::uint64_t counter = 0;
  BENCHMARK(bench::handles("2 MiB sealed", kFrame)) {
    sealer.seal(crypto::SealPart::kBody, ++counter, ByteView(noise).first(kFrame), sealed);
    return sealed[0];
  };
  BENCHMARK(bench::handles("2 MiB opened", kFrame)) {
    sealer.open(crypto::SealPart::kBody, counter, sealed, opened);
    return opened[0];
  };
}

}  // namespace
}  // namespace garner
