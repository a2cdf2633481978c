// BlobWriter: what becomes of finished packs at the destinations, and what a later process takes over.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <spdlog/spdlog.h>

#include <algorithm>
#include <cerrno>

#include "base/error.h"
#include "base/file.h"
#include "store/blob_writer.h"

namespace garner::store {

namespace {

// What is known of blobs on their way takes memory.
constexpr std::uint64_t kMostWaiting = 200'000;
constexpr std::size_t kCopyStep = 1u << 20;

struct stat file_status(const std::string& path) {
  const Fd fd = open_file(path, O_RDONLY);
  struct stat status {};
  if (fstat(fd.get(), &status) != 0)
    throw system_error(errno, "looking at " + printable(path), ErrorKind::kReadFailed);
  return status;
}

// As a file of its own, which is as durable.
void copy_durably(const std::string& from, const std::string& to) {
  const Fd source = open_file(from, O_RDONLY);
  const Fd target = open_file(to, O_WRONLY | O_CREAT | O_TRUNC);
  Bytes buffer(kCopyStep);
  for (std::uint64_t done = 0;;) {
    const std::size_t got = read_at(source.get(), buffer, done, from);
    if (got == 0) break;
    write_at(target.get(), ByteView(buffer).first(got), done, to);
    done += got;
  }
  sync_file(target.get(), to);
}

// put_file() takes the file it is given away. A crash may have left the second name: of the same file, then.
void give_second_name(const std::string& from, const std::string& to) {
  if (link(from.c_str(), to.c_str()) == 0) return;
  if (errno == EEXIST) {
    if (is_same_file(from, to)) return;
    remove_file(to);
    if (link(from.c_str(), to.c_str()) == 0) return;
  }
  const bool has_no_links =
      errno == EPERM || errno == EOPNOTSUPP || errno == EMLINK || errno == ENOSYS || errno == EACCES;
  if (!has_no_links)
    throw system_error(errno, "giving " + printable(from) + " a second name",
                       errno == ENOENT ? ErrorKind::kNotFound : ErrorKind::kWriteFailed,
                       ErrorKind::kStateFull);
  copy_durably(from, to);
}

// A file that stays does no harm: it goes when the run is over.
void remove_stray(const std::string& path) {
  try {
    remove_file(path);
  } catch (const Error& error) {
    spdlog::warn("{} is not needed any more, and stays: {}", printable(path), error.what());
  }
}

}  // namespace

// Where a destination gives its files away. Stable, since an upload that is cut off is known by it.
std::string BlobWriter::delivery_path(const Pack& pack, unsigned number) const {
  return is_only(number) ? pack.path : pack.path + "-" + std::to_string(number);
}

FinishedPack BlobWriter::finished(const Pack& pack, unsigned number) const {
  return {pack.deliveries[number].name, pack.kind, pack.size, pack.frames};
}

// ---- Recording ----

void BlobWriter::recorded(TargetSet left) {
  std::lock_guard lock(mutex_);
  gone_ |= left;
  for (const auto& pack : packs_) pack->recorded = pack->recorded || pack->told_finished;
  tidy();
}

void BlobWriter::leave(unsigned target) {
  live_ &= static_cast<TargetSet>(~target_bit(target));
  std::lock_guard lock(mutex_);
  tidy();
}

std::vector<Uuid> BlobWriter::take_released() {
  std::lock_guard lock(mutex_);
  return std::exchange(released_, {});
}

// Nothing is left to do with the pack there.
bool BlobWriter::is_settled(const Pack& pack, unsigned number) const {
  if (!has_target(pack.lacking, number)) return true;
  const Delivery& delivery = pack.deliveries[number];
  return delivery.forgotten || (has_target(gone_, number) && !delivery.published && !delivery.is_under_way);
}

// With mutex_ held. Counts what is still to be delivered, and lets go of what nobody needs: the file of a
// pack that each of its destinations has or will never have, and what is known of a pack that is settled
// everywhere. That a destination has left is recorded by then (gone_): otherwise a process that died now
// would go on with it, and miss the file.
void BlobWriter::tidy() {
  std::array<std::uint64_t, kMostTargets> undelivered{};
  std::uint64_t waiting = 0;
  std::uint64_t waiting_blobs = 0;
  const TargetSet live = live_;
  for (auto next = packs_.begin(); next != packs_.end();) {
    Pack& pack = **next;
    const bool is_known = pack.is_dropped || (pack.is_finished && pack.recorded);
    if (!is_known) {
      ++next;
      continue;
    }
    bool is_waited_for = false;
    bool needs_file = false;
    bool settled = true;
    for (unsigned number = 0; number < kMostTargets; ++number) {
      if (!has_target(pack.lacking, number)) continue;
      const Delivery& delivery = pack.deliveries[number];
      if (!delivery.published && !delivery.forgotten) {
        if (has_target(live, number)) undelivered[number] += pack.size;
        is_waited_for = is_waited_for || has_target(live, number);
        needs_file = needs_file || !has_target(gone_, number) || delivery.is_under_way;
      }
      settled = settled && is_settled(pack, number);
    }
    if (is_waited_for) {
      waiting += pack.size;
      for (const PackedFrame& frame : pack.frames) waiting_blobs += frame.blobs.size();
    }
    if (!needs_file && std::exchange(pack.has_file, false)) {
      remove_stray(pack.path);
      for (unsigned number = 0; number < targets_.size(); ++number) {
        remove_stray(pack.path + "-" + std::to_string(number));
      }
    }
    if (settled) {
      released_.push_back(pack.id);
      next = packs_.erase(next);
    } else {
      ++next;
    }
  }
  for (unsigned number = 0; number < kMostTargets; ++number)
    counts_[number].undelivered = undelivered[number];
  waiting_ = waiting;
  waiting_blobs_ = waiting_blobs;
}

bool BlobWriter::has_room() const {
  return options_.spool_limit == 0 || (waiting_ < options_.spool_limit && waiting_blobs_ < kMostWaiting);
}

// ---- Delivering ----

// Marks it as under way.
std::shared_ptr<BlobWriter::Pack> BlobWriter::next_to_publish(unsigned number) {
  std::lock_guard lock(mutex_);
  std::shared_ptr<Pack> next;
  if (!has_target(live_, number)) return next;
  for (const auto& pack : packs_) {
    const Delivery& delivery = pack->deliveries[number];
    if (!has_target(pack->lacking, number) || !pack->recorded || delivery.published || delivery.forgotten)
      continue;
    if (!next || (next->kind != PackKind::kMetadata && pack->kind == PackKind::kMetadata)) next = pack;
  }
  if (next) next->deliveries[number].is_under_way = true;
  return next;
}

bool BlobWriter::publish_next(unsigned number) {
  const std::shared_ptr<Pack> pack = next_to_publish(number);
  if (!pack) return false;
  bool published = false;
  // Also when it fails: a file that is not needed any more goes.
  const std::shared_ptr<void> over(nullptr, [&](void*) {
    std::lock_guard lock(mutex_);
    pack->deliveries[number].is_under_way = false;
    pack->deliveries[number].published = published;
    tidy();
  });
  publish_pack(*pack, number);
  published = true;
  if (!is_only(number)) counts_[number].stored += pack->size;
  return true;
}

void BlobWriter::publish_pack(const Pack& pack, unsigned number) {
  destination::Destination& destination = target(number).destination();
  const std::string path = delivery_path(pack, number);
  if (is_only(number)) {
    destination.staged(unpaid_.exchange(0));
  } else {
    give_second_name(pack.path, path);
  }
  target(number).publish(finished(pack, number), path);
}

void BlobWriter::publish() {
  check();
  recorded();
  for (unsigned number = 0; number < targets_.size(); ++number) {
    while (publish_next(number)) {
    }
  }
}

bool BlobWriter::is_readable() const {
  std::lock_guard lock(mutex_);
  const TargetSet live = live_;
  return std::ranges::all_of(packs_, [&](const auto& pack) {
    // Whoever does not lack it had what it holds before.
    if (pack->kind != PackKind::kMetadata || !pack->recorded || without(live, pack->lacking) != 0)
      return true;
    for (unsigned number = 0; number < targets_.size(); ++number) {
      const Delivery& delivery = pack->deliveries[number];
      if (has_target(live, number) && (delivery.published || delivery.forgotten)) return true;
    }
    return false;
  });
}

std::vector<FinishedPack> BlobWriter::published(unsigned number) const {
  std::lock_guard lock(mutex_);
  std::vector<FinishedPack> result;
  for (const auto& pack : packs_) {
    const Delivery& delivery = pack->deliveries[number];
    if (delivery.published && !delivery.forgotten) result.push_back(finished(*pack, number));
  }
  return result;
}

BlobWriter::Amount BlobWriter::published_amount(unsigned number) const {
  std::lock_guard lock(mutex_);
  Amount amount;
  for (const auto& pack : packs_) {
    const Delivery& delivery = pack->deliveries[number];
    if (!delivery.published || delivery.forgotten) continue;
    amount.bytes += pack->size;
    for (const PackedFrame& frame : pack->frames) amount.blobs += frame.blobs.size();
  }
  return amount;
}

std::vector<Uuid> BlobWriter::forget(const std::vector<FinishedPack>& packs, unsigned number) {
  std::set<ObjectName> names;
  for (const FinishedPack& pack : packs) names.insert(pack.name);
  std::vector<std::shared_ptr<Pack>> gone;
  {
    std::lock_guard lock(mutex_);
    for (const auto& pack : packs_) {
      Delivery& delivery = pack->deliveries[number];
      if (!delivery.published || delivery.forgotten || !names.contains(delivery.name)) continue;
      delivery.forgotten = true;
      gone.push_back(pack);
    }
    tidy();
  }
  std::vector<Uuid> ids;
  for (const auto& pack : gone) {
    ids.push_back(pack->id);
    for (const PackedFrame& frame : pack->frames) {
      for (const FrameBlob& blob : frame.blobs) remove_claim(blob.id, target_bit(number));
    }
  }
  return ids;
}

// ---- Taking over ----

BlobWriter::Adopted BlobWriter::adopt(const std::vector<DurablePack>& packs, const Generations& since) {
  Adopted adopted;
  for (const DurablePack& known : packs) {
    std::shared_ptr<Pack> pack = adopt_pack(known, adopted);
    TargetSet held = 0;
    for (unsigned number = 0; number < targets_.size(); ++number) {
      if (has_target(pack->lacking & live_, number) && !pack->deliveries[number].forgotten)
        held |= target_bit(number);
    }
    for (const PackedFrame& frame : pack->frames) {
      for (const FrameBlob& blob : frame.blobs) add_claim(blob.id, held);
    }
    std::lock_guard lock(mutex_);
    packs_.push_back(std::move(pack));
  }
  await_published(since, adopted);
  std::lock_guard lock(mutex_);
  tidy();
  return adopted;
}

// That a pack is there says nothing of what became of its name before: the earlier process may have put it
// twice (awaited_names.h), and have read what somebody did to it in between.
void BlobWriter::await_published(const Generations& since, Adopted& adopted) {
  for (unsigned number = 0; number < targets_.size(); ++number) {
    if (!has_target(live_, number)) continue;
    std::vector<ObjectName> names;
    for (const FinishedPack& pack : published(number)) names.push_back(pack.name);
    try {
      target(number).await(names, since[number]);
    } catch (const Error& error) {
      leave_adopting(number, error, adopted);
    }
  }
}

// One that cannot be asked keeps none of the others; of the only one the error is thrown.
void BlobWriter::leave_adopting(unsigned number, const Error& error, Adopted& adopted) {
  const bool is_alone = without(live_, target_bit(number)) == 0;
  if (error.kind() == ErrorKind::kCancelled || is_alone) throw Error(error);
  leave(number);
  adopted.left[number] = error.what();
}

std::shared_ptr<BlobWriter::Pack> BlobWriter::adopt_pack(const DurablePack& known, Adopted& adopted) {
  auto pack = std::make_shared<Pack>();
  pack->id = known.id;
  pack->kind = known.kind;
  pack->lacking = known.lacking;
  pack->path = known.path;
  if (known.size) {
    adopt_finished(known, *pack, adopted);
  } else {
    adopt_open(known, *pack);
  }
  pack->told_frames = pack->frames.size();
  return pack;
}

void BlobWriter::adopt_open(const DurablePack& known, Pack& pack) {
  if ((known.lacking & live_) == 0) {
    pack.is_dropped = true;
    return;
  }
  close(pack, close_pack(known.path, context_of(known.lacking), known.kind, known.frames,
                         static_cast<unsigned>(std::popcount(known.lacking))));
  if (only_ >= 0) {
    const PackedFrame& last = known.frames.back();
    target(static_cast<unsigned>(only_)).destination().staged(pack.size - last.offset - last.stored_length);
  }
}

// Finished packs are never written to: a file that a destination was given may be the same.
void BlobWriter::adopt_finished(const DurablePack& known, Pack& pack, Adopted& adopted) {
  pack.is_finished = true;
  pack.size = *known.size;
  pack.frames = known.frames;
  pack.told_finished = pack.recorded = true;
  std::vector<unsigned> to_rename;
  bool needs_file = false;
  bool is_elsewhere = false;
  for (const PackDelivery& known_delivery : known.deliveries) {
    const unsigned number = known_delivery.target;
    Delivery& delivery = pack.deliveries.at(number);
    delivery.name = known_delivery.name;
    delivery.forgotten = known_delivery.is_committed;
    if (!has_target(live_, number)) continue;
    try {
      adopt_delivery(known, pack, number, adopted, to_rename);
    } catch (const Error& error) {
      leave_adopting(number, error, adopted);
      continue;
    }
    needs_file = needs_file || (!delivery.forgotten && !delivery.published);
    is_elsewhere = is_elsewhere || delivery.forgotten || delivery.published;
  }
  if (needs_file) adopt_file(known, pack, to_rename, is_elsewhere, adopted);
}

// What became of it at one destination.
void BlobWriter::adopt_delivery(const DurablePack& known, Pack& pack, unsigned number, Adopted& adopted,
                                std::vector<unsigned>& to_rename) {
  Delivery& delivery = pack.deliveries.at(number);
  if (delivery.forgotten) return;
  if (target(number).index().is_live(delivery.name)) {
    delivery.forgotten = true;
    adopted.committed[number].push_back(known.id);
    std::lock_guard lock(metadata_lane_.mutex);
    metadata_lane_.names[number].insert(delivery.name);
    return;
  }
  destination::Destination& destination = target(number).destination();
  delivery.published = destination.size(pack_key(delivery.name)).has_value();
  if (delivery.published) destination.make_durable(pack_key(delivery.name));
  // What is not there is published under a name that nobody has seen. The one it had may have been published,
  // taken for an orphan, condemned and dropped since: to whoever reads the log from its start it is dead for
  // ever. A pack of which parts have arrived, and that has never been seen under its name, so that nobody can
  // have condemned it, keeps it.
  if (!delivery.published && !destination.can_go_on(pack_key(delivery.name), delivery_path(pack, number)))
    to_rename.push_back(number);
}

void BlobWriter::adopt_file(const DurablePack& known, Pack& pack, const std::vector<unsigned>& to_rename,
                            bool is_elsewhere, Adopted& adopted) {
  try {
    if (to_rename.empty()) {
      if (static_cast<std::uint64_t>(file_status(known.path).st_size) != pack.size)
        throw Error(ErrorKind::kNotFound, "the pack " + printable(known.path) + " is not as long as it was");
      return;
    }
    const auto names = name_pack(known.path, *context_of(known.lacking).keyring, known.kind, pack.size,
                                 known.frames, static_cast<unsigned>(to_rename.size()));
    for (std::size_t i = 0; i < to_rename.size(); ++i) pack.deliveries[to_rename[i]].name = names[i];
    // The new ones are recorded before they are used.
    pack.told_finished = pack.recorded = false;
  } catch (const Error& error) {
    const bool is_gone = error.kind() == ErrorKind::kNotFound || error.kind() == ErrorKind::kDamaged;
    if (!is_gone || !is_elsewhere) throw;
    // Whoever cannot get it any more is given what it lacks from elsewhere, when the snapshot is made.
    for (const PackDelivery& delivery : known.deliveries) {
      const Delivery& own = pack.deliveries[delivery.target];
      if (!has_target(live_, delivery.target) || own.published || own.forgotten) continue;
      leave(delivery.target);
      adopted.left[delivery.target] = error.what();
    }
  }
}

}  // namespace garner::store
