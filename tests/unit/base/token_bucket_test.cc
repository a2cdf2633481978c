#include "base/token_bucket.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <cstdint>
#include <random>

using namespace garner;
using namespace std::chrono_literals;

namespace {

// Takes as much as it may until `end`, in pieces of up to `most`; the bytes taken.
std::uint64_t take_until(TokenBucket& bucket, TokenBucket::Time& now, TokenBucket::Time end,
                         std::uint64_t most, std::mt19937_64& random) {
  std::uint64_t taken = 0;
  while (now < end) {
    const std::uint64_t bytes = random() % most + 1;
    const auto wait = bucket.take(bytes, now);
    if (wait == 0ns) {
      taken += bytes;
    } else {
      now += wait;
    }
  }
  return taken;
}

}  // namespace

TEST_CASE("over a long time as much goes by as the rate says, to the byte") {
  const auto seed = std::random_device()();
  INFO("seed " << seed);
  std::mt19937_64 random(seed);
  for (const std::uint64_t rate : {1000ull, 1237ull, 2'000'000ull, 999'999'937ull, 4ull << 30}) {
    INFO("rate " << rate);
    TokenBucket bucket;
    TokenBucket::Time now{1h};
    bucket.set_rate(rate, now);
    const auto days = rate > 10'000'000 ? 2min : 24h * 3;
    const TokenBucket::Time begin = now;
    const std::uint64_t piece = std::max<std::uint64_t>(bucket.piece(), 1);
    const std::uint64_t taken = take_until(bucket, now, begin + days, piece, random);
    const auto passed =
        static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(now - begin).count());
    const std::uint64_t allowed =
        passed / 1'000'000'000 * rate + passed % 1'000'000'000 * rate / 1'000'000'000;
    // What the bucket held at first, and the last piece.
    CHECK(taken <= allowed + rate / 4 + piece);
    CHECK(taken + piece >= allowed);
  }
}

TEST_CASE("asking often loses no fraction of a byte") {
  TokenBucket bucket;
  TokenBucket::Time now{1h};
  bucket.set_rate(1001, now);
  bucket.take_owing(1'000'000, now);
  // A nanosecond is a millionth of a byte: each look alone gives none.
  for (int look = 0; look < 1'000'000; ++look) {
    now += 999ns;
    bucket.take(1, now);
  }
  now += 1ms;
  // A second has passed, and 1,001 bytes are paid of 1,000,000 less the 250 that were there.
  const auto wait = bucket.take(1, now);
  CHECK(std::chrono::duration_cast<std::chrono::seconds>(wait).count() ==
        (1'000'000 - 250 - 1001 + 1) / 1001);
}

TEST_CASE("what is owed is waited for, and then bytes go by again") {
  TokenBucket bucket;
  TokenBucket::Time now{1h};
  bucket.set_rate(1'000'000, now);
  CHECK(bucket.take(10'000'000, now) == 0ns);  // more than there is: owed
  const auto wait = bucket.take(1, now);
  CHECK(wait > 9700ms);
  CHECK(wait < 9800ms);
  CHECK(bucket.take(1, now + wait - 1us) > 0ns);
  CHECK(bucket.take(1, now + wait) == 0ns);
}

TEST_CASE("a bucket that nobody takes from holds a quarter of a second's") {
  TokenBucket bucket;
  TokenBucket::Time now{1h};
  bucket.set_rate(4000, now);
  now += 24h * 3650;
  CHECK(bucket.take(999, now) == 0ns);
  CHECK(bucket.take(1, now) == 0ns);
  CHECK(bucket.take(1, now) > 0ns);
}

TEST_CASE("without a rate nothing waits, and what was owed is forgiven") {
  TokenBucket bucket;
  TokenBucket::Time now{1h};
  CHECK(bucket.take(1ull << 60, now) == 0ns);
  bucket.set_rate(1000, now);
  bucket.take_owing(1ull << 60, now);
  CHECK(bucket.take(1, now) == 1h);  // no longer at a time
  bucket.set_rate(std::nullopt, now);
  CHECK(bucket.take(1ull << 60, now) == 0ns);
  bucket.set_rate(1000, now);
  CHECK(bucket.take(1, now) == 0ns);
}

TEST_CASE("a lower rate holds from the moment it is set") {
  TokenBucket bucket;
  TokenBucket::Time now{1h};
  bucket.set_rate(1'000'000, now);
  bucket.take_owing(1'250'000, now);  // 1,000,000 owed
  now += 500ms;                       // half of it is paid
  bucket.set_rate(1000, now);
  const auto wait = bucket.take(1, now);
  CHECK(std::chrono::duration_cast<std::chrono::seconds>(wait).count() == 500);
}

TEST_CASE("a clock that stands still or goes back gives nothing") {
  TokenBucket bucket;
  const TokenBucket::Time now{1h};
  bucket.set_rate(1000, now);
  CHECK(bucket.take(250, now) == 0ns);
  CHECK(bucket.take(1, now) > 0ns);
  CHECK(bucket.take(1, now - 30min) > 0ns);
  CHECK(bucket.take(1, now) > 0ns);
}
