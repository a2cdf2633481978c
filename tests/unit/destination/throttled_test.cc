#include "destination/throttled.h"

#include <catch2/catch.hpp>

#include <thread>

#include "base/error.h"
#include "base/stop_scope.h"
#include "destination/local.h"
#include "support/destination_contract.h"
#include "support/eventually.h"
#include "support/memory_destination.h"
#include "support/temporary_folder.h"

using namespace garner;
using namespace garner::destination;
using namespace std::chrono_literals;

namespace {

// A limit at which a test would wait for hours, if it did.
constexpr std::uint64_t kSlow = 1000;

RateLimiter::Plan always(std::optional<std::uint64_t> rate) {
  return [rate](TimePoint) { return RateNow{rate, std::nullopt}; };
}

// The clock stands still, so that what was taken shows to the byte in how long the next one would wait.
class StillClock final : public Clock {
 public:
  TimePoint now() const override { return {1'800'000'000, 0}; }
  std::chrono::steady_clock::time_point steady() const override {
    return std::chrono::steady_clock::time_point(1h);
  }
};

struct ThrottledFixture {
  testing::TemporaryFolder folder;
  StillClock clock;
  std::shared_ptr<LocalDestination> local = std::make_shared<LocalDestination>(folder.path("place"));
  std::shared_ptr<Limits> limits = std::make_shared<Limits>(clock);
  ThrottledDestination place{local, limits};

  ThrottledFixture() {
    local->create_folder();
    limits->upload.set_plan(always(kMillion));
    limits->download.set_plan(always(kMillion));
  }
  // Bytes, as long as they come to more than the quarter of a second's that is there at first, and less than
  // a minute's.
  static std::uint64_t owed(RateLimiter& limiter) {
    const auto wait = limiter.step(1).wait;
    return static_cast<std::uint64_t>(wait.count()) / 1000 + kMillion / 4 - 1;
  }

  static constexpr std::uint64_t kMillion = 1'000'000;
};

class ThrottledPlace final : public testing::DestinationPlace {
 public:
  std::unique_ptr<Destination> open() override {
    auto limits = std::make_shared<Limits>(system_clock());
    limits->upload.set_plan(always(TokenBucket::kMostRate));
    limits->download.set_plan(always(TokenBucket::kMostRate));
    return std::make_unique<ThrottledDestination>(open_local(folder_.path()), std::move(limits));
  }

 private:
  testing::TemporaryFolder folder_;
};

}  // namespace

TEST_CASE("throttled: the contract of destinations") {
  testing::check_destination_contract([] { return std::make_unique<ThrottledPlace>(); });
}

TEST_CASE("every byte that is written counts, however it is written") {
  ThrottledFixture fixture;
  std::uint64_t written = 0;
  const auto check_written = [&] { CHECK(ThrottledFixture::owed(fixture.limits->upload) == written); };
  fixture.place.put("index/a", Bytes(300'000));
  written += 300'000;
  check_written();
  CHECK(fixture.place.put_exclusive("log/0", Bytes(1234)));
  written += 1234;
  check_written();
  // A file of its own staging folder, of which it was told as it grew.
  const std::string staged = *fixture.place.staging_folder() + "/pack";
  replace_file_durably(staged, Bytes(50'000));
  fixture.place.staged(20'000);
  fixture.place.staged(30'000);
  fixture.place.put_file("packs/00/a", staged);
  written += 50'000;
  check_written();
  // One of elsewhere is sent when it is put.
  const std::string elsewhere = fixture.folder.path("spooled");
  replace_file_durably(elsewhere, Bytes(70'000));
  fixture.place.put_file("packs/00/b", elsewhere);
  written += 70'000;
  check_written();
  CHECK(fixture.local->size("packs/00/b") == 70'000);
}

TEST_CASE("every byte that is read counts, and listings do not") {
  ThrottledFixture fixture;
  fixture.local->put("index/a", Bytes(500'000));
  fixture.local->put("index/b", Bytes(1000));
  CHECK(fixture.place.get("index/a", 1000, 400'000).size() == 400'000);
  CHECK(fixture.place.get_all("index/b", 4096).size() == 1000);
  CHECK(fixture.place.list("").size() == 2);
  CHECK(fixture.place.size("index/a") == 500'000);
  CHECK(ThrottledFixture::owed(fixture.limits->download) == 401'000);
  CHECK(fixture.limits->upload.step(1).wait == 0ns);
}

TEST_CASE("where there is no staging folder, what is told of one does not count") {
  StillClock clock;
  const auto limits = std::make_shared<Limits>(clock);
  limits->upload.set_plan(always(kSlow));
  ThrottledDestination place(std::make_shared<testing::MemoryDestination>(), limits);
  place.staged(1'000'000);
  CHECK(limits->upload.step(1).wait == 0ns);
}

TEST_CASE("a run that is stopped while it is held back goes on at once, and has written what it began") {
  testing::TemporaryFolder folder;
  const auto local = std::make_shared<LocalDestination>(folder.path("place"));
  local->create_folder();
  const auto limits = std::make_shared<Limits>(system_clock());
  limits->upload.set_plan(always(kSlow));
  ThrottledDestination place(local, limits);
  std::stop_source stop;
  std::jthread run([&] {
    const StopScope scope(stop.get_token());
    place.put("index/a", Bytes(10'000'000));
    place.put("index/b", Bytes(10'000'000));
  });
  CHECK(garner::testing::eventually([&] { return limits->upload.is_holding(); }));
  CHECK_FALSE(local->size("index/a").has_value());
  stop.request_stop();
  run.join();
  CHECK(local->size("index/a") == 10'000'000);
  CHECK(local->size("index/b") == 10'000'000);
}

TEST_CASE("whoever is no run is not held back") {
  testing::TemporaryFolder folder;
  const auto local = std::make_shared<LocalDestination>(folder.path("place"));
  local->create_folder();
  local->put("index/a", Bytes(10'000'000));
  const auto limits = std::make_shared<Limits>(system_clock());
  limits->download.set_plan(always(kSlow));
  ThrottledDestination place(local, limits);
  CHECK(place.get_all("index/a", 1u << 30).size() == 10'000'000);
  CHECK(limits->download.step(1).wait > 30s);
}
