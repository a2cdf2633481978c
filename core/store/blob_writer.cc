#include "store/blob_writer.h"

#include <fcntl.h>

#include "base/error.h"
#include "base/file.h"
#include "base/log_context.h"
#include "base/stop_scope.h"
#include "store/padding.h"

namespace garner::store {

namespace {

// Trees are small beside content, and every change rewrites some: so much of them, raw, is always compressed
// thoroughly.
constexpr std::uint64_t kThoroughMetadata = 16u << 20;

}  // namespace

BlobWriter::BlobWriter(Repository& repository, BlobWriterOptions options)
    : repository_(repository),
      options_(std::move(options)),
      frame_target_(repository.pack_context().parameters.frame_target()),
      pack_target_(repository.pack_context().parameters.pack_target()),
      run_stops_(StopScope::current(), [this] { failing_.request_stop(); }),
      stop_(StopScope::current().stop_possible() ? failing_.get_token() : std::stop_token()),
      frames_(options_.threads),
      to_finish_(1) {
  for (unsigned lane = 0; lane < options_.lanes; ++lane) lanes_.push_back(std::make_unique<Lane>());
  for (unsigned thread = 0; thread < options_.threads; ++thread) {
    sealers_.emplace_back(in_log_context([this] {
      const StopScope scope(stop_);
      seal_frames();
    }));
  }
  finisher_ = std::jthread(in_log_context([this] {
    const StopScope scope(stop_);
    finish_packs();
  }));
}

BlobWriter::~BlobWriter() {
  frames_.close();
  to_finish_.close();
}

void BlobWriter::check() const {
  if (!failed_) return;
  std::lock_guard lock(mutex_);
  std::rethrow_exception(error_);
}

void BlobWriter::fail(std::exception_ptr error) {
  {
    std::lock_guard lock(mutex_);
    if (!error_) error_ = std::move(error);
    failed_ = true;
    changed_.notify_all();
  }
  failing_.request_stop();
  frames_.close();
  to_finish_.close();
}

std::vector<Uuid> BlobWriter::adopt(const std::vector<DurablePack>& packs) {
  std::vector<Uuid> committed;
  auto& destination = repository_.destination();
  for (const DurablePack& known : packs) {
    auto pack = std::make_shared<Pack>();
    pack->id = known.id;
    pack->kind = known.kind;
    pack->path = known.path;
    if (known.finished) {
      const ObjectName& name = known.finished->name;
      if (repository_.index().is_live(name)) {
        committed.push_back(known.id);
        std::lock_guard lock(metadata_lane_.mutex);
        metadata_lane_.names.insert(name);
        continue;
      }
      pack->finished = known.finished;
      pack->finished->frames = known.frames;
      pack->told_finished = true;
      pack->published = destination.size(pack_key(name)).has_value();
      // Published but not yet removed from the staging folder, or not yet published: both are what a crash
      // leaves.
      if (pack->published) {
        remove_file(known.path);
      } else {
        open_file(known.path, O_RDONLY);
      }
    } else {
      pack->finished = close_pack(known.path, repository_.pack_context(), known.kind, known.frames);
      const PackedFrame& last = known.frames.back();
      destination.staged(pack->finished->size - last.offset - last.stored_length);
    }
    pack->told_frames = pack->finished->frames.size();
    for (const PackedFrame& frame : pack->finished->frames) {
      for (const FrameBlob& blob : frame.blobs) {
        Shard& shard = shards_[blob.id.value[31] % shards_.size()];
        std::lock_guard lock(shard.mutex);
        if (shard.blobs.insert(blob.id).second) ++pending_blobs_;
      }
    }
    std::lock_guard lock(mutex_);
    packs_.push_back(std::move(pack));
  }
  return committed;
}

bool BlobWriter::put(unsigned lane, const crypto::BlobId& id, ByteView content) {
  return put_into(*lanes_.at(lane), PackKind::kData, crypto::BlobKind::kData, id, content);
}

bool BlobWriter::put_metadata(crypto::BlobKind kind, const crypto::BlobId& id, ByteView content) {
  return put_into(metadata_lane_, PackKind::kMetadata, kind, id, content);
}

void BlobWriter::flush_lane(unsigned lane) {
  std::unique_lock lock(lanes_.at(lane)->mutex);
  submit(*lanes_[lane], PackKind::kData, lock);
}

// Claiming and adding happen under the lane's lock. Whoever learns from the claim that a blob is taken care
// of can rely on it: make_durable(), which takes every lane's lock in turn, finds the blob in the lane or
// past it.
bool BlobWriter::put_into(Lane& lane, PackKind kind, crypto::BlobKind blob_kind, const crypto::BlobId& id,
                          ByteView content) {
  check();
  std::unique_lock lock(lane.mutex);
  while (lane.frame && !lane.frame->fits(content.size())) {
    submit(lane, kind, lock);
    lock.lock();
  }
  if (!claim(id, lane)) return false;
  if (!lane.frame) lane.frame.emplace(frame_target_, take_buffer());
  lane.frame->add(id, blob_kind, content);
  if (lane.frame->full()) submit(lane, kind, lock);
  return true;
}

// Under the lane's lock, like a claim.
bool BlobWriter::refer(unsigned lane, const crypto::BlobId& id) {
  check();
  std::lock_guard lock(lanes_.at(lane)->mutex);
  if (holds(id)) return true;
  const auto pack = repository_.index().find_pack(id);
  if (pack) lanes_[lane]->names.insert(*pack);
  return pack.has_value();
}

bool BlobWriter::claim(const crypto::BlobId& id, Lane& lane) {
  Shard& shard = shards_[id.value[31] % shards_.size()];
  std::lock_guard lock(shard.mutex);
  if (shard.blobs.contains(id)) return false;
  if (const auto pack = repository_.index().find_pack(id)) {
    lane.names.insert(*pack);
    return false;
  }
  shard.blobs.insert(id);
  ++pending_blobs_;
  return true;
}

bool BlobWriter::holds(const crypto::BlobId& id) {
  Shard& shard = shards_[id.value[31] % shards_.size()];
  std::lock_guard lock(shard.mutex);
  return shard.blobs.contains(id);
}

// Takes the lane's frame and queues it. Unlocks: queueing waits while compression is behind.
void BlobWriter::submit(Lane& lane, PackKind kind, std::unique_lock<std::mutex>& lock) {
  if (!lane.frame) {
    lock.unlock();
    return;
  }
  FrameTask task;
  task.kind = kind;
  task.frame = std::move(*lane.frame);
  lane.frame.reset();
  {
    std::lock_guard state(mutex_);
    std::uint64_t& submitted = kind == PackKind::kData ? submitted_ : submitted_metadata_;
    task.thorough = submitted < (kind == PackKind::kData ? options_.thorough : kThoroughMetadata);
    submitted += task.frame.raw().size();
    task.ticket = next_ticket_++;
    outstanding_.insert(task.ticket);
  }
  lock.unlock();
  if (!frames_.push(std::move(task))) check();
}

void BlobWriter::seal_frames() {
  FrameCodec codec;
  while (auto task = frames_.pop()) {
    if (failed_) return;
    std::uint64_t written = 0;
    try {
      written = append(codec, *task);
    } catch (...) {
      fail(std::current_exception());
      return;
    }
    {
      std::lock_guard lock(mutex_);
      buffers_.push_back(task->frame.take_buffer());
      outstanding_.erase(task->ticket);
      changed_.notify_all();
    }
    if (!pay(written)) return;
  }
}

// Tells the destination what was written for it. That may take as long as a limit says: nothing else waits
// for it, a checkpoint above all, but the next frame.
bool BlobWriter::pay(std::uint64_t written) {
  try {
    repository_.destination().staged(written);
    return true;
  } catch (...) {
    fail(std::current_exception());
    return false;
  }
}

// Frames come and go all the time: memory that was mapped anew for each would be a tenth of a backup's time.
Bytes BlobWriter::take_buffer() {
  std::lock_guard lock(mutex_);
  if (buffers_.empty()) return {};
  Bytes buffer = std::move(buffers_.back());
  buffers_.pop_back();
  return buffer;
}

std::uint64_t BlobWriter::append(FrameCodec& codec, FrameTask& task) {
  const ByteView encoded = codec.encode(task.frame.raw(), task.thorough);
  OpenPack& open = open_[static_cast<std::size_t>(task.kind) - 1];
  std::lock_guard lock(open.mutex);
  if (failed_) return 0;
  try {
    return append_to(open, encoded, task);
  } catch (...) {
    // Told before another thread can meet what is left of the pack: the first error is the run's.
    fail(std::current_exception());
    throw;
  }
}

// With open.mutex held.
std::uint64_t BlobWriter::append_to(OpenPack& open, ByteView encoded, const FrameTask& task) {
  if (!open.pack) {
    auto pack = std::make_shared<Pack>();
    pack->id = Uuid::random();
    pack->kind = task.kind;
    pack->path = options_.staging_folder + "/" + options_.run.text() + "-" + pack->id.text();
    pack->writer = std::make_shared<PackWriter>(pack->path, repository_.pack_context(), task.kind);
    std::lock_guard state(mutex_);
    packs_.push_back(pack);
    open.pack = std::move(pack);
  }
  const PackWriter& writer = *open.pack->writer;
  const std::uint64_t before = writer.frames().empty() ? 0 : writer.size();
  open.pack->writer->append(encoded, static_cast<std::uint32_t>(task.frame.raw().size()), task.frame.blobs());
  const std::uint64_t written = writer.size() - before;
  stored_bytes_ += written;
  if (is_full(writer.size())) hand_to_finisher(open);
  return written;
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
      stored_bytes_ += written;
      unpaid_ += written;
      std::lock_guard lock(mutex_);
      pack->finished = std::move(finished);
      pack->writer.reset();
      --finishing_;
      changed_.notify_all();
    } catch (...) {
      fail(std::current_exception());
      return;
    }
  }
}

