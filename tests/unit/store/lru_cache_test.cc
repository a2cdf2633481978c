#include "store/lru_cache.h"

#include <atomic>
#include <catch2/catch.hpp>
#include <functional>
#include <latch>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

using namespace garner::store;

namespace {

struct Words {
  using Cache = LruCache<int, std::string, std::hash<int>>;

  Cache::Shared get(int key, std::size_t cost = 1) {
    return cache.get(key, [&] {
      ++made;
      return std::pair(std::make_shared<const std::string>("word " + std::to_string(key)), cost);
    });
  }

  Cache cache{2};
  std::atomic<int> made = 0;
};

}  // namespace

TEST_CASE("what was not used for longest is made anew") {
  Words words;
  words.get(1);
  words.get(2);
  CHECK(*words.get(1) == "word 1");
  CHECK(words.made == 2);
  words.get(3);
  CHECK(words.cache.find(2) == nullptr);
  CHECK(*words.get(1) == "word 1");
  CHECK(words.made == 3);
}

TEST_CASE("what several want at once is made by one of them") {
  Words words;
  constexpr int kThreads = 8;
  std::latch begun(kThreads);
  std::vector<Words::Cache::Shared> given(kThreads);
  {
    std::vector<std::jthread> threads;
    for (Words::Cache::Shared& one : given) {
      threads.emplace_back([&] {
        begun.arrive_and_wait();
        one = words.get(5);
      });
    }
  }
  CHECK(words.made == 1);
  for (const Words::Cache::Shared& one : given) CHECK(one == given.front());
}

TEST_CASE("who makes one value holds up nobody who wants another") {
  Words words;
  const Words::Cache::Shared outer = words.cache.get(1, [&] {
    std::jthread([&] { words.get(2); }).join();
    return std::pair(std::make_shared<const std::string>("last"), std::size_t{1});
  });
  CHECK(*outer == "last");
  CHECK(words.made == 1);
}

TEST_CASE("what one fails to make another makes for itself") {
  Words words;
  std::latch begun(1);
  std::latch over(1);
  bool failed = false;
  std::jthread first([&] {
    try {
      words.cache.get(1, [&]() -> std::pair<Words::Cache::Shared, std::size_t> {
        begun.count_down();
        over.wait();
        throw std::runtime_error("it is away");
      });
    } catch (const std::runtime_error&) {
      failed = true;
    }
  });
  begun.wait();
  Words::Cache::Shared given;
  std::jthread second([&] { given = words.get(1); });
  over.count_down();
  first.join();
  second.join();
  CHECK(failed);
  CHECK(*given == "word 1");
  CHECK(words.made == 1);
}

TEST_CASE("what is too large to be kept is handed out all the same") {
  Words words;
  CHECK(*words.get(1, 3) == "word 1");
  CHECK(*words.get(1, 3) == "word 1");
  CHECK(words.made == 2);
}
