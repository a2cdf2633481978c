#include "destination/trial.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <atomic>
#include <catch2/catch.hpp>
#include <filesystem>
#include <thread>

#include "base/file.h"
#include "base/uuid.h"
#include "destination/local.h"
#include "support/hooked_destination.h"
#include "support/temporary_folder.h"
#include "support/trial_report.h"

using namespace garner;
using namespace garner::destination;
using namespace garner::testing;
namespace fs = std::filesystem;

namespace {

std::vector<std::string> all_below(const std::string& folder) {
  std::vector<std::string> names;
  for (const auto& entry : fs::recursive_directory_iterator(folder))
    names.push_back(fs::relative(entry.path(), folder).string());
  std::sort(names.begin(), names.end());
  return names;
}

struct TrialFixture {
  TemporaryFolder folder;
  const std::string root = folder.path("place");
  PlaceContext context{std::make_shared<Limits>(system_clock()), std::make_shared<RequestCounts>(),
                       kTrialWriter};
  TrialOptions options = trial_options(folder.path("spool"));

  TrialFixture() {
    fs::create_directories(root);
    fs::create_directories(options.spool_folder);
    LocalDestination(root).put(kTrialHeader, Bytes(300));
  }
  TrialReport run(
      const std::function<void(const TrialReport&)>& told = [](const TrialReport&) {},
      const std::stop_token& stop = {}) {
    return try_place(root, {}, context, options, told, stop);
  }
  void write(const std::string& key, int days_ago) {
    LocalDestination(root).put(key, Bytes(10));
    const std::string path = root + "/" + key;
    const timespec time{std::time(nullptr) - days_ago * 86'400, 0};
    const timespec times[2] = {time, time};
    REQUIRE(utimensat(AT_FDCWD, path.c_str(), times, 0) == 0);
  }
};

}  // namespace

TEST_CASE("a trial of a folder goes well, is told step by step, and leaves nothing") {
  TrialFixture fixture;
  std::vector<std::string> told;
  const TrialReport report = fixture.run([&](const TrialReport& so_far) {
    if (told.empty() || told.back() != so_far.current) told.push_back(so_far.current);
  });
  check_went_well(report, "");
  CHECK(told.size() == report.steps.size() + 1);
  CHECK(told.front() == "repository");
  CHECK(told.back().empty());
  CHECK(all_below(fixture.root) == std::vector<std::string>{".staging", kTrialHeader});
  CHECK(fs::is_empty(fixture.options.spool_folder));
  CHECK(report.upload.limit == 0);
}

TEST_CASE("a trial of a place that is another one, or away, writes nothing") {
  TrialFixture fixture;
  fs::remove(fixture.root + "/" + kTrialHeader);
  TrialReport report = fixture.run();
  REQUIRE(report.steps.size() == 1);
  CHECK(report.steps[0].finding.outcome == TrialOutcome::kBad);
  CHECK(report.steps[0].finding.detail == "this is no repository");
  CHECK_FALSE(report.all_well());
  CHECK(all_below(fixture.root) == std::vector<std::string>{".staging"});
  fs::remove_all(fixture.root);
  report = fixture.run();
  CHECK(report.steps.size() == 1);
  CHECK_FALSE(fs::exists(fixture.root));
}

TEST_CASE("what a trial has left that was killed the next one removes, and others' when it is old") {
  TrialFixture fixture;
  fixture.write("trial/" + kTrialWriter + "/of-now/small", 0);
  fixture.write("trial/" + kTrialWriter + "/of-then/small", 9);
  const std::string now = kOtherWriter + "/" + Uuid::random().text();
  const std::string then = kOtherWriter + "/" + Uuid::random().text();
  fixture.write("trial/" + now + "/small", 0);
  fixture.write("trial/" + then + "/small", 2);
  write_at(open_file(fixture.root + "/.staging/trial-" + kTrialWriter, O_WRONLY | O_CREAT).get(), Bytes(9), 0,
           "");
  const TrialReport report = fixture.run();
  CHECK(report.all_well());
  CHECK(finding_of(report, "listing").detail.find("cut off") != std::string::npos);
  CHECK(all_below(fixture.root + "/trial") == std::vector<std::string>{kOtherWriter, now, now + "/small"});
  CHECK(fs::is_empty(fixture.root + "/.staging"));
}

TEST_CASE("what a trial measures obeys the limits, and its small requests do not wait") {
  TrialFixture fixture;
  // 1 MiB takes four seconds, less what may go at once.
  const auto rate = [](std::uint64_t bytes) {
    return [bytes](TimePoint) { return RateNow{bytes, std::nullopt}; };
  };
  fixture.context.limits->upload.set_plan(rate(256 << 10));
  fixture.context.limits->download.set_plan(rate(512 << 10));
  const TrialReport report = fixture.run();
  CHECK(report.all_well());
  CHECK(report.upload.bytes == 1 << 20);
  CHECK(report.upload.took > std::chrono::seconds(3));
  CHECK(report.upload.limit == 256 << 10);
  CHECK(report.download.took > std::chrono::milliseconds(1500));
  CHECK(report.download.limit == 512 << 10);
  CHECK(finding_of(report, "upload").detail.find("that the limit allows") != std::string::npos);
  CHECK(find_step(report, "writing")->took < std::chrono::seconds(1));
}

TEST_CASE("a trial that is stopped ends soon and leaves nothing") {
  TrialFixture fixture;
  fixture.context.limits->upload.set_plan([](TimePoint) { return RateNow{1000, std::nullopt}; });
  std::stop_source stop;
  const auto begun = std::chrono::steady_clock::now();
  std::jthread stopping;
  try {
    fixture.run(
        [&](const TrialReport& so_far) {
          if (so_far.current != "upload") return;
          // While it waits for the limit.
          stopping = std::jthread([&] {
            while (!fixture.context.limits->upload.is_holding()) std::this_thread::yield();
            stop.request_stop();
          });
        },
        stop.get_token());
    FAIL("it was not stopped");
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::kCancelled);
  }
  CHECK(std::chrono::steady_clock::now() - begun < std::chrono::seconds(20));
  CHECK(all_below(fixture.root) == std::vector<std::string>{".staging", kTrialHeader});
}

