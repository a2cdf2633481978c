#include "backup/filler.h"

#include <algorithm>
#include <atomic>
#include <map>
#include <mutex>
#include <optional>
#include <utility>

#include <spdlog/spdlog.h>

#include "backup/lane_pool.h"
#include "backup/wanted_blobs.h"
#include "base/error.h"
#include "base/parallel.h"
#include "base/scratch.h"
#include "crypto/id_set.h"
#include "snapshot/walk_new.h"
#include "store/frame.h"
#include "store/frame_run.h"
#include "store/pack.h"
#include "store/union_source.h"

namespace garner::backup {

namespace {

constexpr int kMostRounds = 20;
// Blobs of packs that cannot be read, which are looked up by one pass over an index: 40 bytes of memory each.
constexpr std::uint64_t kBatchBlobs = 500'000;

class Filler {
 public:
  Filler(const FillContext& context, const v1::Snapshot& snapshot,
         const std::vector<const v1::Snapshot*>& owned)
      : context_(context),
        snapshot_(snapshot),
        owned_(owned),
        suppliers_(context.suppliers),
        wanted_(suppliers_),
        away_(context.suppliers.size()) {
    for (unsigned lane = 0; lane < context.threads; ++lane) lanes_.add(std::make_unique<Lane>(lane));
  }

  FillResult run() {
    for (int round = 1;; ++round) {
      find();
      carry();
      if (!again_) return std::move(result_);
      // Packs were moved by a prune, or somebody went away: what they held stands elsewhere.
      if (round == kMostRounds)
        throw Error(ErrorKind::kConflict,
                    "what is to be copied is moved by a prune again and again: try again");
      look_again();
    }
  }

 private:
  // What one thread carries with.
  struct Lane {
    explicit Lane(unsigned own) : number(own) {}
    const unsigned number;
    store::FrameCodec codec;
    Scratch raw;
    Scratch sealed;
  };
  void throw_if_stopped() const {
    if (context_.stop.stop_requested()) throw Error(ErrorKind::kCancelled, "the run was stopped");
  }

  void look_again() {
    again_ = false;
    lost_.clear();
    result_.lost.clear();
    std::vector<Supplier> there;
    for (std::size_t i = 0; i < suppliers_.size(); ++i) {
      if (!away_[i]) read_from(i, [&] { suppliers_[i].repository->refresh(); });
      if (!away_[i]) there.push_back(suppliers_[i]);
      if (away_[i]) gone_ += (gone_.empty() ? "" : ", ") + suppliers_[i].name;
      away_[i] = false;
    }
    suppliers_ = std::move(there);
    wanted_ = WantedBlobs(suppliers_);
  }

  // ---- Find ----

  void find() {
    walk([&](crypto::BlobKind kind, const crypto::BlobId& id, const std::string& path) {
      if (kind != crypto::BlobKind::kData && !walked_.insert(id)) return false;
      if (!is_there(id) && !wanted_.add(id)) lose(path, "no destination has its content");
      return true;
    });
  }

  // Everything that `owned` does not spare. Trees are read from the suppliers first: the target may be far
  // away.
  void walk(const std::function<bool(crypto::BlobKind, const crypto::BlobId&, const std::string&)>& visit) {
    std::vector<store::Repository*> all = repositories();
    all.push_back(&context_.target);
    store::UnionSource source(std::move(all));
    walked_.clear();
    snapshot::ClosureVisitor visitor;
    visitor.visit = [&](crypto::BlobKind kind, const crypto::BlobId& id, const std::string& path) {
      throw_if_stopped();
      return visit(kind, id, path);
    };
    visitor.unreadable = [&](crypto::BlobKind, const crypto::BlobId&, const std::string& path,
                             const std::string& error) { lose(path, error); };
    visitor.difference = [&] { note_difference(); };
    snapshot::walk_new(snapshot_, owned_, source, visitor);
  }

