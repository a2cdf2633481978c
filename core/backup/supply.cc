#include "backup/supply.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <functional>
#include <utility>

#include "base/error.h"
#include "crypto/id_set.h"
#include "snapshot/closure.h"
#include "snapshot/walk_new.h"

namespace garner::backup {

namespace {

// A few for each thread that made them: what was read in one go stands in as many packs as threads read it.
constexpr std::size_t kOpenPacks = 8;

}  // namespace

Supply::OpenPack::OpenPack(const Supplier& from, const store::ObjectName& pack)
    : supplier(from),
      name(pack),
      reader(from.repository->destination(), from.repository->keyring(), pack),
      directory(reader.read_directory()) {}

Supply::Supply(Context context, const v1::Snapshot& compared, const v1::Snapshot* owned)
    : context_(std::move(context)), wanted_(context_.suppliers) {
  for (unsigned lane = 0; lane < context_.lanes; ++lane) lanes_.push_back(std::make_unique<Lane>());
  crypto::IdSet walked;
  snapshot::ClosureVisitor visitor;
  visitor.visit = [&](crypto::BlobKind kind, const crypto::BlobId& id, const std::string&) {
    throw_if_stopped();
    if (kind == crypto::BlobKind::kData) return wanted_.add(id);
    return walked.insert(id);
  };
  // What cannot be read now cannot be supplied later: the source is read for it.
  visitor.unreadable = [](crypto::BlobKind, const crypto::BlobId&, const std::string&, const std::string&) {};
  std::vector<const v1::Snapshot*> known;
  if (owned != nullptr) known.push_back(owned);
  snapshot::walk_new(compared, known, context_.source, visitor);
}

void Supply::throw_if_stopped() const {
  if (context_.stop.stop_requested()) throw Error(ErrorKind::kCancelled, "the run was stopped");
}

Supply::~Supply() = default;

bool Supply::bring(unsigned lane, const v1::Node& node) {
  v1::Snapshot whole;
  *whole.add_sources()->mutable_root() = node;
  bool is_there = true;
  snapshot::ClosureVisitor visitor;
  visitor.visit = [&](crypto::BlobKind kind, const crypto::BlobId& id, const std::string&) {
    throw_if_stopped();
    is_there = is_there && bring_blob(lane, kind, id);
    return is_there;
  };
  visitor.unreadable = [&](crypto::BlobKind, const crypto::BlobId&, const std::string&, const std::string&) {
    is_there = false;
  };
  visitor.difference = [&] {
    if (may_store_differences()) {
      context_.checkpointer.note_difference();
    } else {
      is_there = false;
    }
  };
  snapshot::walk_closure(whole, context_.source, visitor);
  return is_there;
}

bool Supply::may_store_differences() const {
  return std::ranges::all_of(context_.targets,
                             [](const store::Repository* target) { return target->may_store_differences(); });
}

bool Supply::bring_blob(unsigned lane, crypto::BlobKind kind, const crypto::BlobId& id) {
  if (context_.writer.refer(lane, id)) return true;
  if (kind == crypto::BlobKind::kData) {
    for (const Supplier& supplier : context_.suppliers) {
      if (bring_from(supplier, lane, id)) return true;
    }
  }
  return bring_alone(lane, kind, id);
}

// With its frame.
bool Supply::bring_from(const Supplier& supplier, unsigned number, const crypto::BlobId& id) {
  const std::optional<store::BlobLocation> location = supplier.repository->index().find(id);
  if (!location || location->kind != crypto::BlobKind::kData) return false;
  Lane& lane = *lanes_.at(number);
  const std::lock_guard lock(lane.mutex);
  const bool has_frame = lane.pack && lane.frame != nullptr && &lane.pack->supplier == &supplier &&
                         lane.pack->name == location->pack && lane.frame->offset == location->frame_offset;
  if (!has_frame) {
    context_.checkpointer.admit(location->frame_raw_length);
    lane.frame = nullptr;
    ByteView encoded;
    const bool taken = try_to([&] {
      lane.pack = open(supplier, location->pack);
      const auto& frames = lane.pack->directory.frames;
      const auto found =
          std::ranges::lower_bound(frames, location->frame_offset, {}, &store::PackedFrame::offset);
      if (found == frames.end() || found->offset != location->frame_offset)
        throw Error(ErrorKind::kDamaged, "pack " + location->pack.hex() + " is not what its index says");
      encoded = lane.pack->reader.read_frame(found->offset, found->stored_length, lane.sealed);
      lane.raw = lane.codec.decode(encoded, found->raw_length, lane.memory);
      lane.frame = &*found;
    });
    if (!taken) return false;
    hand_on(lane, number, encoded);
  }
  std::size_t offset = 0;
  for (const store::FrameBlob& blob : lane.frame->blobs) {
    const ByteView content = lane.raw.subspan(std::exchange(offset, offset + blob.length), blob.length);
    if (blob.id != id) continue;
    if (context_.targets.front()->hasher().id(blob.kind, content) != id) return false;
    put(number, blob.kind, id, content);
    note(supplier.name);
    return true;
  }
  return false;
}

// The whole frame as it is, where half of it is wanted, and all of it is sound.
void Supply::hand_on(Lane& lane, unsigned number, ByteView encoded) {
  const auto place = static_cast<std::size_t>(&lane.pack->supplier - context_.suppliers.data());
  store::TargetSet lacking = 0;
  std::uint64_t bytes = 0;
  std::size_t offset = 0;
  for (const store::FrameBlob& blob : lane.frame->blobs) {
    const ByteView content = lane.raw.subspan(std::exchange(offset, offset + blob.length), blob.length);
    if (context_.targets.front()->hasher().id(blob.kind, content) != blob.id) return;
    const store::TargetSet lacks = context_.writer.lacking(blob.id);
    lacking |= lacks;
    if (lacks != 0 && wanted_.is_wanted_from(place, lane.pack->name, blob.id)) bytes += blob.length;
  }
  if (2 * bytes < lane.frame->raw_length) return;
  const std::uint64_t added = context_.writer.put_frame(number, store::PackKind::kData, encoded,
                                                        lane.frame->raw_length, lane.frame->blobs);
  if (added == 0) return;
  context_.statistics.new_content(lacking, added);
  count(lacking, lane.frame->raw_length);
  note(lane.pack->supplier.name);
}

std::shared_ptr<const Supply::OpenPack> Supply::open(const Supplier& supplier,
                                                     const store::ObjectName& pack) {
  {
    const std::lock_guard lock(mutex_);
    const auto found = std::ranges::find_if(
        packs_, [&](const auto& one) { return &one->supplier == &supplier && one->name == pack; });
    if (found != packs_.end()) {
      std::rotate(packs_.begin(), found, found + 1);
      return packs_.front();
    }
  }
  auto opened = std::make_shared<const OpenPack>(supplier, pack);
  const std::lock_guard lock(mutex_);
  packs_.push_front(opened);
  if (packs_.size() > kOpenPacks) packs_.pop_back();
  return opened;
}

// From wherever it can be read: lists, and what a supplier's index says wrongly.
bool Supply::bring_alone(unsigned lane, crypto::BlobKind kind, const crypto::BlobId& id) {
  Bytes content;
  if (!try_to([&] { content = context_.source.read(kind, id); })) return false;
  context_.checkpointer.admit(content.size());
  put(lane, kind, id, content);
  for (const Supplier& supplier : context_.suppliers) {
    if (!supplier.repository->index().find_pack(id)) continue;
    note(supplier.name);
    break;
  }
  return true;
}

// What is wrong with what they have is no reason not to back up. That one is away, on the other hand, is true
// of all that follows.
bool Supply::try_to(const std::function<void()>& read) {
  try {
    read();
    return true;
  } catch (const Error& error) {
    const bool ends_run = error.kind() == ErrorKind::kCancelled || error.kind() == ErrorKind::kInternal ||
                          error.kind() == ErrorKind::kDestinationAway;
    if (ends_run) throw;
    const auto level = told_++ < kMostReadsTold ? spdlog::level::warn : spdlog::level::debug;
    spdlog::log(level, "what cannot be supplied is asked of others, or read from the source: {}",
                error.what());
    return false;
  }
}

void Supply::put(unsigned lane, crypto::BlobKind kind, const crypto::BlobId& id, ByteView content) {
  const bool is_data = kind == crypto::BlobKind::kData;
  const store::TargetSet lacking =
      is_data ? context_.writer.put(lane, id, content) : context_.writer.put_metadata(kind, id, content);
  if (is_data) context_.statistics.new_content(lacking, content.size());
  count(lacking, content.size());
}

void Supply::count(store::TargetSet targets, std::uint64_t bytes) {
  for (unsigned number = 0; number < store::kMostTargets; ++number) {
    if (store::has_target(targets, number)) context_.statistics.supplied(number, bytes);
  }
}

void Supply::note(const std::string& supplier) {
  const std::lock_guard lock(mutex_);
  gave_.insert(supplier);
}

std::set<std::string> Supply::gave() const {
  const std::lock_guard lock(mutex_);
  return gave_;
}

}  // namespace garner::backup
