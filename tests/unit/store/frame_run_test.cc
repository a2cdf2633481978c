#include "store/frame_run.h"

#include <catch2/catch.hpp>

#include "support/memory_destination.h"
#include "support/random_packs.h"
#include "support/temporary_folder.h"

namespace garner::store {
namespace {

using testing::kPackWindow;
using testing::Random;

// A pack of frames of half a window, one after the other.
struct FrameRunFixture {
  FrameRunFixture() {
    crypto::initialize_crypto();
    keyring.emplace(crypto::Keyring::generate({}));
    context.keyring = &*keyring;
    context.writer = Uuid::random();
    context.parameters.set_pack_target(32u << 20);
    context.log_uuid = Uuid::random();
    PackWriter writer(folder.path("pack"), context, PackKind::kData);
    FrameCodec codec;
    for (int i = 0; i < 40; ++i) {
      FrameBuilder builder(1u << 20);
      Bytes noise(kPackWindow / 2);
      for (std::uint8_t& byte : noise) byte = static_cast<std::uint8_t>(random());
      builder.add(testing::random_id(random), crypto::BlobKind::kData, noise);
      writer.append(codec.encode(builder.raw()), static_cast<std::uint32_t>(builder.raw().size()),
                    builder.blobs());
    }
    pack = writer.finish();
    destination.put_file(pack_key(pack.name), folder.path("pack"));
    reader.emplace(destination, *keyring, pack.name);
    destination.forget_reads();
  }

  FramePlace place(std::size_t frame) const {
    return {pack.name, pack.frames.at(frame).offset, pack.frames.at(frame).stored_length};
  }
  // Reads these frames as a run with such a gap; how often the destination was asked.
  std::size_t read(const std::vector<std::size_t>& frames, std::uint64_t gap) {
    std::vector<FramePlace> places;
    for (const std::size_t frame : frames) places.push_back(place(frame));
    FrameRun run(places, gap);
    destination.forget_reads();
    for (const std::size_t frame : frames) check(run, frame);
    return destination.reads().size();
  }
  void check(FrameRun& run, std::size_t frame) {
    Scratch memory;
    Scratch alone;
    const ByteView got = run.read(*reader, place(frame), memory);
    const std::size_t asked = destination.reads().size();
    testing::MemoryDestination copy;
    copy.put(pack_key(pack.name), destination.object(pack_key(pack.name)));
    const ByteView expected = PackReader(copy, *keyring, pack.name)
                                  .read_frame(place(frame).offset, place(frame).stored_length, alone);
    CHECK(Bytes(got.begin(), got.end()) == Bytes(expected.begin(), expected.end()));
    CHECK(destination.reads().size() == asked);
  }

  testing::TemporaryFolder folder;
  testing::MemoryDestination destination;
  std::optional<crypto::Keyring> keyring;
  PackContext context;
  Random random{1};
  FinishedPack pack;
  std::optional<PackReader> reader;
};

TEST_CASE_METHOD(FrameRunFixture, "frames that lie close to each other are read together") {
  CHECK(read({0, 1, 2, 3}, kPackWindow) == 1);
  // Two frames lie between 0 and 3: too much.
  CHECK(read({0, 3, 20, 21}, kPackWindow) == 3);
  CHECK(read({0, 2, 4, 6}, kPackWindow) == 1);
  CHECK(read({0, 1, 2, 3}, 0) == 4);
  CHECK(read({7}, kPackWindow) == 1);
}

TEST_CASE_METHOD(FrameRunFixture, "what is read at once is bounded") {
  std::vector<std::size_t> all(40);
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = i;
  read(all, std::uint64_t{1} << 40);
  for (const auto& one : destination.reads()) CHECK(one.length <= (4u << 20) + 2 * kPackWindow);
}

TEST_CASE_METHOD(FrameRunFixture, "a frame that nobody announced is read by itself") {
  FrameRun run({place(0), place(1)}, kPackWindow);
  check(run, 9);
  check(run, 0);
  check(run, 1);
}

TEST_CASE_METHOD(FrameRunFixture, "of a pack that is cut off only the frames behind the cut are lost") {
  Bytes& object = destination.object(pack_key(pack.name));
  object.resize(place(20).offset / kPackWindow * kPackWindow);
  std::vector<FramePlace> places;
  for (std::size_t i = 10; i < 30; ++i) places.push_back(place(i));
  FrameRun run(places, kPackWindow);
  std::size_t good = 0;
  for (const FramePlace& one : places) {
    Scratch memory;
    try {
      run.read(*reader, one, memory);
      ++good;
    } catch (const Error& error) {
      CHECK(error.kind() == ErrorKind::kDamaged);
      CHECK(one.end() > object.size());
    }
  }
  CHECK(good >= 8);
}

TEST_CASE_METHOD(FrameRunFixture, "places that cannot be do no harm") {
  const std::uint64_t beyond = ~std::uint64_t{0} - 10;
  const FramePlace far{pack.name, beyond, 1000};
  FrameRun run({far, {pack.name, 2000, 1000}, place(0)}, std::uint64_t{1} << 40);
  Scratch memory;
  CHECK_THROWS_AS(run.read(*reader, far, memory), Error);
  CHECK_THROWS_AS(run.read(*reader, {pack.name, 2000, 1000}, memory), Error);
  check(run, 0);
}

}  // namespace
}  // namespace garner::store
