#include "source/bounded_calls.h"

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <utility>

#include "base/error.h"
#include "base/stop_scope.h"

namespace garner::source {

namespace {

constexpr std::size_t kMostIdle = 8;

}  // namespace

// All under the shared mutex.
struct BoundedCalls::Job {
  std::function<void()> call;
  std::condition_variable_any changed;
  bool done = false;
  bool left_behind = false;
};

// Outlives the BoundedCalls as long as a thread does.
struct BoundedCalls::Shared {
  std::mutex mutex;
  std::condition_variable added;
  std::deque<std::shared_ptr<Job>> waiting;
  std::size_t idle = 0;  // threads
  std::size_t left_behind = 0;
  bool ending = false;
};

BoundedCalls::BoundedCalls(std::chrono::milliseconds limit, std::size_t most_left_behind)
    : limit_(limit), most_left_behind_(most_left_behind), shared_(std::make_shared<Shared>()) {}

BoundedCalls::~BoundedCalls() {
  std::lock_guard lock(shared_->mutex);
  shared_->ending = true;
  shared_->added.notify_all();
}

std::size_t BoundedCalls::left_behind() const {
  std::lock_guard lock(shared_->mutex);
  return shared_->left_behind;
}

void BoundedCalls::work(const std::shared_ptr<Shared>& shared) {
  std::unique_lock lock(shared->mutex);
  for (;;) {
    ++shared->idle;
    shared->added.wait(lock, [&] { return shared->ending || !shared->waiting.empty(); });
    --shared->idle;
    if (shared->waiting.empty()) return;
    const std::shared_ptr<Job> job = std::move(shared->waiting.front());
    shared->waiting.pop_front();
    std::function<void()> call = std::exchange(job->call, nullptr);
    lock.unlock();
    call();
    // What it holds may be a descriptor, and closing that may be what hangs.
    call = nullptr;
    lock.lock();
    job->done = true;
    job->changed.notify_all();
    if (job->left_behind) --shared->left_behind;
    if (shared->idle >= kMostIdle) return;
  }
}

void BoundedCalls::begin(const std::shared_ptr<Job>& job) {
  shared_->waiting.push_back(job);
  if (shared_->idle >= shared_->waiting.size()) {
    shared_->added.notify_one();
  } else {
    std::thread(work, shared_).detach();
  }
}

BoundedCalls::Outcome BoundedCalls::run(std::function<void()> call) {
  const auto job = std::make_shared<Job>();
  job->call = std::move(call);
  const std::stop_token stop = StopScope::current();
  std::unique_lock lock(shared_->mutex);
  if (shared_->left_behind >= most_left_behind_) return Outcome::kRefused;
  begin(job);
  job->changed.wait_for(lock, stop, limit_, [&] { return job->done; });
  if (job->done) return Outcome::kDone;
  job->left_behind = true;
  ++shared_->left_behind;
  if (stop.stop_requested()) throw Error(ErrorKind::kCancelled, "the run was stopped");
  return Outcome::kLate;
}

void BoundedCalls::run_unattended(std::function<void()> call) {
  const auto job = std::make_shared<Job>();
  job->call = std::move(call);
  std::lock_guard lock(shared_->mutex);
  job->left_behind = true;
  ++shared_->left_behind;
  begin(job);
}

}  // namespace garner::source
