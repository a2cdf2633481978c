#include "maintenance/pack_check.h"

#include <algorithm>
#include <cmath>
#include <mutex>
#include <vector>

#include "base/error.h"
#include "base/parallel.h"
#include "crypto/secret.h"
#include "maintenance/damage.h"
#include "store/frame.h"
#include "store/frame_run.h"

namespace garner::maintenance {
namespace {

// Each holds a frame, sealed and raw: at most 8 MiB.
constexpr unsigned kMostThreads = 8;
// Damaged blobs beyond this are not traced to the files that they belong to.
constexpr std::size_t kTracedBlobs = 1'000'000;

void check_sizes(store::Repository& repository, const PackTable& packs, CheckReport& report,
                 PackDamage& damage) {
  boost::unordered_flat_map<store::ObjectName, std::uint64_t, store::ObjectNameHash> found;
  for (const destination::ObjectInfo& object : repository.destination().list("packs/")) {
    try {
      found.emplace(store::ObjectName::from_hex(base_name(object.key)), object.size);
    } catch (const Error&) {
      // No pack has such a name, so nothing refers to it.
    }
  }
  for (const store::ObjectName& name : repository.index().live_packs()) {
    const auto object = found.find(name);
    const auto facts = packs.find(name);
    if (object == found.end()) {
      // Added since the listing, or removed.
      if (!is_still_live(repository, name) || repository.destination().size(store::pack_key(name))) continue;
      report.problem(short_name(name) + " is missing");
    } else if (facts != packs.end() && object->second != facts->second.size) {
      report.problem(short_name(name) + " has " + std::to_string(object->second) + " bytes instead of " +
                     std::to_string(facts->second.size));
    } else {
      continue;
    }
    damage.packs.insert(name);
  }
}

std::uint64_t random_below(std::uint64_t bound) {
  std::uint64_t number = 0;
  crypto::fill_random({reinterpret_cast<std::uint8_t*>(&number), sizeof number});
  return number % bound;
}

// What is read whole: a run of the packs in order of name, which wraps around.
std::vector<store::ObjectName> choose(std::vector<store::ObjectName> packs, double percent) {
  std::sort(packs.begin(), packs.end());
  const double share = std::clamp(percent, 0.0, 100.0) / 100;
  const auto count = static_cast<std::size_t>(std::ceil(share * static_cast<double>(packs.size())));
  if (count == 0 || count >= packs.size()) {
    if (count == 0) packs.clear();
    return packs;
  }
  std::rotate(packs.begin(), packs.begin() + static_cast<std::ptrdiff_t>(random_below(packs.size())),
              packs.end());
  packs.resize(count);
  return packs;
}

class PackCheck {
 public:
  PackCheck(store::Repository& repository, const PackTable& packs, CheckReport& report, PackDamage& damage)
      : repository_(repository), packs_(packs), report_(report), damage_(damage) {}

  void check(const store::ObjectName& name, bool whole) {
    report_.throw_if_stopped();
    bool sound = true;
    try {
      const store::PackReader reader(repository_.destination(), repository_.keyring(), name);
      const store::PackReader::Directory directory = reader.read_directory();
      sound = compare(name, reader.header(), directory);
      if (whole) sound = read_frames(name, reader, directory) && sound;
    } catch (const Error& error) {
      if (!is_damage(error) || may_be_of_newer_keys(repository_, error)) throw;
      sound = !is_still_live(repository_, name);
      if (!sound) {
        report_.problem(short_name(name) + " is damaged: " + error.what());
        add_damaged_pack(name);
      }
    }
    if (whole) report_.read_whole({name, packs_.at(name).size}, sound);
    report_.add_pack();
  }

 private:
  // The next three: whether all is as it should be.
  bool compare(const store::ObjectName& name, const store::PackHeader& header,
               const store::PackReader::Directory& directory) {
    LocationSum sum;
    for (const store::PackedFrame& frame : directory.frames) {
      std::uint32_t offset = 0;
      for (const store::FrameBlob& blob : frame.blobs) {
        sum.add(blob.id, blob.kind, frame.offset, frame.stored_length, frame.raw_length, offset, blob.length);
        offset += blob.length;
      }
    }
    const PackFacts& facts = packs_.at(name);
    if (!facts.disputed && header.kind == facts.kind && sum == facts.locations) return true;
    report_.problem(short_name(name) + (facts.disputed
                                            ? ": segments of the index do not agree on what is in it"
                                            : ": its directory and the index do not agree"));
    add_damaged_pack(name);
    return false;
  }

