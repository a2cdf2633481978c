#include "backup/checkpointer.h"

#include <algorithm>

#include "base/error.h"
#include "base/log_context.h"
#include "base/stop_scope.h"

namespace garner::backup {

namespace {

// What remains of the bound when every thread holds as much as it may of what cannot be recorded.
std::uint64_t admitted_limit(unsigned threads, const CheckpointPace& pace) {
  const std::uint64_t held = std::uint64_t{threads} * kUnrecordedPerThread;
  return std::max<std::uint64_t>(kMaximumUnsaved - std::min(kMaximumUnsaved, held), pace.bytes);
}

}  // namespace

Checkpointer::Checkpointer(Context context)
    : context_(std::move(context)),
      limit_(admitted_limit(context_.threads, context_.pace)),
      names_(context_.names),
      committed_packs_(context_.committed_packs),
      has_root_(context_.has_root),
      has_differences_(context_.has_differences),
      last_commit_(std::chrono::steady_clock::now()) {}

Checkpointer::~Checkpointer() {
  {
    std::lock_guard lock(mutex_);
    ending_ = true;
  }
  due_.notify_all();
  saved_.notify_all();
}

void Checkpointer::start(std::function<void()> failed) {
  failed_callback_ = std::move(failed);
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
    try {
      if (bytes_due || time_due) {
        last = std::chrono::steady_clock::now();
        save(false);
      }
    } catch (...) {
      lock.lock();
      error_ = std::current_exception();
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
  if (!failed_ && after < begun_at_ + context_.pace.bytes && after <= covered_ + limit_) return;
  std::unique_lock lock(mutex_);
  if (error_) std::rethrow_exception(error_);
  if (after >= begun_at_ + context_.pace.bytes) due_.notify_one();
  saved_.wait(lock, [&] { return error_ || ending_ || after <= covered_ + limit_; });
  if (error_) std::rethrow_exception(error_);
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
  std::lock_guard lock(mutex_);
  if (error_) std::rethrow_exception(error_);
}

void Checkpointer::save_now(bool close_packs) {
  {
    std::lock_guard lock(mutex_);
    ending_ = true;
  }
  due_.notify_all();
  if (thread_.joinable()) thread_.join();
  check();
  save(close_packs);
}

void Checkpointer::save(bool close_packs) {
  CheckpointDelta delta;
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
  for (const store::ObjectName& name : context_.writer.take_names()) {
    if (names_.insert(name).second) new_names_.insert(name);
  }
  delta.names = new_names_;
  context_.statistics.stored(context_.writer.stored_bytes());
  delta.counters = context_.statistics.counters();
  delta.committed_packs = committed_packs_;
  context_.store.save(delta);
  committed_packs_.clear();
  new_names_.clear();
  context_.writer.publish();

  {
    std::lock_guard lock(mutex_);
    covered_ = begun_at;
    saved_.notify_all();
  }
  if (!close_packs) commit_root();
}

// What is published becomes part of the repository, under a root that collection treats as live: a run that
// takes days is not in danger of being collected, and its index entries do not pile up in memory.
void Checkpointer::commit_root() {
  const std::vector<store::FinishedPack> packs = context_.writer.published();
  std::uint64_t bytes = 0;
  for (const auto& pack : packs) bytes += pack.size;
  const bool due = context_.writer.pending_blobs() >= context_.pace.commit_blobs ||
                   bytes >= context_.pace.commit_bytes ||
                   std::chrono::steady_clock::now() - last_commit_ >= context_.pace.commit_time;
  if (packs.empty() || !due || !may_commit_) return;

  store::CommitPlan plan;
  plan.packs = packs;
  plan.names = names_;
  plan.has_differences = has_differences_;
  plan.base_snapshots = {context_.base_snapshots.begin(), context_.base_snapshots.end()};
  v1::UnfinishedRoot root;
  root.set_run(std::string(as_text(context_.run.view())));
  for (const crypto::BlobId& base : context_.base_snapshots)
    root.add_snapshots(std::string(as_text(base.view())));
  plan.set_roots.push_back(std::move(root));
  const std::shared_ptr<void> held = context_.during_commit ? context_.during_commit() : nullptr;
  store::CommitOutcome outcome = context_.repository.commit(plan);
  context_.statistics.committed(outcome.stored_bytes);
  last_commit_ = std::chrono::steady_clock::now();
  if (!outcome.committed) {
    // What is lost now is lost for the snapshot as well: the last commit sees to it, and the packs wait till
    // then.
    may_commit_ = false;
    return;
  }
  has_root_ = true;
  for (const store::FinishedPack& pack : packs) {
    if (names_.insert(pack.name).second) new_names_.insert(pack.name);
  }
  committed_packs_ = context_.writer.forget(packs);
  context_.repository.set_uncommitted(context_.writer.published());
}

}  // namespace garner::backup
