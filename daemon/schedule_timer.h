// Wakes the scheduler: after the time it asked for, when the clock is set, and when something has changed.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <chrono>
#include <functional>
#include <mutex>

namespace garner::daemon {

class ScheduleTimer {
 public:
  // `look` says after how long it wants to be called again. It runs as a job given to `post`, never twice at
  // a time, and may take its time.
  using Look = std::function<std::chrono::milliseconds()>;
  using Post = std::function<void(std::function<void()>)>;
  ScheduleTimer(boost::asio::io_context& context, Look look, Post post);

  // From now on it looks; the first time at once.
  void start();
  // On the context's thread, or after it.
  void stop();
  // Has it look soon. Any thread; quick.
  void poke();

 private:
  // A timerfd on the boot clock, which goes on while the machine sleeps: one that came due meanwhile fires
  // when it wakes up.
  void arm(std::chrono::milliseconds pause);
  void await_pause();
  // A timerfd that never comes due: reading it fails with ECANCELED when the wall clock is set.
  void await_clock_change();
  void run_look();

  boost::asio::io_context& context_;
  const Look look_;
  const Post post_;
  boost::asio::posix::stream_descriptor pause_;
  boost::asio::posix::stream_descriptor clock_change_;
  std::mutex mutex_;
  bool started_ = false;
  bool looking_ = false;
  bool again_ = false;  // something has changed while it was looking
};

}  // namespace garner::daemon