  bool is_there(const crypto::BlobId& id) {
    // What a root that is committed meanwhile rests on is known to the checkpointer by this.
    if (!context_.writer.refer(0, id)) return false;
    if (const auto pack = context_.target.index().find_pack(id)) result_.names.insert(*pack);
    return true;
  }

  void note_difference() {
    if (has_differences_) return;
    if (!context_.target.may_store_differences()) {
      throw Error(ErrorKind::kPermissionDenied,
                  "the snapshot holds changed files as differences, which the repository at " +
                      context_.target.destination().describe() +
                      " does not expect, and this machine may not tell it to: the machine that made the "
                      "repository can copy the snapshot");
    }
    has_differences_ = true;
    context_.checkpointer.note_difference();
  }

  void lose(const std::string& path, const std::string& error) {
    if (!gone_.empty())
      throw Error(ErrorKind::kDestinationAway, gone_ + " went away, and may have what is lacking: " + error);
    // Content of one file comes in a row.
    if (!result_.lost.empty() && result_.lost.back().path == path) return;
    if (result_.lost.size() < kMostLost) result_.lost.push_back({path, error});
  }

  // ---- Carry ----

  void carry() {
    const std::vector<WantedPack> packs = wanted_.packs();
    std::uint64_t bytes = 0;
    for (const WantedPack& pack : packs) bytes += pack.bytes;
    context_.statistics.expect(0, bytes);
    context_.statistics.stage("copying");
    // A tree is stored after the content that it leads to: an unfinished root that stands for days holds what
    // it names.
    const auto metadata = std::ranges::find(packs, store::PackKind::kMetadata, &WantedPack::kind);
    for (const auto& part : {std::span(packs.begin(), metadata), std::span(metadata, packs.end())}) {
      for_each_in_parallel(part.size(), context_.threads, [&](std::size_t number) {
        const LanePool<Lane>::Use lane(lanes_);
        carry_pack(*lane, part[number]);
      });
      carry_unread();
    }
    if (!again_) name_lost();
  }

  void carry_pack(Lane& lane, const WantedPack& wanted) {
    throw_if_stopped();
    const Supplier& supplier = suppliers_[wanted.repository];
    std::optional<store::PackReader> reader;
    store::PackReader::Directory directory;
    const bool opened = !away_[wanted.repository] && read_from(wanted.repository, [&] {
      reader.emplace(supplier.repository->destination(), supplier.repository->keyring(), wanted.name);
      directory = reader->read_directory();
    });
    if (!opened) return leave_unread(wanted);
    std::vector<const store::PackedFrame*> frames;
    std::vector<store::FramePlace> places;
    crypto::IdSet found;
    for (const store::PackedFrame& frame : directory.frames) {
      const std::size_t before = found.size();
      bool any = false;
      for (const store::FrameBlob& blob : frame.blobs) {
        if (!is_wanted(wanted, blob.id)) continue;
        any = true;
        found.insert(blob.id);
      }
      if (!any || found.size() == before) continue;
      frames.push_back(&frame);
      places.push_back({wanted.name, frame.offset, frame.stored_length});
    }
    store::FrameRun run(std::move(places), supplier.repository->destination().read_gap());
    for (const store::PackedFrame* frame : frames) carry_frame(lane, wanted, *reader, run, *frame);
    // It may be another pack than the one that the index means.
    if (found.size() < wanted.blobs) leave_unread(wanted);
  }

  bool is_wanted(const WantedPack& pack, const crypto::BlobId& id) const {
    return wanted_.is_wanted_from(pack.repository, pack.name, id);
  }

