#include "source/slow_file_system.h"

#include <sys/resource.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <functional>
#include <latch>
#include <memory>
#include <stop_token>
#include <string>
#include <system_error>
#include <thread>

#include "base/error.h"
#include "base/stop_scope.h"
#include "real_files.h"
#include "support/eventually.h"

namespace garner::source {
namespace {

constexpr std::chrono::milliseconds kLimit{500};

// What is said where the file system does not answer.
std::string failure(SlowFileSystem& slow, std::function<bool()> work) {
  try {
    slow.call(std::move(work));
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::kReadFailed);
    CHECK(error.error_number() == ETIMEDOUT);
    return error.what();
  }
  return "";
}

bool all_return(const BoundedCalls& calls) {
  return garner::testing::eventually([&] { return calls.left_behind() == 0; });
}

TEST_CASE("a file system that hangs is left alone by later runs until the call to it returns") {
  const auto calls = std::make_shared<BoundedCalls>(kLimit);
  const auto latch = std::make_shared<std::latch>(1);
  SlowFileSystem first(calls, "/mnt/a");
  const std::string message = failure(first, [latch] {
    latch->wait();
    return true;
  });
  CHECK(message == first.message());

  SlowFileSystem second(calls, "/mnt/a");
  const auto asked = std::make_shared<std::atomic<bool>>(false);
  CHECK(failure(second, [asked] { return asked->exchange(true); }) == message);
  CHECK(second.has_hung());
  CHECK(asked.use_count() == 1);  // no thread comes to it later
  CHECK_FALSE(*asked);
  CHECK(calls->left_behind() == 1);
  SlowFileSystem other(calls, "/mnt/b");
  CHECK(failure(other, [] { return true; }).empty());

  latch->count_down();
  REQUIRE(all_return(*calls));
  SlowFileSystem third(calls, "/mnt/a");
  CHECK(failure(third, [asked] { return asked->exchange(true); }).empty());
  CHECK(*asked);
}

TEST_CASE("that a stopped run leaves a call behind does not mean that the file system hangs") {
  const auto calls = std::make_shared<BoundedCalls>();
  const auto latch = std::make_shared<std::latch>(1);
  std::stop_source stop;
  stop.request_stop();
  bool cancelled = false;
  try {
    const StopScope scope(stop.get_token());
    SlowFileSystem(calls, "/mnt/a").call([latch] {
      latch->wait();
      return true;
    });
  } catch (const Error& error) {
    cancelled = error.kind() == ErrorKind::kCancelled;
  }
  CHECK(cancelled);
  CHECK(calls->left_behind() == 1);
  SlowFileSystem later(calls, "/mnt/a");
  CHECK(failure(later, [] { return true; }).empty());
  latch->count_down();
  CHECK(all_return(*calls));
}

void allow_threads(bool allowed) {
  rlimit limit{};
  testing::must(getrlimit(RLIMIT_NPROC, &limit), "getrlimit");
  limit.rlim_cur = allowed ? limit.rlim_max : 0;
  testing::must(setrlimit(RLIMIT_NPROC, &limit), "setrlimit");
}

bool is_without_threads() {
  allow_threads(false);
  try {
    std::thread([] {}).join();
  } catch (const std::system_error&) {
    return true;
  }
  return false;
}

TEST_CASE("where no thread can be had a call is refused, and one that nobody waits for is made later") {
  if (!testing::is_root()) return testing::skip("only root can become somebody else");
  if (!testing::as_nobody(is_without_threads)) return testing::skip("threads are not limited here");
  const bool good = testing::as_nobody([] {
    BoundedCalls calls;
    allow_threads(false);
    const bool refused = calls.run("/mnt/a", [] {}) == BoundedCalls::Outcome::kRefused;
    const auto held = std::make_shared<int>(0);
    calls.run_unattended([held] {});
    const bool kept = held.use_count() == 2 && calls.left_behind() == 1;
    allow_threads(true);
    const bool done = calls.run("/mnt/a", [] {}) == BoundedCalls::Outcome::kDone;
    return refused && kept && done && all_return(calls) && held.use_count() == 1;
  });
  CHECK(good);
}

}  // namespace
}  // namespace garner::source
