// BlobWriter: open packs, their finishing, and what is told of them.
#include <algorithm>

#include "base/error.h"
#include "store/blob_writer.h"
#include "store/padding.h"

namespace garner::store {

namespace {

// Of the first, or of another one with the same keys: a destination that is away may not have told its
// recovery slot before it went.
PackContext any_context(const std::vector<const Repository*>& targets) {
  for (std::size_t i = 0;; ++i) {
    try {
      return targets.at(i)->pack_context();
    } catch (const Error&) {
      const bool is_last = i + 1 == targets.size() ||
                           targets[i + 1]->keyring().current_epoch() != targets[0]->keyring().current_epoch();
      if (is_last) throw;
    }
  }
}

}  // namespace

BlobWriter::OpenPack& BlobWriter::open_pack(PackKind kind, TargetSet lacking) {
  std::lock_guard lock(open_mutex_);
  return open_[{kind, lacking}];
}

// Of a pack that several are given: each must be able to open it, so it is sealed with the newest key that
// all of their slots give out. A log that is rebuilt from packs must begin above whatever the destination's
// own could have come to, so the pack names the greatest generation of them.
PackContext BlobWriter::context_of(TargetSet lacking) const {
  std::vector<const Repository*> asked;
  for (unsigned number = 0; number < targets_.size(); ++number) {
    if (has_target(lacking, number) && targets_[number] != nullptr) asked.push_back(targets_[number]);
  }
  std::ranges::stable_sort(asked, {},
                           [](const Repository* target) { return target->keyring().current_epoch(); });
  PackContext context = any_context(asked);
  if (options_.spool_limit != 0) context.full = ErrorKind::kStateFull;
  for (const Repository* target : asked) {
    const std::shared_ptr<const v1::RepositoryState> state = target->state();
    if (state->generation() <= context.generation) continue;
    context.generation = state->generation();
    context.log_uuid = Uuid::from_bytes(as_bytes(state->log_uuid()));
  }
  return context;
}

// Past its target a pack waits a little for a size that needs little padding: with 1 MiB steps, closing it as
// it comes would waste 1.5 % of what is stored.
bool BlobWriter::is_full(std::uint64_t size) const {
  if (size < pack_target_) return false;
  return padded_pack_size(size) - size <= size / 256 || size >= pack_target_ + pack_target_ / 2;
}

// With open.mutex held.
void BlobWriter::hand_to_finisher(OpenPack& open) {
  {
    std::lock_guard lock(mutex_);
    ++finishing_;
  }
  if (!to_finish_.push(std::move(open.pack))) check();
  open.pack.reset();
}

void BlobWriter::finish_packs() {
  while (auto next = to_finish_.pop()) {
    if (failed_) return;
    const std::shared_ptr<Pack> pack = std::move(*next);
    try {
      const std::uint64_t before = pack->writer->size();
      FinishedPack finished = pack->writer->finish();
      const std::uint64_t written = finished.size - before;
      if (only_ >= 0) {
        counts_[static_cast<unsigned>(only_)].stored += written;
        unpaid_ += written;
      }
      std::lock_guard lock(mutex_);
      close(*pack, std::move(finished));
      pack->writer.reset();
      --finishing_;
      changed_.notify_all();
    } catch (...) {
      fail(std::current_exception());
      return;
    }
  }
}

void BlobWriter::close(Pack& pack, FinishedPack finished) {
  pack.is_finished = true;
  pack.size = finished.size;
  pack.frames = std::move(finished.frames);
  auto other = finished.other_names.begin();
  bool is_first = true;
  for (unsigned number = 0; number < kMostTargets; ++number) {
    if (!has_target(pack.lacking, number)) continue;
    pack.deliveries[number].name = is_first ? finished.name : *other++;
    is_first = false;
  }
}

// Closes every lane's frames and waits until all frames submitted so far are in their packs.
void BlobWriter::wait_for_frames() {
  const auto flush = [&](Lane& lane, PackKind kind) {
    std::unique_lock lock(lane.mutex);
    std::vector<FrameTask> ready = take_frames(lane, kind);
    lock.unlock();
    submit(std::move(ready));
  };
  for (auto& lane : lanes_) flush(*lane, PackKind::kData);
  flush(metadata_lane_, PackKind::kMetadata);

  std::unique_lock lock(mutex_);
  const std::uint64_t end = next_ticket_;
  changed_.wait(lock, [&] { return failed_ || outstanding_.empty() || *outstanding_.begin() >= end; });
  lock.unlock();
  check();
}

void BlobWriter::wait_for_finisher() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return failed_ || finishing_ == 0; });
  lock.unlock();
  check();
}

std::vector<DurablePack> BlobWriter::make_durable() {
  check();
  wait_for_frames();
  return tell();
}

std::vector<DurablePack> BlobWriter::finish() {
  check();
  wait_for_frames();
  std::vector<OpenPack*> all;
  {
    std::lock_guard lock(open_mutex_);
    for (auto& [key, open] : open_) all.push_back(&open);
  }
  for (OpenPack* open : all) {
    std::lock_guard lock(open->mutex);
    if (open->pack) hand_to_finisher(*open);
  }
  return tell();
}

std::vector<DurablePack> BlobWriter::tell() {
  wait_for_finisher();
  std::vector<std::shared_ptr<Pack>> packs;
  {
    std::lock_guard lock(mutex_);
    packs.assign(packs_.begin(), packs_.end());
  }
  std::vector<DurablePack> told;
  for (const auto& pack : packs) {
    if (pack->is_dropped) continue;
    DurablePack durable;
    durable.id = pack->id;
    durable.kind = pack->kind;
    durable.path = pack->path;
    durable.lacking = pack->lacking;
    auto take_frames = [&](const std::vector<PackedFrame>& frames) {
      durable.frames.assign(frames.begin() + static_cast<std::ptrdiff_t>(pack->told_frames), frames.end());
      pack->told_frames = frames.size();
    };
    if (!tell_open(pack, take_frames)) {
      // Finished, or about to be: then it is durable as a whole.
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [&] { return failed_ || pack->is_finished; });
      if (!pack->is_finished) break;
      take_frames(pack->frames);
      if (!pack->told_finished) {
        durable.size = pack->size;
        for (unsigned number = 0; number < kMostTargets; ++number) {
          const Delivery& delivery = pack->deliveries[number];
          if (has_target(pack->lacking, number))
            durable.deliveries.push_back({number, delivery.name, delivery.forgotten});
        }
        pack->told_finished = true;
      }
    }
    if (!durable.frames.empty() || durable.size) told.push_back(std::move(durable));
  }
  check();
  return told;
}

// Frames are told that stood in the pack before its fsync began. It goes on taking frames meanwhile, and may
// be finished.
bool BlobWriter::tell_open(const std::shared_ptr<Pack>& pack,
                           const std::function<void(const std::vector<PackedFrame>&)>& take_frames) {
  OpenPack& open = open_pack(pack->kind, pack->lacking);
  std::unique_lock lock(open.mutex);
  if (open.pack != pack) return false;
  const std::shared_ptr<PackWriter> writer = pack->writer;
  const bool has_new = writer->frames().size() > pack->told_frames;
  take_frames(writer->frames());
  lock.unlock();
  if (has_new) {
    try {
      writer->sync();
    } catch (...) {
      fail(std::current_exception());
      throw;
    }
  }
  return true;
}

}  // namespace garner::store