  void carry_frame(Lane& lane, const WantedPack& pack, const store::PackReader& reader, store::FrameRun& run,
                   const store::PackedFrame& frame) {
    throw_if_stopped();
    context_.checkpointer.admit(frame.raw_length);
    ByteView encoded;
    ByteView raw;
    const bool read = !away_[pack.repository] && read_from(pack.repository, [&] {
      encoded = run.read(reader, {pack.name, frame.offset, frame.stored_length}, lane.sealed);
      raw = lane.codec.decode(encoded, frame.raw_length, lane.raw);
    });
    std::uint64_t bytes = 0;  // that are wanted, and can be had
    bool sound = read;
    bool may_go_whole = read;
    std::vector<std::optional<ByteView>> contents(frame.blobs.size());  // of those that are wanted and sound
    std::size_t offset = 0;
    for (std::size_t i = 0; i < frame.blobs.size(); ++i) {
      const store::FrameBlob& blob = frame.blobs[i];
      const std::size_t begin = std::exchange(offset, offset + blob.length);
      const bool is_one = is_wanted(pack, blob.id);
      // Snapshots that the target does not list are none of its business.
      if (!is_one && blob.kind == crypto::BlobKind::kSnapshot) may_go_whole = false;
      const bool is_sound =
          read && context_.target.hasher().id(blob.kind, raw.subspan(begin, blob.length)) == blob.id;
      sound = sound && is_sound;
      if (!is_one) continue;
      if (is_sound) {
        contents[i] = raw.subspan(begin, blob.length);
        bytes += blob.length;
      } else if (away_[pack.repository]) {
        again_ = true;
      } else {
        carry_from_any(lane.number, blob.kind, blob.id);
      }
    }
    if (sound && may_go_whole && 2 * bytes >= frame.raw_length) {
      count(pack.kind,
            context_.writer.put_frame(lane.number, pack.kind, encoded, frame.raw_length, frame.blobs));
      context_.statistics.supplied(context_.number, frame.raw_length);
    } else {
      for (std::size_t i = 0; i < frame.blobs.size(); ++i) {
        if (contents[i]) put(lane.number, frame.blobs[i].kind, frame.blobs[i].id, *contents[i]);
      }
    }
    context_.statistics.done_bytes(bytes);
    if (bytes > 0) note_supplier(suppliers_[pack.repository].name);
  }

  void note_supplier(const std::string& name) {
    const std::lock_guard lock(mutex_);
    result_.suppliers.insert(name);
  }

  // What goes wrong with the supplier says nothing of the target: false then, and the next one is asked.
  bool read_from(std::size_t supplier, const std::function<void()>& read) {
    try {
      read();
      return true;
    } catch (const Error& error) {
      if (error.kind() == ErrorKind::kCancelled || error.kind() == ErrorKind::kInternal) throw;
      const bool away = error.kind() == ErrorKind::kDestinationAway;
      if (away && away_[supplier].exchange(true)) return false;
      // A disk that gives nothing gives nothing a million times.
      const auto level = told_++ < kMostReadsTold ? spdlog::level::warn : spdlog::level::debug;
      spdlog::log(level, "{} cannot supply something: {}", suppliers_[supplier].name, error.what());
      return false;
    }
  }

  void put(unsigned lane, crypto::BlobKind kind, const crypto::BlobId& id, ByteView content) {
    const store::TargetSet lacking = kind == crypto::BlobKind::kData
                                         ? context_.writer.put(lane, id, content)
                                         : context_.writer.put_metadata(kind, id, content);
    if (lacking == 0) return;
    count(store::pack_kind(kind), content.size());
    context_.statistics.supplied(context_.number, content.size());
  }

  void count(store::PackKind kind, std::uint64_t added) {
    if (kind != store::PackKind::kData || added == 0) return;
    context_.statistics.new_content(store::target_bit(context_.number), added);
  }

  // ---- What a supplier could not give ----

  void leave_unread(const WantedPack& pack) {
    const std::lock_guard lock(mutex_);
    unread_.push_back(pack);
  }

