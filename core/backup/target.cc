#include "backup/target.h"

#include <utility>

#include "backup/staging.h"
#include "base/error.h"
#include "base/log_context.h"
#include "base/stop_scope.h"

namespace garner::backup {

Target::Target(Context context)
    : context_(std::move(context)),
      last_commit_(std::chrono::steady_clock::now()),
      names_(context_.names),
      committed_packs_(context_.committed_packs),
      has_root_(context_.has_root),
      run_stops_(StopScope::current(), [this] {
        stopping_.request_stop();
        std::lock_guard lock(mutex_);
        changed_.notify_all();
      }) {}

Target::~Target() { end(); }

void Target::end() {
  stopping_.request_stop();
  {
    std::lock_guard lock(mutex_);
    changed_.notify_all();
  }
  if (thread_.joinable()) thread_.join();
}

void Target::start() {
  thread_ = std::jthread(in_log_context([this] {
    const StopScope scope(stopping_.get_token());
    run();
  }));
}

void Target::tell() {
  if (context_.changed) context_.changed();
}

// ---- The thread ----

void Target::run() {
  std::unique_lock lock(mutex_);
  while (!is_over(state_)) {
    changed_.wait(lock, [&] { return has_work_ || stopping_.stop_requested(); });
    lock.unlock();
    State state = State::kFed;
    std::exception_ptr error;
    try {
      state = work();
    } catch (...) {
      error = std::current_exception();
      state = what_came_of(error);
    }
    lock.lock();
    state_ = state;
    if (state == State::kFailed && !error_) error_ = error;
    lock.unlock();
    tell();
    lock.lock();
  }
}

// A stop that ends an upload loses nothing: what it was about is recorded. A destination that goes away shows
// in whatever was being done to it just then.
Target::State Target::what_came_of(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const Error& failure) {
    if (failure.kind() == ErrorKind::kCancelled && stopping_.stop_requested()) return State::kStopped;
    if (!tells_of_place(failure) && !is_there(context_.repository)) {
      std::lock_guard lock(mutex_);
      error_ = std::make_exception_ptr(went_away(context_.repository, failure));
    }
  } catch (...) {
  }
  return State::kFailed;
}

// One round: all that is recorded is delivered, and committed where that is due.
Target::State Target::work() {
  bool is_last = false;
  bool is_leaving = false;
  {
    std::lock_guard lock(mutex_);
    // With what it stands for: another round without it would hide what came of this one.
    has_work_ = false;
    is_last = last_plan_.has_value();
  }
  for (;;) {
    if (stopping_.stop_requested()) return State::kStopped;
    if (!context_.writer.publish_next(context_.number)) break;
    tell();
    if (!is_last) commit_root_if_due(/*is_all=*/false);
  }
  {
    std::lock_guard lock(mutex_);
    is_leaving = is_leaving_;
  }
  if (is_leaving) {
    if (context_.writer.published_amount(context_.number).bytes > 0 && may_commit_root_) commit_root();
    return State::kLeft;
  }
  // It is about to be told to leave, and its packs have stayed where they were.
  if (!store::has_target(context_.writer.live(), context_.number)) return State::kFed;
  if (is_last) return commit_last();
  commit_root_if_due(/*is_all=*/true);
  return State::kFed;
}

void Target::commit_root_if_due(bool is_all) {
  const store::BlobWriter::Amount published = context_.writer.published_amount(context_.number);
  const bool due = published.blobs >= context_.pace.commit_blobs ||
                   (is_all && context_.writer.pending_blobs(context_.number) >= context_.pace.commit_blobs) ||
                   published.bytes >= context_.pace.commit_bytes ||
                   std::chrono::steady_clock::now() - last_commit_ >= context_.pace.commit_time;
  if (published.bytes > 0 && due && may_commit_root_) commit_root();
}

