// BlobWriter: frames that come from another repository.
#include <catch2/catch.hpp>

#include "store/blob_writer.h"
#include "support/memory_destination.h"
#include "support/store_fixture.h"

using namespace garner;
using namespace garner::store;
using namespace garner::testing;

namespace {

struct Frame {
  Bytes encoded;
  std::uint32_t raw_length = 0;
  std::vector<FrameBlob> blobs;
};

Frame frame_of(const std::vector<TestBlob>& blobs) {
  Bytes raw;
  Frame frame;
  for (const TestBlob& blob : blobs) {
    raw.insert(raw.end(), blob.content.begin(), blob.content.end());
    frame.blobs.push_back({blob.id, blob.kind, static_cast<std::uint32_t>(blob.content.size())});
  }
  FrameCodec codec;
  const ByteView encoded = codec.encode(raw);
  frame.encoded.assign(encoded.begin(), encoded.end());
  frame.raw_length = static_cast<std::uint32_t>(raw.size());
  return frame;
}

struct PutFrameFixture {
  CryptoReady ready;
  crypto::Keyring keyring = crypto::Keyring::generate({1, 0});
  Machine machine;
  TemporaryFolder spool;
  std::shared_ptr<MemoryDestination> place = std::make_shared<MemoryDestination>();
  std::unique_ptr<Repository> repository = machine.create(place, keyring);
  BlobWriter writer{*repository, {Uuid::random(), spool.path(), 2, 2}};

  TestBlob blob(const std::string& text) { return test_blob(*repository, text); }
  std::uint64_t put(unsigned lane, const Frame& frame) {
    return writer.put_frame(lane, PackKind::kData, frame.encoded, frame.raw_length, frame.blobs);
  }
  void commit() {
    writer.finish();
    writer.publish();
    CommitPlan plan = test_plan(writer.published());
    REQUIRE(repository->commit(plan).committed);
    writer.forget(plan.packs);
  }
};

}  // namespace

TEST_CASE("a frame of another repository is stored, and its blobs are read") {
  PutFrameFixture fixture;
  const std::vector<TestBlob> blobs{fixture.blob("one"), fixture.blob("two"), fixture.blob("three")};
  CHECK(fixture.put(0, frame_of(blobs)) == 11);
  CHECK(fixture.writer.holds(0, blobs[1].id));
  CHECK_FALSE(fixture.writer.put(1, blobs[1].id, blobs[1].content));
  fixture.commit();
  for (const TestBlob& blob : blobs) CHECK(fixture.repository->read(blob.kind, blob.id) == blob.content);
  CHECK(fixture.writer.pending_blobs() == 0);
}

TEST_CASE("a frame of which everything is there is not stored, one of which something is there is, whole") {
  PutFrameFixture fixture;
  const TestBlob one = fixture.blob("one");
  const TestBlob two = fixture.blob("two");
  const TestBlob three = fixture.blob("three");
  CHECK(fixture.writer.put(0, one.id, one.content));
  CHECK(fixture.put(1, frame_of({one})) == 0);
  CHECK(fixture.put(1, frame_of({one, two})) == 3);
  fixture.commit();
  CHECK(fixture.put(0, frame_of({one, two})) == 0);
  CHECK(fixture.put(0, frame_of({two, three})) == 5);
  fixture.commit();
  CHECK(fixture.repository->index().find_all(one.id).size() == 2);
  CHECK(fixture.repository->index().find_all(three.id).size() == 1);
  CHECK(fixture.writer.pending_blobs() == 0);
  CHECK(fixture.repository->read(three.kind, three.id) == three.content);
}

TEST_CASE("what was put as a frame is durable after make_durable, and is taken over by another process") {
  PutFrameFixture fixture;
  const std::vector<TestBlob> blobs{fixture.blob("one"), fixture.blob("two")};
  fixture.put(0, frame_of(blobs));
  const std::vector<DurablePack> durable = fixture.writer.make_durable();
  REQUIRE(durable.size() == 1);
  CHECK(durable[0].frames.size() == 1);
  BlobWriter second(*fixture.repository, {Uuid::random(), fixture.spool.path(), 1, 1});
  second.adopt(durable);
  CHECK(second.holds(0, blobs[0].id));
  CHECK(second.put_frame(0, PackKind::kData, frame_of(blobs).encoded, 6, frame_of(blobs).blobs) == 0);
}
