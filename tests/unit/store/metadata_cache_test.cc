#include "store/metadata_cache.h"

#include <catch2/catch.hpp>
#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <set>
#include <thread>

#include "support/counting_destination.h"
#include "support/eventually.h"
#include "support/forge_removal.h"
#include "support/hooked_destination.h"
#include "support/memory_destination.h"
#include "support/random_packs.h"
#include "support/store_fixture.h"

using namespace garner;
using namespace garner::store;
using namespace garner::testing;

namespace {

// A repository on a server, of which its maker knows everything and another machine nothing.
struct MetadataCacheFixture {
  CryptoReady ready;
  std::shared_ptr<MemoryDestination> memory = std::make_shared<MemoryDestination>();
  std::shared_ptr<CountingDestination> place = std::make_shared<CountingDestination>(memory);
  crypto::Keyring keyring = crypto::Keyring::generate({1, 0});
  Machine maker;
  Machine machine;
  std::unique_ptr<Repository> owner = maker.create(memory, keyring);
  std::unique_ptr<Repository> repository;

  void open() {
    repository.reset();
    repository = machine.open(place, keyring);
    place->taken();
  }
  MetadataCacheFixture() { machine.metadata_cache = 64u << 20; }
  struct Stored {
    std::vector<TestBlob> blobs;
    FinishedPack pack;
    crypto::BlobId snapshot;
  };
  // A pack of one frame a blob.
  static FinishedPack make_pack(Repository& by, const std::vector<TestBlob>& blobs, const std::string& path) {
    PackWriter writer(path, by.pack_context(), pack_kind(blobs.front().kind));
    FrameCodec codec;
    for (const TestBlob& blob : blobs) {
      const auto length = static_cast<std::uint32_t>(blob.content.size());
      writer.append(codec.encode(blob.content), length, {{blob.id, blob.kind, length}});
    }
    return writer.finish();
  }
  Stored store(Repository& by, std::size_t count, std::size_t size) {
    const TemporaryFolder staging;
    Stored stored;
    for (std::size_t i = 0; i < count; ++i) {
      std::string text;
      while (text.size() < size) text += as_text(Uuid::random().view());  // does not compress
      stored.blobs.push_back(test_blob(by, text, crypto::BlobKind::kTree));
    }
    stored.pack = make_pack(by, stored.blobs, staging.path("pack"));
    by.publish(stored.pack, staging.path("pack"));
    const CommitOutcome outcome = by.commit(test_plan({stored.pack}));
    REQUIRE(outcome.committed);
    stored.snapshot = *outcome.snapshot_id;
    return stored;
  }
  std::string folder() const {
    return machine.folder.path("cache/" + owner->header().repository.text() + "/metadata");
  }
  std::size_t kept() const { return list_names(folder()).size(); }
  void read(const TestBlob& blob) { CHECK(repository->read(blob.kind, blob.id) == blob.content); }
};

}  // namespace

TEST_CASE("a small pack of metadata is read once, whole") {
  MetadataCacheFixture fixture;
  const MetadataCacheFixture::Stored stored = fixture.store(*fixture.owner, 10, 1000);
  fixture.open();
  for (const TestBlob& blob : stored.blobs) fixture.read(blob);
  CHECK(fixture.place->taken() == "get packs 1");
  CHECK(fixture.kept() == 1);
  // By the next process, too, and it is kept for no other repository and no other machine.
  fixture.open();
  for (const TestBlob& blob : stored.blobs) fixture.read(blob);
  CHECK(fixture.place->taken().empty());
  fixture.machine.metadata_cache = 0;
  fixture.open();
  for (const TestBlob& blob : stored.blobs) fixture.read(blob);
  CHECK(fixture.place->taken() != "");
}

TEST_CASE("data is not kept") {
  MetadataCacheFixture fixture;
  const TestBlob blob = test_blob(*fixture.owner, "content");
  REQUIRE(fixture.owner->commit(test_plan({store_pack(*fixture.owner, {blob})})).committed);
  fixture.open();
  fixture.read(blob);
  CHECK(fixture.place->taken() == "get packs 2");
  CHECK(fixture.kept() == 0);
}

