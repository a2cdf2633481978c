#include <utility>

#include "schedule_timer.h"

#include <spdlog/spdlog.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <boost/asio/post.hpp>
#include <cerrno>

#include "base/error.h"

namespace garner::daemon {

namespace {

constexpr std::chrono::seconds kAfterError{60};
// Later than any clock shows.
constexpr time_t kFarFuture = 1'000'000'000'000;

int make_timer(clockid_t clock) {
  const int timer = timerfd_create(clock, TFD_CLOEXEC | TFD_NONBLOCK);
  if (timer < 0) throw system_error(errno, "making a timer", ErrorKind::kUnavailable);
  return timer;
}

}  // namespace

ScheduleTimer::ScheduleTimer(boost::asio::io_context& context, Look look, Post post)
    : context_(context),
      look_(std::move(look)),
      post_(std::move(post)),
      pause_(context, make_timer(CLOCK_BOOTTIME)),
      clock_change_(context, make_timer(CLOCK_REALTIME)) {}

void ScheduleTimer::start() {
  {
    const std::lock_guard lock(mutex_);
    started_ = true;
  }
  boost::asio::post(context_, [this] {
    await_pause();
    await_clock_change();
  });
  poke();
}

void ScheduleTimer::stop() {
  {
    const std::lock_guard lock(mutex_);
    started_ = false;
  }
  boost::system::error_code ignored;
  pause_.cancel(ignored);
  clock_change_.cancel(ignored);
}

void ScheduleTimer::poke() {
  {
    const std::lock_guard lock(mutex_);
    if (!started_) return;
    again_ = looking_;
    if (looking_) return;
    looking_ = true;
  }
  post_([this] { run_look(); });
}

void ScheduleTimer::run_look() {
  std::chrono::milliseconds pause = kAfterError;
  try {
    pause = look_();
  } catch (const std::exception& error) {
    spdlog::error("looking at schedules: {}", error.what());
  }
  bool again = false;
  {
    const std::lock_guard lock(mutex_);
    again = std::exchange(again_, false) && started_;
    looking_ = again;
  }
  if (again) {
    post_([this] { run_look(); });
  } else {
    arm(pause);
  }
}

void ScheduleTimer::arm(std::chrono::milliseconds pause) {
  itimerspec time{};
  const auto nanoseconds = std::chrono::nanoseconds(pause).count();
  time.it_value.tv_sec = nanoseconds / 1'000'000'000;
  time.it_value.tv_nsec = nanoseconds % 1'000'000'000;
  if (timerfd_settime(pause_.native_handle(), 0, &time, nullptr) != 0)
    spdlog::error("{}", system_error(errno, "setting a timer").what());
}

void ScheduleTimer::await_pause() {
  pause_.async_wait(boost::asio::posix::stream_descriptor::wait_read,
                    [this](const boost::system::error_code& error) {
                      if (error) return;
                      std::uint64_t times = 0;
                      if (read(pause_.native_handle(), &times, sizeof times) > 0) poke();
                      await_pause();
                    });
}

void ScheduleTimer::await_clock_change() {
  itimerspec time{};
  time.it_value.tv_sec = kFarFuture;
  if (timerfd_settime(clock_change_.native_handle(), TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &time,
                      nullptr) != 0) {
    spdlog::warn("{}", system_error(errno, "waiting for the clock to be set").what());
    return;  // it is noticed at the next look
  }
  clock_change_.async_wait(
      boost::asio::posix::stream_descriptor::wait_read, [this](const boost::system::error_code& error) {
        if (error) return;
        std::uint64_t times = 0;
        if (read(clock_change_.native_handle(), &times, sizeof times) < 0 && errno == ECANCELED) {
          poke();
        }
        await_clock_change();
      });
}

}  // namespace garner::daemon
