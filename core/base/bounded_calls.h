// Calls to the kernel that may never return: a server on a network that is gone, or a program that serves a
// file system (FUSE) and hangs, keeps whoever asks it for anything. A thread that waits so cannot be called
// back. So such calls are made on threads of their own, and whoever wants the answer waits for it no longer
// than a limit; then the thread is left behind, with everything its call uses, until the kernel lets it go.
#pragma once

#include <chrono>
#include <cstddef>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

namespace garner {

inline constexpr std::chrono::milliseconds kCallLimit = std::chrono::seconds(60);
// Beyond this no further call is begun until some of those left behind have returned.
inline constexpr std::size_t kMostLeftBehind = 64;

// Thread-safe. Threads that wait for nothing are kept and used again.
class BoundedCalls {
 public:
  explicit BoundedCalls(std::chrono::milliseconds limit = kCallLimit,
                        std::size_t most_left_behind = kMostLeftBehind);
  // Does not wait for threads that were left behind.
  ~BoundedCalls();
  BoundedCalls(const BoundedCalls&) = delete;
  BoundedCalls& operator=(const BoundedCalls&) = delete;

  enum class Outcome {
    kDone,     // `call` has returned, and what it held is gone
    kLate,     // it goes on, left behind
    kHangs,    // it was not begun: an earlier one to the file system takes longer than the limit, and goes on
    kRefused,  // it was not begun: too many were left behind, or there is no thread for it
  };
  // `call` owns whatever it uses, and throws nothing. `file_system` is any name by which the one that it asks
  // is known again. Error(kCancelled) when this thread's StopScope is to stop meanwhile: then the call is
  // left behind as well.
  // `wait_on`, if there is one, is asked each time the limit is reached, and told whether the call has got on
  // since: while it is true the call may go on.
  Outcome run(const std::string& file_system, std::function<void()> call,
              const std::function<bool(bool has_got_on)>& wait_on = {});
  // For a call of many steps, at each of them. Does nothing where it is not made by run().
  static void get_on();
  // The same, and nobody waits for it, at no time. Where there is no thread for it, it waits for one.
  void run_unattended(std::function<void()> call);

  std::chrono::milliseconds limit() const { return limit_; }
  std::size_t left_behind() const;

 private:
  struct Job;
  struct Shared;
  static void work(const std::shared_ptr<Shared>& shared);
  // These under the shared mutex. False, and the job is not queued, when there is no thread for it.
  bool begin(const std::shared_ptr<Job>& job);
  bool hangs(const std::string& file_system) const;

  const std::chrono::milliseconds limit_;
  const std::size_t most_left_behind_;
  const std::shared_ptr<Shared> shared_;
};

// What a bounded call has returned or thrown. Whoever left the call behind does not take it.
template <typename Result>
class CallAnswer {
 public:
  // A call that answers with what `work` returns or throws. `work` owns whatever it uses, and goes with the
  // call.
  template <typename Work>
  static std::function<void()> call(const std::shared_ptr<CallAnswer>& answer, Work work) {
    // A shared pointer, for a std::function must be copyable; nobody but the call holds it.
    return [answer, owned = std::make_shared<Work>(std::move(work))] {
      try {
        answer->result_.emplace((*owned)());
      } catch (...) {
        answer->error_ = std::current_exception();
      }
    };
  }
  Result take() {
    if (error_) std::rethrow_exception(error_);
    return std::move(*result_);
  }

 private:
  std::optional<Result> result_;
  std::exception_ptr error_;
};

}  // namespace garner