TEST_CASE("of a large pack a frame or two are read, and when more are asked for all of it") {
  MetadataCacheFixture fixture;
  const MetadataCacheFixture::Stored stored = fixture.store(*fixture.owner, 12, 1'000'000);
  REQUIRE(stored.pack.size > 9u << 20);
  fixture.open();
  fixture.read(stored.blobs[0]);
  fixture.read(stored.blobs[5]);
  CHECK(fixture.place->taken() == "get packs 3");
  CHECK(fixture.kept() == 0);
  // In pieces.
  fixture.read(stored.blobs[7]);
  CHECK(fixture.place->taken() == "get packs 3");
  for (const TestBlob& blob : stored.blobs) fixture.read(blob);
  CHECK(fixture.place->taken().empty());
}

TEST_CASE("what this machine publishes is kept at no cost") {
  MetadataCacheFixture fixture;
  fixture.open();
  const MetadataCacheFixture::Stored stored = fixture.store(*fixture.repository, 3, 1000);
  fixture.place->taken();
  fixture.open();
  for (const TestBlob& blob : stored.blobs) fixture.read(blob);
  CHECK(fixture.place->taken().empty());
}

TEST_CASE("a kept file that is torn, changed or gone is fetched or done without, and gives no wrong byte") {
  MetadataCacheFixture fixture;
  const MetadataCacheFixture::Stored stored = fixture.store(*fixture.owner, 10, 1000);
  fixture.open();
  for (const TestBlob& blob : stored.blobs) fixture.read(blob);
  const std::string path = fixture.folder() + "/" + stored.pack.name.hex();
  const Bytes intact = read_file(path, 1u << 20);
  const auto write = [&](ByteView bytes) {
    std::ofstream(path, std::ios::binary)
        .write(as_text(bytes).data(), static_cast<std::streamsize>(bytes.size()));
  };
  const auto all_is_read = [&] {
    fixture.open();
    for (const TestBlob& blob : stored.blobs) fixture.read(blob);
  };
  SECTION("cut") {
    for (const std::size_t size : {std::size_t{0}, std::size_t{100}, std::size_t{5000}, intact.size() - 1}) {
      CAPTURE(size);
      write(ByteView(intact).first(size));
      all_is_read();
    }
  }
  SECTION("changed") {
    for (std::size_t at = 50; at < 16'000; at += 777) {
      CAPTURE(at);
      Bytes changed = intact;
      changed[at] ^= 1;
      write(changed);
      all_is_read();
    }
  }
  SECTION("another pack's") {
    const MetadataCacheFixture::Stored other = fixture.store(*fixture.owner, 10, 1000);
    write(fixture.memory->object(pack_key(other.pack.name)));
    all_is_read();
  }
  SECTION("removed while it is used") {
    fixture.open();
    std::filesystem::remove_all(fixture.folder());
    for (const TestBlob& blob : stored.blobs) fixture.read(blob);
    CHECK(fixture.kept() == 1);
  }
  SECTION("a folder, a link, and what is not a name") {
    std::filesystem::remove(path);
    std::filesystem::create_directory(path);
    std::ofstream(fixture.folder() + "/unfinished") << "half";
    std::ofstream(fixture.folder() + "/" + stored.pack.name.hex().substr(1)) << "short";
    all_is_read();
    CHECK(fixture.kept() <= 2);
  }
}

TEST_CASE("who asks what is at the destination is not told of what is kept") {
  MetadataCacheFixture fixture;
  const MetadataCacheFixture::Stored stored = fixture.store(*fixture.owner, 3, 1000);
  fixture.open();
  for (const TestBlob& blob : stored.blobs) fixture.read(blob);
  const auto before = fixture.repository->stored();
  const TestBlob& blob = stored.blobs.front();
  CHECK(before->read(blob.kind, blob.id) == blob.content);
  fixture.memory->object(pack_key(stored.pack.name))[stored.pack.frames[0].offset + 20] ^= 1;
  CHECK(kind_of([&] { fixture.repository->stored()->read(blob.kind, blob.id); }) == ErrorKind::kDamaged);
  fixture.memory->remove(pack_key(stored.pack.name));
  CHECK(kind_of([&] { fixture.repository->stored()->read(blob.kind, blob.id); }) == ErrorKind::kDamaged);
  // It can still be supplied from here.
  fixture.read(blob);
}