// Closes every lane's frame and waits until all frames submitted so far are in their packs.
void BlobWriter::wait_for_frames() {
  for (auto& lane : lanes_) {
    std::unique_lock lock(lane->mutex);
    submit(*lane, PackKind::kData, lock);
  }
  std::unique_lock metadata(metadata_lane_.mutex);
  submit(metadata_lane_, PackKind::kMetadata, metadata);

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

std::vector<DurablePack> BlobWriter::tell() {
  wait_for_finisher();
  std::vector<std::shared_ptr<Pack>> packs;
  {
    std::lock_guard lock(mutex_);
    packs.assign(packs_.begin(), packs_.end());
  }
  std::vector<DurablePack> told;
  for (const auto& pack : packs) {
    DurablePack durable{pack->id, pack->kind, pack->path, std::nullopt, {}};
    auto take_frames = [&](const std::vector<PackedFrame>& frames) {
      durable.frames.assign(frames.begin() + static_cast<std::ptrdiff_t>(pack->told_frames), frames.end());
      pack->told_frames = frames.size();
    };
    if (!tell_open(pack, take_frames)) {
      // Finished, or about to be: then it is durable as a whole.
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [&] { return failed_ || pack->finished; });
      if (!pack->finished) break;
      take_frames(pack->finished->frames);
      if (!pack->told_finished) {
        durable.finished = FinishedPack{pack->finished->name, pack->kind, pack->finished->size, {}};
        pack->told_finished = true;
      }
    }
    if (!durable.frames.empty() || durable.finished) told.push_back(std::move(durable));
  }
  check();
  return told;
}

