#include "base/bounded_calls.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <deque>
#include <exception>
#include <map>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include "base/error.h"
#include "base/stop_scope.h"

namespace garner {

namespace {

constexpr std::size_t kMostIdle = 8;

// Of calls that were left behind: which file system they ask, and from when on that one counts as hanging.
using Hanging = std::multimap<std::string, std::chrono::steady_clock::time_point>;

// Of the call that this thread makes.
thread_local std::atomic<bool>* progress_here = nullptr;

}  // namespace

// All else under the shared mutex.
struct BoundedCalls::Job {
  std::atomic<bool> has_got_on = false;
  std::function<void()> call;
  std::condition_variable_any changed;
  bool done = false;
  bool left_behind = false;
  std::optional<Hanging::iterator> hanging;
};

// Outlives the BoundedCalls as long as a thread does.
struct BoundedCalls::Shared {
  std::mutex mutex;
  std::condition_variable added;
  std::deque<std::shared_ptr<Job>> waiting;
  // Those for which no thread could be begun; they come after the others, whose callers wait.
  std::deque<std::shared_ptr<Job>> unattended;
  std::size_t idle = 0;  // threads
  std::size_t left_behind = 0;
  Hanging hanging;
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
    shared->added.wait(
        lock, [&] { return shared->ending || !shared->waiting.empty() || !shared->unattended.empty(); });
    --shared->idle;
    auto& queue = shared->waiting.empty() ? shared->unattended : shared->waiting;
    if (queue.empty()) return;
    const std::shared_ptr<Job> job = std::move(queue.front());
    queue.pop_front();
    std::function<void()> call = std::exchange(job->call, nullptr);
    lock.unlock();
    progress_here = &job->has_got_on;
    call();
    // What it holds may be a descriptor, and closing that may be what hangs.
    call = nullptr;
    progress_here = nullptr;
    lock.lock();
    job->done = true;
    job->changed.notify_all();
    if (job->left_behind) --shared->left_behind;
    if (job->hanging) shared->hanging.erase(*job->hanging);
    if (shared->idle >= kMostIdle) return;
  }
}

bool BoundedCalls::begin(const std::shared_ptr<Job>& job) {
  shared_->waiting.push_back(job);
  if (shared_->idle >= shared_->waiting.size()) {
    shared_->added.notify_one();
    return true;
  }
  try {
    std::thread(work, shared_).detach();
  } catch (const std::exception&) {  // as many as the process may have, or no memory
    shared_->waiting.pop_back();
    return false;
  }
  return true;
}

// A call that a stopped run has left behind says nothing until it, too, has taken too long.
bool BoundedCalls::hangs(const std::string& file_system) const {
  const auto [first, last] = shared_->hanging.equal_range(file_system);
  const auto now = std::chrono::steady_clock::now();
  return std::any_of(first, last, [&](const auto& call) { return call.second <= now; });
}

BoundedCalls::Outcome BoundedCalls::run(const std::string& file_system, std::function<void()> call,
                                        const std::function<bool(bool)>& wait_on) {
  const auto job = std::make_shared<Job>();
  job->call = std::move(call);
  const std::stop_token stop = StopScope::current();
  std::unique_lock lock(shared_->mutex);
  if (hangs(file_system)) return Outcome::kHangs;
  // What nobody waits for does not count: many files that are slow to close hang nowhere.
  if (shared_->hanging.size() >= most_left_behind_) return Outcome::kRefused;
  const auto hangs_from = std::chrono::steady_clock::now() + limit_;
  if (!begin(job)) return Outcome::kRefused;
  for (bool go_on = true; go_on && !job->done;) {
    job->changed.wait_for(lock, stop, limit_, [&] { return job->done; });
    go_on = false;
    if (job->done || stop.stop_requested() || !wait_on) continue;
    lock.unlock();
    go_on = wait_on(job->has_got_on.exchange(false));
    lock.lock();
  }
  if (job->done) return Outcome::kDone;
  job->hanging = shared_->hanging.emplace(file_system, hangs_from);
  job->left_behind = true;
  ++shared_->left_behind;
  if (stop.stop_requested()) throw Error(ErrorKind::kCancelled, "the run was stopped");
  return Outcome::kLate;
}

void BoundedCalls::get_on() {
  if (progress_here != nullptr) *progress_here = true;
}

void BoundedCalls::run_unattended(std::function<void()> call) {
  const auto job = std::make_shared<Job>();
  job->call = std::move(call);
  std::lock_guard lock(shared_->mutex);
  job->left_behind = true;
  ++shared_->left_behind;
  if (!begin(job)) shared_->unattended.push_back(job);
}

}  // namespace garner
