#include "backup/checkpointer.h"

#include <spdlog/spdlog.h>

#include <algorithm>

#include "base/error.h"
#include "base/log_context.h"
#include "base/stop_scope.h"

namespace garner::backup {

namespace {

// What remains of the bound when every thread holds as much as it may of what cannot be recorded.
std::uint64_t admitted_limit(unsigned threads, const CheckpointPace& pace) {
  const std::uint64_t held = std::uint64_t{threads} * kUnrecordedPerThread;
  return std::max(pace.most_unsaved - std::min(pace.most_unsaved, held), pace.bytes);
}

}  // namespace

Checkpointer::Checkpointer(Context context)
    : context_(std::move(context)),
      limit_(admitted_limit(context_.threads, context_.pace)),
      on_stop_(stop_, [this] {
        std::lock_guard lock(mutex_);
        saved_.notify_all();
      }) {
  context_.targets.listen([this] { targets_changed(); });
}

Checkpointer::~Checkpointer() {
  context_.targets.listen(nullptr);
  {
    std::lock_guard lock(mutex_);
    ending_ = true;
  }
  due_.notify_all();
  saved_.notify_all();
}

// There is room again, perhaps, or nobody is left.
void Checkpointer::targets_changed() {
  const std::exception_ptr failure = context_.targets.failure();
  {
    std::lock_guard lock(mutex_);
    if (failure && !error_) {
      error_ = failure;
      is_destinations_error_ = true;
      failed_ = true;
    }
    saved_.notify_all();
  }
  if (!failure) return;
  std::lock_guard telling(callback_mutex_);
  if (failed_callback_) failed_callback_();
}

void Checkpointer::start(std::function<void()> failed) {
  {
    std::lock_guard telling(callback_mutex_);
    failed_callback_ = std::move(failed);
    if (failed_) failed_callback_();
  }
  thread_ = std::jthread(in_log_context([this, stop = StopScope::current()] {
    const StopScope scope(stop);
    run();
  }));
}

void Checkpointer::stop_telling() {
  std::lock_guard telling(callback_mutex_);
  failed_callback_ = nullptr;
}

void Checkpointer::run() {
  auto last = std::chrono::steady_clock::now();
  std::unique_lock lock(mutex_);
  while (!ending_) {
    // Wakes a few times a second in any case, to report progress.
    due_.wait_for(lock, std::chrono::milliseconds(200),
                  [&] { return ending_ || admitted_ - begun_at_ >= context_.pace.bytes; });
    if (ending_) return;
    const bool bytes_due = admitted_ - begun_at_ >= context_.pace.bytes;
    const bool time_due = std::chrono::steady_clock::now() - last >= context_.pace.time &&
                          (admitted_ > begun_at_ || !unsaved_.empty());
    lock.unlock();
    context_.statistics.report();
    context_.targets.look();
    try {
      if (bytes_due || time_due || context_.targets.wants_save()) {
        last = std::chrono::steady_clock::now();
        save(false, nullptr);
      }
    } catch (...) {
      lock.lock();
      if (!error_) error_ = std::current_exception();
      failed_ = true;
      saved_.notify_all();
      lock.unlock();
      std::lock_guard telling(callback_mutex_);
      if (failed_callback_) failed_callback_();
      return;
    }
    lock.lock();
  }
}

void Checkpointer::admit(std::uint64_t bytes) {
  const std::uint64_t after = admitted_.fetch_add(bytes) + bytes;
  if (!failed_ && after < begun_at_ + context_.pace.bytes && after <= covered_ + limit_ &&
      context_.writer.has_room())
    return;
  std::unique_lock lock(mutex_);
  if (error_) std::rethrow_exception(error_);
  if (after >= begun_at_ + context_.pace.bytes) due_.notify_one();
  const auto may_read = [&] { return after <= covered_ + limit_ && context_.writer.has_room(); };
  saved_.wait(lock, [&] { return error_ || ending_ || stop_.stop_requested() || may_read(); });
  if (error_) std::rethrow_exception(error_);
  if (!ending_ && !may_read()) throw Error(ErrorKind::kCancelled, "the run was stopped");
}

void Checkpointer::mark(const std::shared_ptr<Folder>& folder) {
  std::lock_guard lock(mutex_);
  unsaved_.insert(folder);
}

void Checkpointer::finished(const std::shared_ptr<Folder>& folder, FinishedFile file) {
  if (folder->record(std::move(file))) mark(folder);
}

void Checkpointer::finished(const std::shared_ptr<Folder>& parent, FinishedFolder folder) {
  if (parent->record(std::move(folder))) mark(parent);
}

void Checkpointer::begin_reading(std::shared_ptr<ReadingFile> file) {
  file->known = true;
  std::lock_guard lock(mutex_);
  reading_.insert(std::move(file));
}

void Checkpointer::end_reading(const std::shared_ptr<ReadingFile>& file) {
  if (!file->known) return;
  std::lock_guard lock(mutex_);
  reading_.erase(file);
}

void Checkpointer::check() {
  if (const std::exception_ptr error = failure()) std::rethrow_exception(error);
}

std::exception_ptr Checkpointer::failure() {
  std::lock_guard lock(mutex_);
  return error_;
}

void Checkpointer::save_now() {
  end();
  if (!may_still_save()) check();
  save(false, nullptr);
}

void Checkpointer::save_last(const v1::Snapshot& snapshot) {
  end();
  if (!failure()) return save(true, &snapshot);
  // What is decided is delivered when a destination is there again.
  try {
    if (may_still_save()) save(true, &snapshot);
  } catch (const Error& error) {
    spdlog::warn("what was decided is not recorded: {}", error.what());
  }
  check();
}

void Checkpointer::end() {
  {
    std::lock_guard lock(mutex_);
    ending_ = true;
  }
  due_.notify_all();
  if (thread_.joinable()) thread_.join();
}

// A stop that ends a wait for a limit loses nothing, and a destination that is gone keeps nobody from
// recording what is in the spool.
bool Checkpointer::may_still_save() {
  std::lock_guard lock(mutex_);
  if (is_broken_) return false;
  if (!error_ || is_destinations_error_) return true;
  try {
    std::rethrow_exception(error_);
  } catch (const Error& error) {
    return error.kind() == ErrorKind::kCancelled;
  } catch (...) {
    return false;
  }
}

void Checkpointer::save(bool close_packs, const v1::Snapshot* decided) {
  try {
    save_all(close_packs, decided);
  } catch (...) {
    std::lock_guard lock(mutex_);
    is_broken_ = true;
    if (!error_) error_ = std::current_exception();
    throw;
  }
}

// `decided`: after this the run delivers and commits, and nothing else.
void Checkpointer::save_all(bool close_packs, const v1::Snapshot* decided) {
  CheckpointDelta delta;
  if (decided != nullptr) delta.snapshot = *decided;
  std::set<std::shared_ptr<Folder>> folders;
  std::set<std::shared_ptr<ReadingFile>> reading;
  std::uint64_t begun_at = 0;
  {
    std::lock_guard lock(mutex_);
    begun_at = admitted_;
    begun_at_ = begun_at;
    folders.swap(unsaved_);
    reading = reading_;
  }
  for (const auto& folder : folders) folder->take_unsaved(delta.files, delta.folders);
  for (const auto& file : reading) {
    std::lock_guard lock(file->mutex);
    if (file->offset == 0) continue;
    delta.in_progress.push_back({file->place, file->node, file->offset, file->list.save(), file->seen});
  }

  delta.packs = close_packs ? context_.writer.finish() : context_.writer.make_durable();
  // First what is let go of: its names are among what is taken next (Target::commit_root).
  delta.released_packs = context_.writer.take_released();
  delta.targets = context_.targets.take_changes();
  delta.counters = context_.statistics.counters();
  context_.store.save(delta);
  // The last commit delivers what the last save has recorded.
  context_.targets.note_recorded(delta.targets, /*may_deliver=*/!close_packs);

  std::lock_guard lock(mutex_);
  covered_ = begun_at;
  saved_.notify_all();
}

}  // namespace garner::backup