  bool read_frames(const store::ObjectName& name, const store::PackReader& reader,
                   const store::PackReader::Directory& directory) {
    store::FrameCodec codec;
    Scratch sealed;
    Scratch raw;
    bool sound = true;
    std::vector<store::FramePlace> places;
    for (const store::PackedFrame& frame : directory.frames)
      places.push_back({name, frame.offset, frame.stored_length});
    store::FrameRun run(std::move(places), repository_.destination().read_gap());
    for (const store::PackedFrame& frame : directory.frames) {
      report_.throw_if_stopped();
      try {
        const ByteView plain = run.read(reader, {name, frame.offset, frame.stored_length}, sealed);
        sound = verify(name, frame, codec.decode(plain, frame.raw_length, raw)) && sound;
      } catch (const Error& error) {
        if (!is_damage(error)) throw;
        if (!is_still_live(repository_, name)) return true;
        sound = false;
        report_.problem(short_name(name) + ": " + error.what());
        for (const store::FrameBlob& blob : frame.blobs) add_damaged(name, blob.id);
      }
      report_.add_bytes_read(frame.stored_length);
    }
    return sound;
  }

  bool verify(const store::ObjectName& name, const store::PackedFrame& frame, ByteView raw) {
    bool sound = true;
    std::size_t offset = 0;
    for (const store::FrameBlob& blob : frame.blobs) {
      if (repository_.hasher().id(blob.kind, raw.subspan(offset, blob.length)) != blob.id) {
        report_.problem(short_name(name) + ": blob " + blob.id.hex() + " is not what its id says");
        add_damaged(name, blob.id);
        sound = false;
      }
      offset += blob.length;
    }
    return sound;
  }

  // What it holds may well be readable, frame by frame: it is in doubt.
  void add_damaged_pack(const store::ObjectName& name) {
    std::lock_guard lock(mutex_);
    damage_.in_doubt.insert(name);
  }

  void add_damaged(const store::ObjectName& name, const crypto::BlobId& id) {
    std::lock_guard lock(mutex_);
    damage_.touched.insert(name);
    if (damage_.blobs.size() < kTracedBlobs) damage_.blobs.insert(id);
  }

  store::Repository& repository_;
  const PackTable& packs_;
  CheckReport& report_;
  PackDamage& damage_;
  std::mutex mutex_;  // of damage_
};

}  // namespace

std::string short_name(const store::ObjectName& pack) {
  const std::string hex = pack.hex();
  return "pack packs/" + hex.substr(0, 2) + "/" + hex.substr(0, 16) + "…";
}

PackDamage check_packs(store::Repository& repository, const PackTable& packs, const CheckOptions& options,
                       CheckReport& report) {
  PackDamage damage;
  report.begin_stage("looking for packs");
  check_sizes(repository, packs, report, damage);

  // Each pack's directory is read, so that one that stands in another's place is noticed; of metadata all is,
  // as soon as anything is read whole.
  std::vector<store::ObjectName> data;
  std::vector<store::ObjectName> metadata;
  std::vector<PackSize> there;
  for (const auto& [name, facts] : packs) {
    if (damage.packs.contains(name)) continue;
    (facts.kind == store::PackKind::kData ? data : metadata).push_back(name);
    there.push_back({name, facts.size});
  }
  std::vector<store::ObjectName> whole;
  if (options.choose) {
    whole = options.choose(there);
    std::erase_if(whole, [&](const store::ObjectName& name) {
      return !packs.contains(name) || damage.packs.contains(name);
    });
  } else {
    whole = choose(std::move(data), options.read_data_percent);
    if (options.read_data_percent > 0) {
      std::sort(metadata.begin(), metadata.end());
      whole.insert(whole.end(), metadata.begin(), metadata.end());
    }
  }
  const std::unordered_set<store::ObjectName, store::ObjectNameHash> chosen(whole.begin(), whole.end());
  std::vector<store::ObjectName> others;
  for (const PackSize& pack : there) {
    if (!chosen.contains(pack.name)) others.push_back(pack.name);
  }
  std::sort(others.begin(), others.end());
  report.set_total_packs(there.size());

  PackCheck check(repository, packs, report, damage);
  const unsigned cores = std::max(1u, std::thread::hardware_concurrency());
  const unsigned threads = std::min(options.threads > 0 ? options.threads : cores, kMostThreads);
  report.begin_stage("reading directories of packs");
  for_each_in_parallel(others.size(), threads,
                       [&](std::size_t number) { check.check(others[number], false); });
  if (!whole.empty()) {
    report.begin_stage("reading data");
    for_each_in_parallel(whole.size(), threads,
                         [&](std::size_t number) { check.check(whole[number], true); });
  }
  return damage;
}

}  // namespace garner::maintenance
