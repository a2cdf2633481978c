// What runs write and read through a limit counts to the byte, in packs that grow in the staging folder too.
#include <catch2/catch.hpp>

#include <atomic>
#include <memory>

#include "destination/throttled.h"
#include "maintenance/forget.h"
#include "maintenance/prune.h"
#include "support/passing_destination.h"
#include "unit/maintenance/maintenance_fixture.h"

using namespace garner;
using namespace garner::testing;

namespace {

// So low that more goes by than a quarter of a second's, and so high that it is no minute's.
constexpr std::uint64_t kUpload = 10'000'000;
constexpr std::uint64_t kDownload = 1'000'000;

class StillClock final : public Clock {
 public:
  TimePoint now() const override { return {1'800'000'000, 0}; }
  std::chrono::steady_clock::time_point steady() const override {
    return std::chrono::steady_clock::time_point(std::chrono::hours(1));
  }
};

// Counts what objects are made and read of.
class CountingDestination final : public PassingDestination {
 public:
  using PassingDestination::PassingDestination;

  void put(const std::string& key, ByteView data) override {
    inner_->put(key, data);
    written += data.size();
  }
  bool put_exclusive(const std::string& key, ByteView data) override {
    written += data.size();
    return inner_->put_exclusive(key, data);
  }
  void put_file(const std::string& key, const std::string& path) override {
    inner_->put_file(key, path);
    written += inner_->size(key).value();
  }
  Bytes get(const std::string& key, std::uint64_t offset, std::uint64_t length) override {
    read += length;
    return inner_->get(key, offset, length);
  }
  Bytes get_all(const std::string& key, std::uint64_t limit) override {
    Bytes data = inner_->get_all(key, limit);
    read += data.size();
    return data;
  }

  std::atomic<std::uint64_t> written = 0;
  std::atomic<std::uint64_t> read = 0;
};

class IgnoringMonitor final : public maintenance::PruneMonitor {
 public:
  void progressed(const maintenance::PruneProgress&) override {}
  void problem(const std::string&) override {}
};

// What was taken of a limit since the clock stands still.
std::uint64_t taken(RateLimiter& limiter, std::uint64_t rate) {
  const auto wait = limiter.step(1).wait;
  REQUIRE(wait.count() > 0);
  REQUIRE(wait < std::chrono::minutes(1));
  return static_cast<std::uint64_t>(wait.count()) / (1'000'000'000 / rate) + rate / 4 - 1;
}

}  // namespace

TEST_CASE("what a backup and a prune write counts to the byte, and what a check reads") {
  TemporaryFolder source;
  SmallRepository small;
  StillClock clock;
  std::shared_ptr<CountingDestination> counting;
  const auto limits = std::make_shared<destination::Limits>(clock);
  small.wrap([&](std::shared_ptr<destination::Destination> inner) {
    counting = std::make_shared<CountingDestination>(std::move(inner));
    return std::make_shared<destination::ThrottledDestination>(counting, limits);
  });
  counting->written = 0;
  counting->read = 0;
  limits->upload.set_plan([](TimePoint) { return RateNow{kUpload, std::nullopt}; });
  limits->download.set_plan([](TimePoint) { return RateNow{kDownload, std::nullopt}; });

  for (int number = 0; number < 300; ++number)
    write_file(source.path("file" + std::to_string(number)), noise(9000, static_cast<std::uint64_t>(number)));
  small.back_up({source.path()});
  const auto first = crypto::BlobId::from_bytes(as_bytes(small.repository().state()->snapshots(0).id()));
  CHECK(taken(limits->upload, kUpload) == counting->written);

  for (int number = 0; number < 300; ++number) {
    if (number % 7 != 0) std::filesystem::remove(source.path("file" + std::to_string(number)));
  }
  small.back_up({source.path()});
  CHECK(taken(limits->upload, kUpload) == counting->written);
  maintenance::ForgetOptions forget;
  forget.choose = [&](const store::v1::RepositoryState&) { return std::vector{first}; };
  maintenance::run_forget(small.repository(), forget, system_clock());
  maintenance::PruneOptions options;
  options.run = Uuid::random();
  options.grace = std::chrono::seconds(0);
  options.threads = 2;
  IgnoringMonitor ignoring;
  CHECK(maintenance::run_prune(small.repository(), options, system_clock(), ignoring, {}).rewritten.packs >
        0);
  CHECK(taken(limits->upload, kUpload) == counting->written);

  RecordingCheckMonitor monitor;
  maintenance::CheckOptions check;
  check.read_data_percent = 100;
  check.threads = 2;
  maintenance::run_check(small.repository(), check, monitor, {});
  CHECK(monitor.problems.empty());
  CHECK(taken(limits->download, kDownload) == counting->read);
}
