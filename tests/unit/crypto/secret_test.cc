#include "crypto/secret.h"

#include <rapidcheck.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <catch2/catch.hpp>
#include <thread>
#include <utility>
#include <vector>

namespace garner::crypto {
namespace {

bool is_same_bytes(ByteView a, ByteView b) { return std::equal(a.begin(), a.end(), b.begin(), b.end()); }

TEST_CASE("a secret holds its bytes and is moved or copied") {
  const Bytes bytes = {1, 2, 3};
  Secret first{ByteView(bytes)};
  Secret second = first.copy();
  CHECK(is_same_bytes(second.view(), bytes));
  Secret third = std::move(first);
  CHECK(first.empty());  // NOLINT(bugprone-use-after-move): what a moved-from Secret holds is its contract
  CHECK(is_same_bytes(third.view(), bytes));
  second = std::move(third);
  CHECK(is_same_bytes(second.view(), bytes));
  CHECK(Secret().empty());
  CHECK(Secret(std::size_t{0}).empty());
}

TEST_CASE("a new secret is zero") {
  const Secret secret(std::size_t{5000});
  CHECK(std::all_of(secret.view().begin(), secret.view().end(), [](std::uint8_t byte) { return byte == 0; }));
}

TEST_CASE(
    "secrets of all sizes do not touch each other, and what one leaves behind is not seen by the next") {
  REQUIRE(
      rc::check("secrets come and go", [](const std::vector<std::pair<std::uint8_t, std::uint16_t>>& steps) {
        std::vector<std::pair<Secret, Bytes>> held;
        for (const auto& [size, choice] : steps) {
          if (choice % 3 == 0 && !held.empty()) {
            held.erase(held.begin() + choice % static_cast<std::ptrdiff_t>(held.size()));
            continue;
          }
          Secret secret(std::size_t{size});
          RC_ASSERT(std::ranges::count(secret.view(), 0) == size);
          Bytes bytes(size, static_cast<std::uint8_t>(choice | 1));
          std::ranges::copy(bytes, secret.mutable_view().begin());
          held.emplace_back(std::move(secret), std::move(bytes));
        }
        for (const auto& [secret, bytes] : held) RC_ASSERT(is_same_bytes(secret.view(), bytes));
      }));
}

TEST_CASE("more secrets than fit a page, from several threads") {
  std::vector<std::thread> threads;
  std::atomic<int> wrong = 0;
  for (std::uint8_t number = 1; number <= 4; ++number) {
    threads.emplace_back([number, &wrong] {
      for (int round = 0; round < 20; ++round) {
        const Bytes bytes(32, number);
        std::vector<Secret> secrets;
        for (int i = 0; i < 200; ++i) secrets.emplace_back(ByteView(bytes));
        for (const Secret& secret : secrets) wrong += is_same_bytes(secret.view(), bytes) ? 0 : 1;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(wrong == 0);
}

// In a process of its own, which gives up the right to lock memory without limit.
TEST_CASE("secrets work where no memory may be locked") {
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    const rlimit none{0, 0};
    const bool limited = setrlimit(RLIMIT_MEMLOCK, &none) == 0 && (geteuid() != 0 || setuid(65534) == 0);
    // Small ones until pages are made for them here.
    bool same = true;
    std::vector<Secret> secrets;
    for (std::size_t i = 0; i < 10'000; ++i) {
      const Bytes bytes(i < 9'990 ? 3 : 5'000, 7);
      secrets.emplace_back(ByteView(bytes));
      same = same && is_same_bytes(secrets.back().view(), bytes);
    }
    _exit(limited && same ? 0 : 1);
  }
  int status = -1;
  REQUIRE(waitpid(child, &status, 0) == child);
  CHECK((WIFEXITED(status) && WEXITSTATUS(status) == 0));
}

TEST_CASE("random bytes fill what they are asked to fill") {
  // One byte that stays 0 in all of 64 tries would be a hole.
  Bytes seen(1000);
  for (int i = 0; i < 64; ++i) {
    const Secret random = random_secret(seen.size());
    for (std::size_t at = 0; at < seen.size(); ++at) seen[at] |= random.view()[at];
  }
  CHECK(std::none_of(seen.begin(), seen.end(), [](std::uint8_t byte) { return byte == 0; }));
  fill_random({});
}

TEST_CASE("wiping leaves zeros") {
  Bytes bytes = {1, 2, 3};
  wipe(MutableByteView(bytes).first(2));
  CHECK(bytes == Bytes{0, 0, 3});
  wipe({});
}

TEST_CASE("comparing in constant time compares") {
  REQUIRE(rc::check("equal_constant_time", [](const Bytes& a, const Bytes& b) {
    RC_ASSERT(equal_constant_time(a, a));
    RC_ASSERT(equal_constant_time(a, b) == (a == b));
  }));
  CHECK_FALSE(equal_constant_time(Bytes{1, 2}, Bytes{1}));
}

TEST_CASE("starting may be asked for at any time, from any thread") {
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) threads.emplace_back([] { initialize_crypto(); });
  for (std::thread& thread : threads) thread.join();
}

}  // namespace
}  // namespace garner::crypto
