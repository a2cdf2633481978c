#include <utility>

#include "schedule_timer.h"
#include "support/eventually.h"

#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>
#include <condition_variable>
#include <thread>

#include <catch2/catch.hpp>

namespace garner::daemon {
namespace {

using namespace std::chrono_literals;

// A loop and a pool as the daemon has them, and a look that a test waits for.
class Looked {
 public:
  explicit Looked(std::chrono::milliseconds pause)
      : timer_(
            context_, [this, pause] { return look(pause); },
            [this](std::function<void()> job) { boost::asio::post(pool_, std::move(job)); }),
        loop_([this] { context_.run(); }) {}
  ~Looked() {
    boost::asio::post(context_, [this] {
      timer_.stop();
      work_.reset();
    });
    loop_.join();
    release();
    pool_.join();
  }

  ScheduleTimer& timer() { return timer_; }
  bool wait_for(int times) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, garner::testing::kPatience, [&] { return times_ >= times; });
  }
  int times() {
    const std::lock_guard lock(mutex_);
    return times_;
  }
  // Looks that have begun wait until release().
  void hold() {
    const std::lock_guard lock(mutex_);
    held_ = true;
  }
  void release() {
    const std::lock_guard lock(mutex_);
    held_ = false;
    changed_.notify_all();
  }
  bool twice_at_a_time() const { return twice_; }

 private:
  std::chrono::milliseconds look(std::chrono::milliseconds pause) {
    std::unique_lock lock(mutex_);
    if (looking_) twice_ = true;
    looking_ = true;
    ++times_;
    changed_.notify_all();
    changed_.wait(lock, [&] { return !held_; });
    looking_ = false;
    return pause;
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  int times_ = 0;
  bool held_ = false;
  bool looking_ = false;
  std::atomic<bool> twice_ = false;
  boost::asio::io_context context_;
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_ =
      boost::asio::make_work_guard(context_);
  boost::asio::thread_pool pool_{2};
  ScheduleTimer timer_;
  std::thread loop_;
};

TEST_CASE("the timer looks at once, and again after the time that was asked for") {
  Looked looked(5ms);
  looked.timer().start();
  CHECK(looked.wait_for(5));
  CHECK_FALSE(looked.twice_at_a_time());
}

TEST_CASE("the timer looks when something has changed, never twice at a time") {
  Looked looked(1h);
  looked.timer().poke();  // before its start: nothing
  looked.hold();
  looked.timer().start();
  REQUIRE(looked.wait_for(1));
  CHECK(looked.times() == 1);
  // While it looks: once more afterwards, however often.
  for (int i = 0; i < 10; ++i) looked.timer().poke();
  looked.release();
  CHECK(looked.wait_for(2));
  CHECK_FALSE(looked.twice_at_a_time());
}

}  // namespace
}  // namespace garner::daemon