  // Of packs that cannot be read, blob by blob.
  void carry_unread() {
    while (!unread_.empty()) {
      std::map<store::ObjectName, WantedPack> batch;
      const std::size_t repository = unread_.back().repository;
      std::uint64_t blobs = 0;
      while (!unread_.empty() && unread_.back().repository == repository &&
             (batch.empty() || blobs + unread_.back().blobs <= kBatchBlobs)) {
        blobs += unread_.back().blobs;
        batch.emplace(unread_.back().name, unread_.back());
        unread_.pop_back();
      }
      if (away_[repository]) {
        again_ = true;
      } else {
        carry_batch(suppliers_[repository].repository->index(), batch);
      }
    }
  }

  void carry_batch(const store::Index& index, const std::map<store::ObjectName, WantedPack>& packs) {
    std::vector<std::pair<crypto::BlobKind, crypto::BlobId>> blobs;
    index.for_each([&](const crypto::BlobId& id, const store::BlobLocation& location) {
      const auto pack = packs.find(location.pack);
      if (pack != packs.end() && is_wanted(pack->second, id)) blobs.emplace_back(location.kind, id);
    });
    // One that a prune has removed meanwhile was not among those. (None becomes live again.)
    for (const auto& [name, pack] : packs) {
      if (!index.is_live(name)) again_ = true;
    }
    for (const auto& [kind, id] : blobs) {
      throw_if_stopped();
      if (!context_.writer.refer(0, id)) carry_from_any(0, kind, id);
    }
  }

  // Wherever it is: those whose index has it are asked before those that would have to look into their logs.
  void carry_from_any(unsigned lane, crypto::BlobKind kind, const crypto::BlobId& id) {
    std::vector<Supplier> order = suppliers_;
    std::ranges::stable_partition(
        order, [&](const Supplier& one) { return one.repository->index().find_pack(id).has_value(); });
    std::optional<Error> away;
    std::string trouble;
    for (const Supplier& supplier : order) {
      Bytes content;
      try {
        content = supplier.repository->read(kind, id);
      } catch (const Error& error) {
        if (error.kind() == ErrorKind::kCancelled) throw;
        if (error.kind() == ErrorKind::kDestinationAway) away = error;
        if (trouble.empty() || error.kind() != ErrorKind::kNotFound) trouble = error.what();
        continue;
      }
      context_.checkpointer.admit(content.size());
      put(lane, kind, id, content);
      context_.statistics.done_bytes(content.size());
      return note_supplier(supplier.name);
    }
    if (away) throw Error(*away);
    const std::lock_guard lock(mutex_);
    lost_.emplace(id, trouble);
  }

  std::vector<store::Repository*> repositories() const {
    std::vector<store::Repository*> all;
    for (const Supplier& supplier : suppliers_) all.push_back(supplier.repository);
    return all;
  }

  // Blobs say nothing of the files that they belong to.
  void name_lost() {
    if (lost_.empty()) return;
    walk([&](crypto::BlobKind kind, const crypto::BlobId& id, const std::string& path) {
      if (kind != crypto::BlobKind::kData && !walked_.insert(id)) return false;
      if (const auto lost = lost_.find(id); lost != lost_.end()) lose(path, lost->second);
      return true;
    });
  }

  const FillContext& context_;
  const v1::Snapshot& snapshot_;
  const std::vector<const v1::Snapshot*>& owned_;
  std::vector<Supplier> suppliers_;  // that are there
  std::string gone_;                 // those that are not any more
  WantedBlobs wanted_;
  crypto::IdSet walked_;  // trees and lists
  bool has_differences_ = false;
  std::vector<std::atomic<bool>> away_;  // by supplier
  std::atomic<unsigned> told_ = 0;
  std::atomic<bool> again_ = false;  // something that is wanted stands elsewhere by now

  LanePool<Lane> lanes_;

  std::mutex mutex_;  // of what follows, while several threads carry
  FillResult result_;
  std::vector<WantedPack> unread_;
  std::map<crypto::BlobId, std::string> lost_;
};

}  // namespace

FillResult fill(const FillContext& context, const v1::Snapshot& snapshot,
                const std::vector<const v1::Snapshot*>& owned) {
  return Filler(context, snapshot, owned).run();
}

}  // namespace garner::backup
