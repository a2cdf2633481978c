#include "mount/content_cache.h"

#include <atomic>
#include <catch2/catch.hpp>
#include <latch>
#include <stdexcept>
#include <thread>
#include <vector>

namespace garner::client::mount {
namespace {

struct Counted {
  ContentCache::Content get(std::uint64_t block) {
    return cache.get({7, block}, [&] { return fetch(block); }, {});
  }
  std::string fetch(std::uint64_t block) {
    ++fetched;
    return "block " + std::to_string(block);
  }

  ContentCache cache{3};
  std::atomic<int> fetched = 0;
};

TEST_CASE("a block is fetched once while there is room, and that used longest ago makes room") {
  Counted blocks;
  for (const std::uint64_t block : {0, 1, 2, 0, 1, 2}) {
    CHECK(*blocks.get(block) == "block " + std::to_string(block));
  }
  CHECK(blocks.fetched == 3);
  blocks.get(0);
  blocks.get(3);  // 1 goes
  blocks.get(0);
  blocks.get(2);
  CHECK(blocks.fetched == 4);
  CHECK(*blocks.get(1) == "block 1");
  CHECK(blocks.fetched == 5);
  CHECK(*blocks.cache.get({8, 1}, [] { return std::string("of another file"); }, {}) == "of another file");
}

TEST_CASE("what is fetched ahead is not fetched again") {
  Counted blocks;
  blocks.cache.fetch_ahead({7, 1}, [&] { return blocks.fetch(1); });
  blocks.cache.fetch_ahead({7, 1}, [&] { return blocks.fetch(1); });
  CHECK(*blocks.get(1) == "block 1");
  CHECK(blocks.fetched == 1);
}

TEST_CASE("who wants what somebody fetches waits for it") {
  Counted blocks;
  std::latch all(8);
  std::vector<ContentCache::Content> given(8);
  {
    std::vector<std::jthread> threads;
    for (ContentCache::Content& one : given) {
      threads.emplace_back([&] {
        all.arrive_and_wait();
        one = blocks.get(5);
      });
    }
  }
  CHECK(blocks.fetched == 1);
  for (const ContentCache::Content& one : given) CHECK(one == given.front());
}

TEST_CASE("what one could not fetch the next one tries") {
  Counted blocks;
  std::latch begun(1);
  std::latch waited(1);
  std::string error;
  std::jthread first([&] {
    try {
      blocks.cache.get({7, 0},
                       [&]() -> std::string {
                         begun.count_down();
                         waited.wait();
                         throw std::runtime_error("it is away");
                       },
                       {});
    } catch (const std::runtime_error& failed) {
      error = failed.what();
    }
  });
  begun.wait();
  ContentCache::Content given;
  std::jthread second([&] { given = blocks.get(0); });
  waited.count_down();
  first.join();
  second.join();
  CHECK(error == "it is away");
  CHECK(*given == "block 0");
  CHECK(blocks.fetched == 1);
}

TEST_CASE("who is interrupted waits for nobody") {
  Counted blocks;
  std::latch begun(1);
  std::latch over(1);
  std::jthread first([&] {
    blocks.cache.get({7, 0},
                     [&] {
                       begun.count_down();
                       over.wait();
                       return std::string("late");
                     },
                     {});
  });
  begun.wait();
  std::stop_source stop;
  ContentCache::Content given = std::make_shared<const std::string>();
  std::jthread second([&] {
    given = blocks.cache.get(
        {7, 0}, [] { return std::string("never"); }, stop.get_token());
  });
  stop.request_stop();
  second.join();
  CHECK(given == nullptr);
  over.count_down();
}

}  // namespace
}  // namespace garner::client::mount
