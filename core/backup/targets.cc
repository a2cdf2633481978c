#include "backup/targets.h"

#include <spdlog/spdlog.h>

#include <algorithm>

#include "base/error.h"

namespace garner::backup {

namespace {

// A disk may stand still for a moment, or a thread.
constexpr std::chrono::seconds kPatience{2};
constexpr std::chrono::milliseconds kReportInterval{200};

Error as_error(const std::exception_ptr& failure) {
  try {
    std::rethrow_exception(failure);
  } catch (const Error& error) {
    return error;
  } catch (const std::exception& error) {
    return Error(ErrorKind::kInternal, error.what());
  } catch (...) {
    return Error(ErrorKind::kInternal, "an error that tells nothing");
  }
}

}  // namespace

std::optional<unsigned> who_is_too_slow(const std::vector<Backlog>& backlogs, std::uint64_t limit) {
  if (backlogs.size() < 2) return std::nullopt;
  const auto slowest = std::ranges::max_element(backlogs, {}, &Backlog::bytes);
  const auto quickest = std::ranges::min_element(backlogs, {}, &Backlog::bytes);
  if (quickest->bytes >= limit / 4 || slowest->bytes < limit / 4) return std::nullopt;
  return slowest->number;
}

Targets::~Targets() {
  for (Entry& entry : entries_) {
    if (entry.target) entry.target->end();
  }
}

void Targets::add(Target::Context context) {
  const unsigned number = context.number;
  context.changed = [this, number] { target_changed(number); };
  entries_.at(number).target = std::make_unique<Target>(std::move(context));
}

void Targets::add_left(unsigned number, const std::string& message) {
  Entry& entry = entries_.at(number);
  entry.has_left = true;
  entry.message = message;
}

void Targets::start() {
  for (Entry& entry : entries_) {
    if (entry.target) entry.target->start();
  }
}

void Targets::listen(std::function<void()> changed) {
  std::lock_guard lock(listener_mutex_);
  listener_ = std::move(changed);
}

void Targets::tell() {
  std::lock_guard lock(listener_mutex_);
  if (listener_) listener_();
}

unsigned Targets::fed_count() const {
  return static_cast<unsigned>(
      std::ranges::count_if(entries_, [&](const Entry& entry) { return is_fed(entry); }));
}

// With mutex_ held.
void Targets::leave(unsigned number, const std::string& message) {
  Entry& entry = entries_[number];
  entry.has_left = true;
  entry.message = message;
  writer_.leave(number);
  entry.target->leave();
}

void Targets::look() {
  std::lock_guard lock(mutex_);
  shed();
}

void Targets::target_changed(unsigned number) {
  {
    std::lock_guard lock(mutex_);
    Entry& entry = entries_[number];
    entry.state = entry.target->state();
    statistics_.stored(number, writer_.stored_bytes(number));
    if (entry.state == Target::State::kStopped) is_stopped_ = true;
    if (entry.state == Target::State::kFailed && !entry.error) {
      entry.error = entry.target->error();
      if (!entry.has_left) {
        if (fed_count() == 1) {
          failure_ = entry.error;
        } else {
          const Error error = as_error(entry.error);
          spdlog::warn("{} is given nothing more by this run: {}", entry.target->name(), error.what());
          leave(number, error.what());
        }
      } else {
        entry.message = as_error(entry.error).what();
      }
    }
    shed();
    changed_.notify_all();
  }
  tell();
}

// With mutex_ held. Only while the source is read: later everybody goes at his own pace.
void Targets::shed() {
  if (is_finishing_ || spool_limit_ == 0) return;
  std::vector<Backlog> backlogs;
  for (unsigned number = 0; number < entries_.size(); ++number) {
    if (is_fed(entries_[number]) && entries_[number].state == Target::State::kFed)
      backlogs.push_back({number, writer_.undelivered(number)});
  }
  const auto slow = who_is_too_slow(backlogs, spool_limit_);
  const auto now = std::chrono::steady_clock::now();
  if (slow != slow_) slow_since_ = now;
  slow_ = slow;
  if (!slow || writer_.has_room() || now - slow_since_ < kPatience) return;
  spdlog::info(
      "{} takes what this run stores more slowly than others, and the spool is full: it is given the "
      "snapshot from one of them later",
      entries_[*slow].target->name());
  leave(*slow, "it takes more time than others: it is given the snapshot from one of them");
}

// ---- Saves ----

std::vector<TargetDelta> Targets::take_changes() {
  std::vector<TargetDelta> changes;
  for (unsigned number = 0; number < entries_.size(); ++number) {
    Entry& entry = entries_[number];
    if (!entry.target) {
      std::lock_guard lock(mutex_);
      if (!entry.has_left || entry.is_left_recorded) continue;
      TargetDelta delta;
      delta.number = number;
      delta.left = true;
      delta.message = entry.message;
      delta.counters = statistics_.counters_of(number);
      changes.push_back(std::move(delta));
      continue;
    }
    statistics_.stored(number, writer_.stored_bytes(number));
    TargetDelta delta = entry.target->take_changes(writer_.take_names(number));
    delta.counters = statistics_.counters_of(number);
    std::lock_guard lock(mutex_);
    delta.left = entry.has_left;
    delta.message = entry.message;
    changes.push_back(std::move(delta));
  }
  return changes;
}

void Targets::note_recorded(const std::vector<TargetDelta>& changes, bool may_deliver) {
  store::TargetSet left = 0;
  for (const TargetDelta& delta : changes) {
    if (delta.left) left |= store::target_bit(delta.number);
  }
  writer_.recorded(left);
  {
    std::lock_guard lock(mutex_);
    for (const TargetDelta& delta : changes) {
      if (delta.left) entries_[delta.number].is_left_recorded = true;
    }
    if (may_deliver) shed();
  }
  if (!may_deliver) return;
  for (const Entry& entry : entries_) {
    if (entry.target) entry.target->note_recorded();
  }
}

bool Targets::wants_save() const {
  std::lock_guard lock(mutex_);
  return std::ranges::any_of(entries_,
                             [](const Entry& entry) { return entry.has_left && !entry.is_left_recorded; });
}

std::exception_ptr Targets::failure() const {
  std::lock_guard lock(mutex_);
  return failure_;
}

// With mutex_ held.
void Targets::throw_ending() const {
  if (failure_) std::rethrow_exception(failure_);
  if (is_stopped_) throw Error(ErrorKind::kCancelled, "the run was stopped");
}

void Targets::wait_until_readable() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return failure_ || is_stopped_ || writer_.is_readable(); });
  throw_ending();
}