TEST_CASE("a pack that is damaged at the destination is not fetched again and again") {
  MetadataCacheFixture fixture;
  const MetadataCacheFixture::Stored stored = fixture.store(*fixture.owner, 3, 1000);
  fixture.memory->object(pack_key(stored.pack.name))[stored.pack.frames[1].offset + 20] ^= 1;
  fixture.open();
  int damaged = 0;
  for (int i = 0; i < 3; ++i) {
    for (const TestBlob& blob : stored.blobs) {
      try {
        const Bytes content = fixture.repository->read(blob.kind, blob.id);
        CHECK(content == blob.content);
      } catch (const Error& error) {
        CHECK(error.kind() == ErrorKind::kDamaged);
        ++damaged;
      }
    }
  }
  CHECK(damaged > 0);
  CHECK(fixture.kept() == 0);
  CHECK(fixture.repository->index().size_of(stored.pack.name) == stored.pack.size);
}

TEST_CASE("no more is kept than may be, and what was used last stays") {
  MetadataCacheFixture fixture;
  fixture.machine.metadata_cache = 3 * (128u << 10);
  std::vector<MetadataCacheFixture::Stored> packs;
  for (int i = 0; i < 4; ++i) packs.push_back(fixture.store(*fixture.owner, 1, 100));
  fixture.open();
  for (int i : {0, 1, 2}) fixture.read(packs[static_cast<std::size_t>(i)].blobs[0]);
  fixture.open();
  fixture.read(packs[0].blobs[0]);
  CHECK(fixture.place->taken().empty());
  fixture.read(packs[3].blobs[0]);
  CHECK(fixture.kept() == 3);
  fixture.open();
  fixture.read(packs[0].blobs[0]);
  fixture.read(packs[3].blobs[0]);
  CHECK(fixture.place->taken().empty());
  SECTION("a pack that is longer than that is read by parts") {
    fixture.machine.metadata_cache = 1000;
    fixture.open();
    CHECK(fixture.kept() == 0);
    fixture.read(packs[0].blobs[0]);
    CHECK(fixture.kept() == 0);
  }
}

TEST_CASE("packs that are removed from the repository go from here, and what is not committed yet stays") {
  MetadataCacheFixture fixture;
  fixture.open();
  const MetadataCacheFixture::Stored gone = fixture.store(*fixture.owner, 1, 100);
  fixture.repository->refresh();
  fixture.read(gone.blobs[0]);
  const TemporaryFolder staging;
  const TestBlob blob = test_blob(*fixture.repository, "pending", crypto::BlobKind::kTree);
  const FinishedPack pending =
      MetadataCacheFixture::make_pack(*fixture.repository, {blob}, staging.path("pack"));
  fixture.repository->publish(pending, staging.path("pack"));
  CHECK(fixture.kept() == 2);
  forge_condemn(*fixture.owner, {gone.snapshot}, {gone.pack.name});
  fixture.repository->refresh();
  CHECK(list_names(fixture.folder()) == std::vector<std::string>{pending.name.hex()});
  SECTION("once it is, too") {
    REQUIRE(fixture.repository->commit(test_plan({pending})).committed);
    fixture.open();
    fixture.read(blob);
    CHECK(fixture.place->taken().empty());
  }
  SECTION("of another process that never came to it, it goes") {
    fixture.open();
    CHECK(fixture.kept() == 0);
  }
}

