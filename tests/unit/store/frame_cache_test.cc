// What the repositories of one process keep in memory together.
#include "store/frame_cache.h"

#include <atomic>
#include <latch>
#include <thread>
#include <vector>

#include "support/memory_destination.h"
#include "support/random_packs.h"
#include "support/store_fixture.h"

using namespace garner;
using namespace garner::store;
using namespace garner::testing;

namespace {

// Two destinations of one machine's keyring, whose repositories share what they are given.
struct FrameCacheFixture {
  CryptoReady ready;
  crypto::Keyring keyring = crypto::Keyring::generate({1, 0});
  Machine machine;
  std::shared_ptr<FilterBudget> filters = std::make_shared<FilterBudget>();
  std::shared_ptr<FrameCache> frames = std::make_shared<FrameCache>();

  RepositoryContext context(std::shared_ptr<MemoryDestination> destination, Machine& by) {
    RepositoryContext context = by.context(std::move(destination), keyring);
    context.filters = filters;
    context.frames = frames;
    return context;
  }
  std::unique_ptr<Repository> create(std::shared_ptr<MemoryDestination> destination) {
    return Repository::create(context(std::move(destination), machine), {}, small_parameters());
  }
  TestBlob store(Repository& repository, const std::string& text,
                 crypto::BlobKind kind = crypto::BlobKind::kData) {
    const TestBlob blob = test_blob(repository, text, kind);
    REQUIRE(repository.commit(test_plan({store_pack(repository, {blob})})).committed);
    return blob;
  }
};

// Whether reading it took a look at the destination.
bool is_fetched(MemoryDestination& destination, Repository& repository, const TestBlob& blob) {
  destination.forget_reads();
  CHECK(repository.read(blob.kind, blob.id) == blob.content);
  return !destination.reads().empty();
}

}  // namespace

TEST_CASE("frames of several repositories are kept within one bound") {
  FrameCacheFixture fixture;
  fixture.frames = std::make_shared<FrameCache>(10'000, 10'000);
  const auto one = std::make_shared<MemoryDestination>();
  const auto other = std::make_shared<MemoryDestination>();
  const auto first = fixture.create(one);
  const auto second = fixture.create(other);
  const TestBlob a = fixture.store(*first, std::string(6'000, 'a'));
  const TestBlob b = fixture.store(*second, std::string(6'000, 'b'));
  const TestBlob tree = fixture.store(*second, std::string(6'000, 't'), crypto::BlobKind::kTree);
  CHECK(is_fetched(*one, *first, a));
  CHECK_FALSE(is_fetched(*one, *first, a));
  // Trees have a place of their own.
  CHECK(is_fetched(*other, *second, tree));
  CHECK_FALSE(is_fetched(*one, *first, a));
  CHECK(is_fetched(*other, *second, b));
  CHECK(is_fetched(*one, *first, a));
  CHECK_FALSE(is_fetched(*other, *second, tree));
}

TEST_CASE("a frame that several threads want at once is read once") {
  FrameCacheFixture fixture;
  fixture.frames = std::make_shared<FrameCache>(10'000, 10'000);
  const auto destination = std::make_shared<MemoryDestination>();
  const auto repository = fixture.create(destination);
  const std::vector<TestBlob> blobs{test_blob(*repository, "the first of a frame"),
                                    test_blob(*repository, "and its neighbour")};
  REQUIRE(repository->commit(test_plan({store_pack(*repository, blobs)})).committed);
  const TestBlob other = fixture.store(*repository, std::string(6'000, 'o'));
  const TestBlob last = fixture.store(*repository, std::string(6'000, 'l'));
  // The pack's header is in memory now, and the frame no more.
  CHECK(is_fetched(*destination, *repository, blobs[0]));
  CHECK(is_fetched(*destination, *repository, other));
  CHECK(is_fetched(*destination, *repository, last));
  destination->forget_reads();
  constexpr int kThreads = 8;
  std::latch begun(kThreads);
  std::atomic<int> right = 0;
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < kThreads; ++i) {
      threads.emplace_back([&, i] {
        const TestBlob& blob = blobs[i % blobs.size()];
        begun.arrive_and_wait();
        if (repository->read(blob.kind, blob.id) == blob.content) ++right;
      });
    }
  }
  CHECK(right == kThreads);
  CHECK(destination->reads().size() == 1);
}

TEST_CASE("what lies under the same name elsewhere is not taken for what was read here") {
  FrameCacheFixture fixture;
  const auto original = std::make_shared<MemoryDestination>();
  const auto first = fixture.create(original);
  const TestBlob blob = fixture.store(*first, "at both places, for all their logs tell");
  const auto copy = std::make_shared<MemoryDestination>();
  for (const auto& object : original->list("", "")) copy->put(object.key, original->object(object.key));
  Machine another;
  const auto second = Repository::open(fixture.context(copy, another));
  CHECK(first->read(crypto::BlobKind::kData, blob.id) == blob.content);
  copy->remove(pack_key(second->index().find(blob.id)->pack));
  CHECK(kind_of([&] { second->read(crypto::BlobKind::kData, blob.id); }) == ErrorKind::kDamaged);
}

TEST_CASE("filters of several repositories are in memory as far as one budget goes") {
  FrameCacheFixture fixture;
  // A small table's filter is one block.
  fixture.filters = std::make_shared<FilterBudget>(kFilterBlock);
  auto first = fixture.create(std::make_shared<MemoryDestination>());
  const auto second = fixture.create(std::make_shared<MemoryDestination>());
  const TestBlob a = fixture.store(*first, "its filter is in memory");
  CHECK_FALSE(fixture.filters->take(1));
  const TestBlob b = fixture.store(*second, "and this one's is read");
  CHECK(first->index().find(a.id));
  CHECK(second->index().find(b.id));
  CHECK_FALSE(second->index().find(a.id));
  first.reset();
  CHECK(fixture.filters->take(kFilterBlock));
}
