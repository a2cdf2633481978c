#include "base/queue.h"

#include <algorithm>
#include <atomic>
#include <catch2/catch.hpp>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

namespace garner {
namespace {

TEST_CASE("values come out in the order they went in, never more than fit at a time") {
  constexpr int kValues = 10'000;
  constexpr std::size_t kCapacity = 3;
  BoundedQueue<int> queue(kCapacity);
  std::atomic<int> taken = 0;
  int worst = 0;
  std::thread producer([&] {
    for (int i = 0; i < kValues; ++i) {
      queue.push(i);
      worst = std::max(worst, i + 1 - taken.load());
    }
    queue.close();
  });
  std::vector<int> values;
  while (const std::optional<int> value = queue.pop()) {
    values.push_back(*value);
    ++taken;
  }
  producer.join();
  REQUIRE(values.size() == kValues);
  for (int i = 0; i < kValues; ++i) REQUIRE(values[static_cast<std::size_t>(i)] == i);
  // One more may have been taken and not counted yet.
  CHECK(worst <= static_cast<int>(kCapacity) + 1);
}

TEST_CASE("a closed queue hands out what is left and takes nothing") {
  BoundedQueue<std::unique_ptr<int>> queue(4);
  CHECK(queue.push(std::make_unique<int>(1)));
  queue.close();
  CHECK_FALSE(queue.push(std::make_unique<int>(2)));
  const auto left = queue.pop();
  REQUIRE(left.has_value());
  CHECK(**left == 1);
  CHECK_FALSE(queue.pop().has_value());
}

TEST_CASE("closing wakes whoever waits") {
  BoundedQueue<int> full(1);
  CHECK(full.push(1));
  BoundedQueue<int> empty(1);
  bool pushed = true;
  bool popped = true;
  std::thread pusher([&] { pushed = full.push(2); });
  std::thread popper([&] { popped = empty.pop().has_value(); });
  full.close();
  empty.close();
  pusher.join();
  popper.join();
  CHECK_FALSE(pushed);
  CHECK_FALSE(popped);
}

}  // namespace
}  // namespace garner
