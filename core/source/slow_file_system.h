// A file system of the source that may hang: one on a network, or one that a program serves. All that is
// asked of it goes through call(), which gives up after a time; from then on nothing more is asked of it, so
// that it holds up a run once and not once for each of its files. Nor is it asked by later runs, which share
// the BoundedCalls, for as long as the call that it has kept does not return; when something else is mounted
// there, that is asked.
#pragma once

#include <sys/stat.h>

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <type_traits>
#include <utility>

#include "base/bounded_calls.h"

namespace garner::source {

// Thread-safe. Shared by all handles of its folders.
class SlowFileSystem {
 public:
  // `path`: of the first of its folders that was seen; for messages.
  SlowFileSystem(std::shared_ptr<BoundedCalls> calls, std::string path)
      : calls_(std::move(calls)), path_(std::move(path)) {}

  // What `work` returns or throws. It owns whatever it uses: it may go on when everybody else has gone.
  // Error(kReadFailed) with ETIMEDOUT when it takes too long, or something did before; Error(kCancelled) when
  // this thread's StopScope is to stop meanwhile.
  template <typename Work>
  std::invoke_result_t<Work&> call(Work work) {
    using Answer = CallAnswer<std::invoke_result_t<Work&>>;
    const auto answer = std::make_shared<Answer>();
    call_bounded(Answer::call(answer, std::move(work)));
    return answer->take();
  }
  // Lets go of something, a descriptor for example, for which it may have to be asked; waits for nobody.
  template <typename Held>
  void let_go(std::shared_ptr<Held> held) {
    calls_->run_unattended([held = std::move(held)] {});
  }

  const std::string& path() const { return path_; }
  bool has_hung() const { return hung_; }
  // True for the first who asks, once it has hung: he tells the others.
  bool is_to_be_told() { return hung_ && !told_.exchange(true); }
  std::string message() const;

 private:
  void call_bounded(std::function<void()> work);

  const std::shared_ptr<BoundedCalls> calls_;
  const std::string path_;
  std::once_flag named_;
  std::string name_;  // by which `calls_` knows it again
  std::atomic<bool> hung_ = false;
  std::atomic<bool> told_ = false;
};

// Of what the path leads to, in time, or however long it takes without `calls`. Error(kNotFound),
// kReadFailed, kCancelled.
struct stat status_in_time(const std::shared_ptr<BoundedCalls>& calls, const std::string& path);

}  // namespace garner::source