// ---- The commit ----

void Targets::finish(const store::CommitPlan& plan) {
  {
    std::lock_guard lock(mutex_);
    is_finishing_ = true;
  }
  for (const unsigned number : fed()) entries_[number].target->finish(plan, /*is_settled=*/false);
}

std::optional<unsigned> Targets::wait() {
  std::unique_lock lock(mutex_);
  std::optional<unsigned> refused;
  const auto is_time = [&] {
    if (failure_ || is_stopped_) return true;
    bool all_over = true;
    for (unsigned number = 0; number < entries_.size(); ++number) {
      const Entry& entry = entries_[number];
      if (!entry.target) continue;
      if (entry.state == Target::State::kRefused && !entry.has_left) refused = number;
      // Whoever has left commits what it was given.
      all_over = all_over && Target::is_over(entry.state);
    }
    return refused || all_over;
  };
  // It may take hours until all is delivered: that is shown.
  while (!changed_.wait_for(lock, kReportInterval, is_time)) {
    lock.unlock();
    statistics_.report();
    lock.lock();
  }
  throw_ending();
  return refused;
}

store::CommitOutcome Targets::outcome(unsigned number) const { return entries_.at(number).target->outcome(); }

void Targets::finish_again(unsigned number, store::CommitPlan plan) {
  {
    std::lock_guard lock(mutex_);
    entries_.at(number).state = Target::State::kFed;
  }
  entries_[number].target->finish(std::move(plan), /*is_settled=*/true);
}

bool Targets::give_up(unsigned number, const std::string& message) {
  std::lock_guard lock(mutex_);
  if (fed_count() == 1) return false;
  leave(number, message);
  return true;
}

std::vector<unsigned> Targets::fed() const {
  std::lock_guard lock(mutex_);
  std::vector<unsigned> numbers;
  for (unsigned number = 0; number < entries_.size(); ++number) {
    if (is_fed(entries_[number])) numbers.push_back(number);
  }
  return numbers;
}

std::vector<TargetProgress> Targets::progress() const {
  std::lock_guard lock(mutex_);
  std::vector<TargetProgress> shown;
  for (unsigned number = 0; number < entries_.size(); ++number) {
    const Entry& entry = entries_[number];
    if (!entry.target && !entry.has_left) continue;
    shown.resize(number + 1);
    TargetProgress& progress = shown.back();
    progress.counters = statistics_.counters_of(number);
    progress.error = entry.message;
    if (entry.error) {
      progress.state = TargetState::kFailed;
      progress.kind = as_error(entry.error).kind();
    } else if (entry.has_left) {
      progress.state = TargetState::kBehind;
    } else {
      progress.state = entry.state == Target::State::kDone ? TargetState::kDone : TargetState::kFed;
      progress.undelivered_bytes = writer_.undelivered(number);
    }
  }
  return shown;
}

}  // namespace garner::backup