TEST_CASE("a pack that cannot be kept is read whole once, and then by frames") {
  MetadataCacheFixture fixture;
  const MetadataCacheFixture::Stored stored = fixture.store(*fixture.owner, 5, 1000);
  SECTION("it is shorter than the index says") {
    fixture.memory->object(pack_key(stored.pack.name)).pop_back();
    fixture.open();
  }
  SECTION("there is no room for it on this machine") {
    fixture.open();
    // Writing it fails.
    std::filesystem::create_directories(fixture.folder() + "/unfinished-" + stored.pack.name.hex());
  }
  fixture.read(stored.blobs[0]);
  fixture.place->taken();
  for (const std::size_t i : {1u, 2u, 3u, 4u}) {
    fixture.read(stored.blobs[i]);
    CHECK(fixture.place->taken() == "get packs 1");
  }
}

TEST_CASE("several packs are fetched at once, each once") {
  MetadataCacheFixture fixture;
  std::vector<MetadataCacheFixture::Stored> packs;
  for (int i = 0; i < 3; ++i) packs.push_back(fixture.store(*fixture.owner, 1, 1000));
  const auto hooked = std::make_shared<HookedDestination>(fixture.memory);
  fixture.place = std::make_shared<CountingDestination>(hooked);
  fixture.open();
  // Nobody gets anything before all three are asked for.
  std::mutex mutex;
  std::condition_variable changed;
  std::set<std::string> asked;
  bool all = true;
  hooked->before_get = [&](const std::string& key) {
    std::unique_lock lock(mutex);
    asked.insert(key);
    changed.notify_all();
    all = changed.wait_for(lock, garner::testing::kPatience, [&] { return asked.size() == 3; }) && all;
  };
  std::vector<Bytes> read(6);
  {
    std::vector<std::jthread> readers;
    for (std::size_t i = 0; i < read.size(); ++i) {
      readers.emplace_back([&, i] {
        const TestBlob& blob = packs[i % 3].blobs[0];
        read[i] = fixture.repository->read(blob.kind, blob.id);
      });
    }
  }
  CHECK(all);
  for (std::size_t i = 0; i < read.size(); ++i) CHECK(read[i] == packs[i % 3].blobs[0].content);
  CHECK(fixture.place->taken() == "get packs 3");
  CHECK(fixture.kept() == 3);
}

TEST_CASE("what is kept can be had by itself, and nothing is asked of the destination for it") {
  MetadataCacheFixture fixture;
  const MetadataCacheFixture::Stored kept = fixture.store(*fixture.owner, 3, 1000);
  const MetadataCacheFixture::Stored other = fixture.store(*fixture.owner, 3, 1000);
  const TestBlob data = test_blob(*fixture.owner, "content");
  REQUIRE(fixture.owner->commit(test_plan({store_pack(*fixture.owner, {data})})).committed);
  fixture.open();
  fixture.read(kept.blobs[0]);
  fixture.open();
  fixture.memory->remove(pack_key(kept.pack.name));
  const auto source = fixture.repository->kept();
  REQUIRE(source);
  for (const TestBlob& blob : kept.blobs) CHECK(source->read(blob.kind, blob.id) == blob.content);
  for (const TestBlob& blob : {other.blobs[0], other.blobs[0], data})
    CHECK_THROWS_AS(source->read(blob.kind, blob.id), Error);
  CHECK(fixture.place->taken().empty());
  CHECK(fixture.kept() == 1);
  // A folder of this machine keeps none.
  CHECK_FALSE(fixture.owner->kept());
}

TEST_CASE("a log that is accepted is read without what was kept before") {
  MetadataCacheFixture fixture;
  const MetadataCacheFixture::Stored stored = fixture.store(*fixture.owner, 3, 1000);
  const std::uint64_t newest = fixture.owner->state()->generation();
  REQUIRE(fixture.owner->commit(test_plan({})).committed);
  fixture.open();
  fixture.read(stored.blobs[0]);
  REQUIRE(fixture.kept() == 1);
  fixture.repository.reset();
  fixture.memory->remove(record_key(newest + 1));
  fixture.repository =
      Repository::accept_log(fixture.machine.context(fixture.place, fixture.keyring), newest);
  CHECK(fixture.kept() == 0);
  fixture.read(stored.blobs[0]);
}
