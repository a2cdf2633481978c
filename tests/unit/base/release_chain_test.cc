#include "base/release_chain.h"

#include <catch2/catch.hpp>

#include <atomic>
#include <thread>

namespace garner {
namespace {

struct Link {
  explicit Link(std::shared_ptr<Link> parent) : above(std::move(parent)) { ++alive; }
  ~Link() {
    --alive;
    release_chain(std::move(above));
  }
  std::shared_ptr<Link> above;
  static std::atomic<int> alive;
};
std::atomic<int> Link::alive = 0;

std::shared_ptr<Link> chain(std::shared_ptr<Link> top, int length) {
  for (int number = 0; number < length; ++number) top = std::make_shared<Link>(std::move(top));
  return top;
}

TEST_CASE("a chain that is deeper than a stack is released") {
  auto bottom = chain(nullptr, 1'000'000);
  CHECK(Link::alive == 1'000'000);
  bottom.reset();
  CHECK(Link::alive == 0);
}

TEST_CASE("of a chain what others own stays, until the last of them releases it") {
  auto shared = chain(nullptr, 1'000);
  auto one = chain(shared, 1'000);
  auto other = chain(shared, 1'000);
  one.reset();
  CHECK(Link::alive == 2'000);
  CHECK(shared->above != nullptr);
  one = chain(shared, 1'000);
  shared.reset();
  std::thread beside([&] { one.reset(); });
  other.reset();
  beside.join();
  CHECK(Link::alive == 0);
}

}  // namespace
}  // namespace garner
