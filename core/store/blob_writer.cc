// BlobWriter: from blobs to frames in packs.
#include "store/blob_writer.h"

#include <algorithm>

#include "base/error.h"
#include "base/log_context.h"
#include "base/stop_scope.h"

namespace garner::store {

namespace {

// Trees are small beside content, and every change rewrites some: so much of them, raw, is always compressed
// thoroughly.
constexpr std::uint64_t kThoroughMetadata = 16u << 20;
// Of a lane. Where destinations are in step one is enough; a further one keeps what one of them lacks from
// breaking up the frames of what all lack.
constexpr std::size_t kOpenFrames = 2;

const Repository& first_of(const std::vector<Repository*>& targets) {
  return **std::ranges::find_if(targets, [](const Repository* target) { return target != nullptr; });
}

TargetSet set_of(const std::vector<Repository*>& targets) {
  TargetSet set = 0;
  for (unsigned number = 0; number < targets.size(); ++number) {
    if (targets[number] != nullptr) set |= target_bit(number);
  }
  return set;
}

int only_one(const std::vector<Repository*>& targets) {
  const TargetSet set = set_of(targets);
  return std::has_single_bit(set) ? std::countr_zero(set) : -1;
}

}  // namespace

BlobWriter::BlobWriter(Repository& repository, BlobWriterOptions options)
    : BlobWriter(std::vector<Repository*>{&repository}, std::move(options)) {}

BlobWriter::BlobWriter(std::vector<Repository*> targets, BlobWriterOptions options)
    : targets_(std::move(targets)),
      options_(std::move(options)),
      only_(only_one(targets_)),
      live_(set_of(targets_)),
      frame_target_(first_of(targets_).state()->parameters().frame_target()),
      pack_target_(first_of(targets_).state()->parameters().pack_target()),
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

// ---- Lanes ----

TargetSet BlobWriter::put(unsigned lane, const crypto::BlobId& id, ByteView content) {
  return put_into(*lanes_.at(lane), PackKind::kData, crypto::BlobKind::kData, id, content, live_);
}

TargetSet BlobWriter::put_metadata(crypto::BlobKind kind, const crypto::BlobId& id, ByteView content,
                                   TargetSet among) {
  return put_into(metadata_lane_, PackKind::kMetadata, kind, id, content, among);
}

void BlobWriter::flush_lane(unsigned lane) {
  std::unique_lock lock(lanes_.at(lane)->mutex);
  std::vector<FrameTask> ready = take_frames(*lanes_[lane], PackKind::kData);
  lock.unlock();
  submit(std::move(ready));
}

// Claiming and adding happen under the lane's lock. Whoever learns from the claim that a blob is taken care
// of can rely on it: make_durable(), which takes every lane's lock in turn, finds the blob in the lane or
// past it.
TargetSet BlobWriter::put_into(Lane& lane, PackKind kind, crypto::BlobKind blob_kind,
                               const crypto::BlobId& id, ByteView content, TargetSet among) {
  check();
  std::vector<FrameTask> ready;
  std::unique_lock lock(lane.mutex);
  const TargetSet lacking = claim(id, lane, among);
  if (lacking == 0) return 0;
  LaneFrame& frame = frame_for(lane, kind, lacking, content.size(), ready);
  frame.builder.add(id, blob_kind, content);
  if (frame.builder.full())
    ready.push_back(take_frame(lane, kind, static_cast<std::size_t>(&frame - lane.frames.data())));
  lock.unlock();
  submit(std::move(ready));
  return lacking;
}

// The lane's frame for these destinations, with room for so much. What has to make way is put into `ready`.
BlobWriter::LaneFrame& BlobWriter::frame_for(Lane& lane, PackKind kind, TargetSet lacking, std::size_t length,
                                             std::vector<FrameTask>& ready) {
  auto& frames = lane.frames;
  const auto found = std::ranges::find(frames, lacking, &LaneFrame::lacking);
  if (found != frames.end()) {
    if (found->builder.fits(length)) return *found;
    ready.push_back(take_frame(lane, kind, static_cast<std::size_t>(found - frames.begin())));
  } else if (frames.size() == kOpenFrames) {
    const auto fullest = std::ranges::max_element(
        frames, {}, [](const LaneFrame& frame) { return frame.builder.raw().size(); });
    ready.push_back(take_frame(lane, kind, static_cast<std::size_t>(fullest - frames.begin())));
  }
  return frames.emplace_back(lacking, FrameBuilder(frame_target_, take_buffer()));
}

// With the lane's lock held. From here until it stands in a pack the frame is outstanding.
BlobWriter::FrameTask BlobWriter::take_frame(Lane& lane, PackKind kind, std::size_t number) {
  LaneFrame& frame = lane.frames[number];
  FrameTask task;
  task.kind = kind;
  task.lacking = frame.lacking;
  task.frame = std::move(frame.builder);
  lane.frames.erase(lane.frames.begin() + static_cast<std::ptrdiff_t>(number));
  {
    std::lock_guard state(mutex_);
    std::uint64_t& submitted = kind == PackKind::kData ? submitted_ : submitted_metadata_;
    task.thorough = submitted < (kind == PackKind::kData ? options_.thorough : kThoroughMetadata);
    submitted += task.frame.raw().size();
  }
  task.ticket = begin_frame();
  return task;
}

std::vector<BlobWriter::FrameTask> BlobWriter::take_frames(Lane& lane, PackKind kind) {
  std::vector<FrameTask> taken;
  while (!lane.frames.empty()) taken.push_back(take_frame(lane, kind, 0));
  return taken;
}

// With no lock held: queueing waits while compression is behind.
void BlobWriter::submit(std::vector<FrameTask> ready) {
  for (FrameTask& task : ready) {
    if (!frames_.push(std::move(task))) check();
  }
}

// Under the lane's lock, like a claim.
bool BlobWriter::refer(unsigned lane, const crypto::BlobId& id) {
  check();
  Lane& own = *lanes_.at(lane);
  std::lock_guard lock(own.mutex);
  std::array<std::optional<ObjectName>, kMostTargets> packs;
  const TargetSet live = live_;
  for (unsigned number = 0; number < targets_.size(); ++number) {
    if (!has_target(live, number) || holds(number, id)) continue;
    packs[number] = target(number).index().find_pack(id);
    if (!packs[number]) return false;
  }
  for (unsigned number = 0; number < targets_.size(); ++number) {
    if (packs[number]) own.names[number].insert(*packs[number]);
  }
  return true;
}

TargetSet BlobWriter::lacking(const crypto::BlobId& id) {
  const TargetSet live = live_;
  TargetSet lacking = 0;
  for (unsigned number = 0; number < targets_.size(); ++number) {
    if (has_target(live, number) && !holds(number, id) && !target(number).index().find_pack(id))
      lacking |= target_bit(number);
  }
  return lacking;
}

TargetSet BlobWriter::claim(const crypto::BlobId& id, Lane& lane, TargetSet among) {
  Shard& shard = shards_[id.value[31] % shards_.size()];
  std::lock_guard lock(shard.mutex);
  const auto found = shard.blobs.find(id);
  const TargetSet asking = without(live_ & among, found == shard.blobs.end() ? TargetSet{0} : found->second);
  TargetSet lacking = 0;
  for (unsigned number = 0; number < targets_.size(); ++number) {
    if (!has_target(asking, number)) continue;
    if (const auto pack = target(number).index().find_pack(id)) {
      lane.names[number].insert(*pack);
    } else {
      lacking |= target_bit(number);
      ++counts_[number].pending_blobs;
    }
  }
  if (lacking != 0) shard.blobs[id] |= lacking;
  return lacking;
}

bool BlobWriter::holds(unsigned target, const crypto::BlobId& id) {
  Shard& shard = shards_[id.value[31] % shards_.size()];
  std::lock_guard lock(shard.mutex);
  const auto found = shard.blobs.find(id);
  return found != shard.blobs.end() && has_target(found->second, target);
}

void BlobWriter::add_claim(const crypto::BlobId& id, TargetSet targets) {
  if (targets == 0) return;
  Shard& shard = shards_[id.value[31] % shards_.size()];
  std::lock_guard lock(shard.mutex);
  TargetSet& held = shard.blobs[id];
  for (unsigned number = 0; number < targets_.size(); ++number) {
    if (has_target(without(targets, held), number)) ++counts_[number].pending_blobs;
  }
  held |= targets;
}

void BlobWriter::remove_claim(const crypto::BlobId& id, TargetSet targets) {
  Shard& shard = shards_[id.value[31] % shards_.size()];
  std::lock_guard lock(shard.mutex);
  const auto found = shard.blobs.find(id);
  if (found == shard.blobs.end()) return;
  for (unsigned number = 0; number < targets_.size(); ++number) {
    if (has_target(targets & found->second, number)) --counts_[number].pending_blobs;
  }
  found->second = without(found->second, targets);
  if (found->second == 0) shard.blobs.erase(found);
}

std::set<ObjectName> BlobWriter::take_names(unsigned target) {
  std::set<ObjectName> names;
  auto drain = [&](Lane& lane) {
    std::lock_guard lock(lane.mutex);
    names.merge(lane.names.at(target));
    lane.names[target].clear();
  };
  for (auto& lane : lanes_) drain(*lane);
  drain(metadata_lane_);
  return names;
}

// ---- Frames ----

std::uint64_t BlobWriter::put_frame(unsigned lane, PackKind kind, ByteView encoded, std::uint32_t raw_length,
                                    const std::vector<FrameBlob>& blobs) {
  check();
  std::uint64_t added = 0;
  TargetSet lacking = 0;
  std::uint64_t ticket = 0;
  {
    // As put_into(): what is claimed is on its way into a pack when the lock is let go.
    Lane& own = *lanes_.at(lane);
    std::lock_guard lock(own.mutex);
    for (const FrameBlob& blob : blobs) {
      const TargetSet lack_it = claim(blob.id, own, live_);
      lacking |= lack_it;
      if (lack_it != 0) added += blob.length;
    }
    if (lacking == 0) return 0;
    ticket = begin_frame();
  }
  const std::uint64_t written = append(kind, lacking, encoded, raw_length, blobs);
  check();
  end_frame(ticket);
  if (!pay(written)) check();
  return added;
}

// A frame that is on its way into a pack, from under its lane's lock until it stands there.
std::uint64_t BlobWriter::begin_frame() {
  std::lock_guard lock(mutex_);
  outstanding_.insert(next_ticket_);
  return next_ticket_++;
}

void BlobWriter::end_frame(std::uint64_t ticket) {
  std::lock_guard lock(mutex_);
  outstanding_.erase(ticket);
  changed_.notify_all();
}

void BlobWriter::seal_frames() {
  FrameCodec codec;
  while (auto task = frames_.pop()) {
    if (failed_) return;
    std::uint64_t written = 0;
    try {
      const ByteView encoded = codec.encode(task->frame.raw(), task->thorough);
      written = append(task->kind, task->lacking, encoded,
                       static_cast<std::uint32_t>(task->frame.raw().size()), task->frame.blobs());
    } catch (...) {
      fail(std::current_exception());
      return;
    }
    {
      std::lock_guard lock(mutex_);
      buffers_.push_back(task->frame.take_buffer());
    }
    end_frame(task->ticket);
    if (!pay(written)) return;
  }
}

// Tells the destination what was written for it, where it is made in its place. That may take as long as a
// limit says: nothing else waits for it, a checkpoint above all, but the next frame.
bool BlobWriter::pay(std::uint64_t written) {
  if (only_ < 0) return true;
  try {
    target(static_cast<unsigned>(only_)).destination().staged(written);
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

std::uint64_t BlobWriter::append(PackKind kind, TargetSet lacking, ByteView encoded, std::uint32_t raw_length,
                                 const std::vector<FrameBlob>& blobs) {
  OpenPack& open = open_pack(kind, lacking);
  std::lock_guard lock(open.mutex);
  if (failed_) return 0;
  try {
    return append_to(open, kind, lacking, encoded, raw_length, blobs);
  } catch (...) {
    // Told before another thread can meet what is left of the pack: the first error is the run's.
    fail(std::current_exception());
    throw;
  }
}

// With open.mutex held.
std::uint64_t BlobWriter::append_to(OpenPack& open, PackKind kind, TargetSet lacking, ByteView encoded,
                                    std::uint32_t raw_length, const std::vector<FrameBlob>& blobs) {
  if (!open.pack) {
    auto pack = std::make_shared<Pack>();
    pack->id = Uuid::random();
    pack->kind = kind;
    pack->lacking = lacking;
    pack->path = options_.staging_folder + "/" + options_.run.text() + "-" + pack->id.text();
    pack->writer = std::make_shared<PackWriter>(pack->path, context_of(lacking), kind,
                                                static_cast<unsigned>(std::popcount(lacking)));
    std::lock_guard state(mutex_);
    packs_.push_back(pack);
    open.pack = std::move(pack);
  }
  const PackWriter& writer = *open.pack->writer;
  const std::uint64_t before = writer.frames().empty() ? 0 : writer.size();
  open.pack->writer->append(encoded, raw_length, blobs);
  const std::uint64_t written = writer.size() - before;
  if (only_ >= 0) counts_[static_cast<unsigned>(only_)].stored += written;
  if (is_full(writer.size())) hand_to_finisher(open);
  return written;
}

}  // namespace garner::store
