#include "maintenance/pack_copy.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "base/error.h"
#include "base/parallel.h"
#include "maintenance/damage.h"
#include "maintenance/pack_output.h"
#include "store/frame.h"
#include "store/frame_run.h"

namespace garner::maintenance {

struct PackCopier::Lane {
  PackOutput output;
  store::FrameCodec codec;
};

PackCopier::PackCopier(store::Repository& repository, const Marks& marks, std::string prefix,
                       unsigned threads)
    : repository_(repository), marks_(marks), prefix_(std::move(prefix)), threads_(threads) {}

PackCopier::~PackCopier() = default;

std::unique_ptr<PackCopier::Lane> PackCopier::take() {
  const std::lock_guard lock(mutex_);
  if (idle_.empty()) return std::unique_ptr<Lane>(new Lane{PackOutput(repository_, prefix_), {}});
  std::unique_ptr<Lane> lane = std::move(idle_.back());
  idle_.pop_back();
  return lane;
}

void PackCopier::give_back(std::unique_ptr<Lane> lane) {
  const std::lock_guard lock(mutex_);
  idle_.push_back(std::move(lane));
}

std::vector<std::string> PackCopier::copy(const std::vector<PackUse>& packs,
                                          const std::function<void()>& done) {
  std::vector<std::string> damage(packs.size());
  for_each_in_parallel(packs.size(), threads_, [&](std::size_t number) {
    std::unique_ptr<Lane> lane = take();
    try {
      copy(*lane, packs[number]);
    } catch (const Error& error) {
      if (!is_damage(error)) throw;
      damage[number] = error.what();
    }
    give_back(std::move(lane));
    done();
  });
  return damage;
}

std::vector<store::FinishedPack> PackCopier::finish() {
  std::vector<store::FinishedPack> packs;
  for (const auto& lane : idle_) {
    for (store::FinishedPack& pack : lane->output.finish()) packs.push_back(std::move(pack));
  }
  return packs;
}

void PackCopier::copy(Lane& lane, const PackUse& pack) {
  const store::PackReader reader(repository_.destination(), repository_.keyring(), pack.name);
  const store::PackReader::Directory directory = reader.read_directory();
  std::vector<store::FramePlace> places;
  for (const store::PackedFrame& frame : directory.frames) {
    const bool is_wanted = std::ranges::any_of(
        frame.blobs, [&](const store::FrameBlob& blob) { return marks_.is_kept_in(blob.id, pack.name); });
    if (is_wanted) places.push_back({pack.name, frame.offset, frame.stored_length});
  }
  store::FrameRun run(std::move(places), repository_.destination().read_gap());
  Scratch memory;
  for (const store::PackedFrame& frame : directory.frames) {
    std::vector<bool> wanted;
    std::size_t count = 0;
    for (const store::FrameBlob& blob : frame.blobs) {
      wanted.push_back(marks_.is_kept_in(blob.id, pack.name));
      count += wanted.back();
    }
    if (count == 0) continue;
    // A frame that does not verify costs a look for other copies of its blobs, not the blobs.
    ByteView encoded;
    std::optional<Bytes> raw;
    bool sound = true;
    try {
      encoded = run.read(reader, {pack.name, frame.offset, frame.stored_length}, memory);
      raw = lane.codec.decode(encoded, frame.raw_length);
    } catch (const Error& error) {
      if (!is_damage(error)) throw;
    }
    std::vector<Bytes> elsewhere(frame.blobs.size());
    std::size_t offset = 0;
    for (std::size_t i = 0; i < frame.blobs.size(); ++i) {
      const store::FrameBlob& blob = frame.blobs[i];
      const std::size_t begin = std::exchange(offset, offset + blob.length);
      if (!wanted[i]) continue;
      if (raw && repository_.hasher().id(blob.kind, ByteView(*raw).subspan(begin, blob.length)) == blob.id)
        continue;
      sound = false;
      elsewhere[i] = repository_.read(blob.kind, blob.id);
    }
    if (sound && count == frame.blobs.size()) {
      lane.output.append(pack.kind, encoded, frame.raw_length, frame.blobs);
      continue;
    }
    offset = 0;
    for (std::size_t i = 0; i < frame.blobs.size(); ++i) {
      const store::FrameBlob& blob = frame.blobs[i];
      if (wanted[i]) {
        const bool here = sound || (elsewhere[i].empty() && raw);
        lane.output.add(blob, here ? ByteView(*raw).subspan(offset, blob.length) : ByteView(elsewhere[i]));
      }
      offset += blob.length;
    }
  }
}

}  // namespace garner::maintenance