// What is published becomes part of the repository, under a root that collection treats as live: a run that
// takes days is not in danger of being collected, and its index entries do not pile up in memory.
void Target::commit_root() {
  const std::vector<store::FinishedPack> packs = context_.writer.published(context_.number);
  store::CommitPlan plan;
  plan.packs = packs;
  v1::UnfinishedRoot root;
  root.set_run(std::string(as_text(context_.run.view())));
  for (const crypto::BlobId& base : context_.base_snapshots)
    root.add_snapshots(std::string(as_text(base.view())));
  plan.set_roots.push_back(std::move(root));
  plan.base_snapshots = {context_.base_snapshots.begin(), context_.base_snapshots.end()};
  {
    std::lock_guard lock(mutex_);
    plan.names = names_;
  }
  const store::CommitOutcome outcome = commit(plan);
  last_commit_ = std::chrono::steady_clock::now();
  if (!outcome.committed) {
    // What is lost now is lost for the snapshot as well: the last commit sees to it, and the packs wait till
    // then.
    may_commit_root_ = false;
    return;
  }
  {
    // Before the writer lets go of them: a save that drops a pack from the checkpoint has its name, in the
    // same transaction or an earlier one.
    std::lock_guard lock(mutex_);
    has_root_ = true;
    for (const store::FinishedPack& pack : packs) {
      if (names_.insert(pack.name).second) new_names_.insert(pack.name);
    }
  }
  const std::vector<Uuid> committed = context_.writer.forget(packs, context_.number);
  {
    std::lock_guard lock(mutex_);
    committed_packs_.insert(committed_packs_.end(), committed.begin(), committed.end());
  }
  context_.repository.set_uncommitted(context_.writer.published(context_.number));
}

store::CommitOutcome Target::commit(store::CommitPlan& plan) {
  plan.has_differences = context_.has_differences || context_.had_differences;
  const std::shared_ptr<void> held = context_.during_commit ? context_.during_commit() : nullptr;
  store::CommitOutcome outcome = context_.repository.commit(plan);
  context_.statistics.committed(context_.number, outcome.stored_bytes);
  return outcome;
}

Target::State Target::commit_last() {
  store::CommitPlan plan;
  {
    std::lock_guard lock(mutex_);
    plan = *last_plan_;
    if (has_root_) plan.remove_roots.push_back(context_.run);
    if (!is_settled_) {
      plan.names.insert(names_.begin(), names_.end());
      plan.base_snapshots.insert(context_.base_snapshots.begin(), context_.base_snapshots.end());
    }
  }
  plan.packs = context_.writer.published(context_.number);
  store::CommitOutcome outcome = commit(plan);
  const bool done = outcome.committed;
  context_.repository.set_uncommitted(done ? std::vector<store::FinishedPack>() : plan.packs);
  std::lock_guard lock(mutex_);
  last_plan_.reset();
  outcome_ = std::move(outcome);
  return done ? State::kDone : State::kRefused;
}

// ---- For others ----

TargetDelta Target::take_changes(const std::set<store::ObjectName>& names) {
  TargetDelta delta;
  delta.number = context_.number;
  std::lock_guard lock(mutex_);
  for (const store::ObjectName& name : names) {
    if (names_.insert(name).second) new_names_.insert(name);
  }
  delta.names = std::exchange(new_names_, {});
  delta.committed_packs = std::exchange(committed_packs_, {});
  return delta;
}

void Target::note_recorded() {
  std::lock_guard lock(mutex_);
  has_work_ = true;
  changed_.notify_all();
}

void Target::finish(store::CommitPlan plan, bool is_settled) {
  std::lock_guard lock(mutex_);
  if (state_ == State::kRefused) state_ = State::kFed;
  last_plan_ = std::move(plan);
  is_settled_ = is_settled;
  has_work_ = true;
  changed_.notify_all();
}

void Target::leave() {
  std::lock_guard lock(mutex_);
  is_leaving_ = true;
  has_work_ = true;
  changed_.notify_all();
}

store::CommitOutcome Target::outcome() const {
  std::lock_guard lock(mutex_);
  return outcome_;
}

Target::State Target::state() const {
  std::lock_guard lock(mutex_);
  return state_;
}

std::exception_ptr Target::error() const {
  std::lock_guard lock(mutex_);
  return error_;
}

bool Target::has_root() const {
  std::lock_guard lock(mutex_);
  return has_root_;
}

}  // namespace garner::backup