TEST_CASE("what somebody else keeps where trials are stays, however old it is") {
  TrialFixture fixture;
  const std::string uuid = Uuid::random().text();
  std::vector<std::string> keys{
      "trial/thesis.txt",
      "trial/2024/thesis.txt",
      "trial/" + kOtherWriter + "/thesis.txt",
      "trial/" + kOtherWriter + "/of-then/thesis.txt",
      "trial/" + kOtherWriter + "/" + uuid,
      "trial/" + kOtherWriter.substr(1) + "x/" + uuid + "/thesis.txt",
      "trial/" + kOtherWriter + "0/" + uuid + "/thesis.txt",
      "trial/" + kOtherWriter + "/" + uuid + "0/thesis.txt",
  };
  for (const std::string& key : keys) fixture.write(key, 400);
  CHECK(fixture.run().all_well());
  LocalDestination place(fixture.root);
  std::vector<std::string> there;
  for (const ObjectInfo& object : place.list("trial/")) there.push_back(object.key);
  std::sort(keys.begin(), keys.end());
  CHECK(there == keys);
}

TEST_CASE("an upload that fails leaves no file on the disk that is full") {
  TrialFixture fixture;
  const auto hooked = std::make_shared<HookedDestination>(std::make_shared<LocalDestination>(fixture.root));
  std::string folder;
  SECTION("which the place is on") { folder = fixture.root + "/.staging"; }
  SECTION("from which a server is sent") {
    hooked->has_staging_folder = false;
    folder = fixture.options.spool_folder;
  }
  hooked->before_put_file = [](const std::string&) {
    throw Error(ErrorKind::kDestinationFull, "no space left on the device");
  };
  TrialPlace place;
  place.place = hooked;
  const TrialReport report = try_place(
      place, fixture.context, fixture.options, [](const TrialReport&) {}, std::stop_token());
  CHECK(finding_of(report, "upload").outcome == TrialOutcome::kBad);
  CHECK(finding_of(report, "deleting").outcome == TrialOutcome::kGood);
  CHECK(find_step(report, "download") == nullptr);
  REQUIRE(fs::exists(folder));
  CHECK(fs::is_empty(folder));
}

TEST_CASE("what is read back to be measured is forgotten before") {
  TrialFixture fixture;
  const auto hooked = std::make_shared<HookedDestination>(std::make_shared<LocalDestination>(fixture.root));
  std::vector<std::string> sent;
  std::vector<std::string> forgotten;
  hooked->before_put_file = [&](const std::string& key) { sent.push_back(key); };
  std::atomic<bool> was_early = false;
  hooked->before_get = [&](const std::string& key) {
    if (!sent.empty() && key == sent.back() && forgotten.empty()) was_early = true;
  };
  TrialPlace place;
  place.place = hooked;
  place.forget = [&](const std::string& key) { forgotten.push_back(key); };
  const TrialReport report = try_place(
      place, fixture.context, fixture.options, [](const TrialReport&) {}, std::stop_token());
  CHECK(report.all_well());
  REQUIRE_FALSE(sent.empty());
  CHECK(forgotten == std::vector<std::string>{sent.back()});
  CHECK_FALSE(was_early);
}