// Frames are told that stood in the pack before its fsync began. It goes on taking frames meanwhile, and may
// be finished.
bool BlobWriter::tell_open(const std::shared_ptr<Pack>& pack,
                           const std::function<void(const std::vector<PackedFrame>&)>& take_frames) {
  OpenPack& open = open_[static_cast<std::size_t>(pack->kind) - 1];
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

std::vector<DurablePack> BlobWriter::finish() {
  check();
  wait_for_frames();
  for (OpenPack& open : open_) {
    std::lock_guard lock(open.mutex);
    if (open.pack) hand_to_finisher(open);
  }
  return tell();
}

void BlobWriter::publish() {
  check();
  repository_.destination().staged(unpaid_.exchange(0));
  std::vector<std::shared_ptr<Pack>> ready;
  {
    std::lock_guard lock(mutex_);
    for (const auto& pack : packs_) {
      if (pack->told_finished && !pack->published) ready.push_back(pack);
    }
  }
  for (const auto& pack : ready) {
    repository_.destination().put_file(pack_key(pack->finished->name), pack->path);
    std::lock_guard lock(mutex_);
    pack->published = true;
  }
}

std::vector<FinishedPack> BlobWriter::published() const {
  std::lock_guard lock(mutex_);
  std::vector<FinishedPack> result;
  for (const auto& pack : packs_) {
    if (pack->published) result.push_back(*pack->finished);
  }
  return result;
}

std::vector<Uuid> BlobWriter::forget(const std::vector<FinishedPack>& packs) {
  std::set<ObjectName> names;
  for (const FinishedPack& pack : packs) names.insert(pack.name);
  std::vector<std::shared_ptr<Pack>> gone;
  {
    std::lock_guard lock(mutex_);
    for (auto pack = packs_.begin(); pack != packs_.end();) {
      if ((*pack)->published && names.contains((*pack)->finished->name)) {
        gone.push_back(*pack);
        pack = packs_.erase(pack);
      } else {
        ++pack;
      }
    }
  }
  std::vector<Uuid> ids;
  for (const auto& pack : gone) {
    ids.push_back(pack->id);
    for (const PackedFrame& frame : pack->finished->frames) {
      for (const FrameBlob& blob : frame.blobs) {
        Shard& shard = shards_[blob.id.value[31] % shards_.size()];
        std::lock_guard lock(shard.mutex);
        pending_blobs_ -= shard.blobs.erase(blob.id);
      }
    }
  }
  return ids;
}

std::set<ObjectName> BlobWriter::take_names() {
  std::set<ObjectName> names;
  auto drain = [&](Lane& lane) {
    std::lock_guard lock(lane.mutex);
    names.merge(lane.names);
    lane.names.clear();
  };
  for (auto& lane : lanes_) drain(*lane);
  drain(metadata_lane_);
  return names;
}

}  // namespace garner::store
