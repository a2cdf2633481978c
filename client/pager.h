// Long output goes through the user's pager: what does not fit on the screen of a terminal is given to it,
// what fits is printed as it is.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <csignal>
#include <cstddef>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

namespace garner::client {

// A command for sh: GARNER_PAGER, otherwise PAGER, otherwise less where there is one. Nothing where the first
// that is set is empty or "cat": then no pager is wanted. `variable`: of the environment; null where it is
// not set.
using Variable = std::function<const char*(const char* name)>;
std::optional<std::string> choose_pager(const Variable& variable);

// Used by one thread; one of its own notices that nobody reads any more. Until it ends nobody else writes to
// standard output.
class Pager {
 public:
  // `rows`: of the screen.
  Pager(std::string command, std::size_t rows) : command_(std::move(command)), rows_(rows) {}
  // Prints what is left, and waits until who reads has seen enough.
  ~Pager();
  Pager(const Pager&) = delete;
  Pager& operator=(const Pager&) = delete;

  void print(std::string_view text);
  // A line for standard error, when who reads has seen enough.
  void note(std::string_view line) { notes_.append(line) += '\n'; }
  // False when nobody reads any more what comes.
  bool is_read() const { return is_read_; }
  // From now on `action` is called when nobody reads any more, or at once where that is so already. By any
  // thread, maybe twice, and it must not wait. None: nothing is called any more.
  void when_unread(std::function<void()> action);

 private:
  void start();
  void watch();
  void give_keys_back() const;
  void write(std::string_view text);
  void wait();

  const std::string command_;
  const std::size_t rows_;
  std::string held_;  // until it is more than a screen
  std::string notes_;
  std::size_t lines_ = 0;
  bool is_decided_ = false;
  std::atomic<bool> is_read_ = true;
  pid_t process_ = -1;
  int pipe_ = -1;
  int stop_ = -1;  // an event: the watch is over
  struct sigaction interrupt_ {};
  struct sigaction quit_ {};
  struct sigaction broken_pipe_ {};
  std::mutex mutex_;  // of when_unread_
  std::function<void()> when_unread_;
  std::thread watch_;  // last: it uses all of the above
};

// While it lives, `action` is called as by when_unread(). `pager` may be null, and outlives it.
class WhenUnread {
 public:
  WhenUnread(Pager* pager, std::function<void()> action) : pager_(pager) {
    if (pager_ != nullptr) pager_->when_unread(std::move(action));
  }
  ~WhenUnread() {
    if (pager_ != nullptr) pager_->when_unread({});
  }
  WhenUnread(const WhenUnread&) = delete;
  WhenUnread& operator=(const WhenUnread&) = delete;

 private:
  Pager* const pager_;
};

}  // namespace garner::client
